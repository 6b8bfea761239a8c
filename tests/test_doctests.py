"""Every public name has an example in its docstring, and every example is true."""

import doctest
from pathlib import Path
from typing import Any

import pytest

import bench
from bench.methods import hookspecs
from bench.predictions.results import Results

OPTIONS = doctest.NORMALIZE_WHITESPACE
CONSTANTS = {"API_VERSION": bench, "hookimpl": hookspecs}
# Names whose examples begin with the results of the example of bench.run.
OF_RESULTS = ("leaderboard", "compare", "sites", "subtypes")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What the example of bench.run returns."""
    (run,) = examples("run", {})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("run"))
        doctest.DocTestRunner(optionflags=OPTIONS, verbose=False).run(run, clear_globs=False)
    found: Results = run.globs["results"]
    return found


def examples(name: str, given: dict[str, Any]) -> list[doctest.DocTest]:
    """Those of a class or function and its methods; a constant is explained in the text of its module."""
    found = CONSTANTS.get(name) or getattr(bench, name)
    finder = doctest.DocTestFinder(recurse=name not in CONSTANTS, exclude_empty=True)
    tests = finder.find(found, name, module=False, globs=given)  # type: ignore[arg-type]
    return [test for test in tests if test.examples]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name == "check_method" else ()) for name in bench.__all__],
)
def test_the_examples_of_a_public_name_are_there_and_true(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"bench": bench, "results": request.getfixturevalue("results")} if name in OF_RESULTS else {}
    tests = examples(name, given)
    assert tests, f"bench.{name} has no example in its docstring"
    runner = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False)
    for test in tests:
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
