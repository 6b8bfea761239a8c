"""The library names parameters; the command line names its options."""

import re
from pathlib import Path

import pytest

import bench
from bench.cli.remedies import with_options
from bench.errors import BenchError, UsageError, parameter

FOLDER = Path(bench.__file__).parent
# Of two hyphens behind a quote, a space or a bracket, unless the text is that of a whole command.
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
RAISES = re.compile(r"raise \w*Error\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|unknown_name\([^\n]*")


@pytest.mark.parametrize(
    ("name", "value", "in_python", "on_the_command_line"),
    [
        ("inner_folds", 3, "inner_folds=3", "--inner-folds 3"),
        ("out", "", "`out`", "--out"),
        ("methods", "NAME", "methods=NAME", "--method NAME"),
        ("set", "cnn.lr=0.1", "set=cnn.lr=0.1", "--set cnn.lr=0.1"),
    ],
)
def test_a_parameter_is_an_option_on_the_command_line(
    name: str, value: object, in_python: str, on_the_command_line: str
) -> None:
    error = UsageError(f"too few; give {parameter(name, value)}, or less")
    assert str(error) == f"too few; give {in_python}, or less"
    assert with_options(error) == f"too few; give {on_the_command_line}, or less"


def test_a_message_without_a_parameter_stays_as_it_is() -> None:
    assert with_options(BenchError("x=1 --y")) == str(BenchError("x=1 --y")) == "x=1 --y"


def test_no_error_of_the_library_names_an_option_of_the_command_line() -> None:
    named = [
        (path.name, message)
        for path in FOLDER.rglob("*.py")
        if "cli" not in path.parts
        for message in RAISES.findall(path.read_text())
        if OPTION.search(re.sub(r"`bench [^`]*`", "", message.replace('"\n', "")))
    ]
    assert not named
