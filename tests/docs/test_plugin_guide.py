"""Every example of the plugin guide is a file that works as printed."""

import re
import shutil
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest

from bench import Cohort, Crop, open_cohort
from bench.methods.contract.catalogue import CLAUSES
from bench.methods.contract.suite import quick_codes
from tests.command import bench
from tests.docs.pages import commands, page, titled_blocks

GUIDE = page("plugin_guide.md")
EXAMPLES = titled_blocks(GUIDE)
SECTIONS = {
    name: section
    for section in re.split(r"^## ", GUIDE, flags=re.MULTILINE)
    for name in titled_blocks(section)
}
ROWS = {
    "age_neighbours.py": "age_neighbours",
    "small_network.py": "small_network",
    "within_ten.py": "Within 10",
    "region_forest.py": "region_forest",
    "nearest_radiomics.py": "nearest_radiomics",
    "enhancement.py": "enhancement",
    "by_vendor.py": "tumour_size",
    "nested_sites.py": "tumour_size",
    "hdf5_exams.py": "tumour_size",
    "size_and_network.py": "size_and_network",
    "clipped.py": "carenet_1d+clipped",
    "glm_in_r.py": "glm_in_r",
    "old_forest.py": "old_forest",
}
METHODS = (
    *("age_neighbours.py", "small_network.py", "region_forest.py", "enhancement.py", "size_and_network.py"),
    *("glm_in_r.py", "old_forest.py", "nearest_radiomics.py"),
)
# What an example reads is written by another file of the same section.
WRITERS = {"hdf5_exams.py": "write_exams.py", "enhancement.py": "make_two_phases.py"}
# What an example runs lies beside it.
COMPANIONS = {"glm_in_r.py": "fit.R"}
PROGRAMS = {"glm_in_r.py": "Rscript", "old_forest.py": "uv"}


def test_the_guide_has_the_examples_that_are_run_here() -> None:
    assert EXAMPLES.keys() == {*ROWS, *WRITERS.values(), *COMPANIONS.values()}


# Methods are checked against the whole contract, which takes minutes; the others take many seconds each.
@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_an_example_runs_as_printed_and_its_row_is_on_the_board(name: str, tmp_path: Path) -> None:
    if (program := PROGRAMS.get(name)) and shutil.which(program) is None:
        pytest.skip(f"needs {program}")
    for file in {name, COMPANIONS.get(name, name)}:
        (tmp_path / file).write_text(EXAMPLES[file], encoding="utf-8")
    if name in WRITERS:
        with chdir(tmp_path):
            exec(EXAMPLES[WRITERS[name]], {})
    asked = commands(SECTIONS[name])
    assert len(asked) >= 2
    for words in asked:
        done = bench(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    assert ROWS[name] in done.stdout and "constant" in done.stdout


@pytest.mark.slow
def test_the_crops_of_the_file_are_those_of_the_cohort_that_it_was_written_from(
    tmp_path: Path, tiny: Cohort
) -> None:
    (tmp_path / "hdf5_exams.py").write_text(EXAMPLES["hdf5_exams.py"], encoding="utf-8")
    with chdir(tmp_path):
        exec(EXAMPLES["write_exams.py"], {})
    found = open_cohort("hdf5_exams", quiet=True, plugins=[tmp_path / "hdf5_exams.py"])
    crop = Crop(size_mm=48, spacing_mm=2)
    assert found.case_ids == tiny.case_ids
    # Headers of NIfTI hold directions in single precision.
    assert np.allclose(found.crops(crop)[:], tiny.crops(crop)[:], atol=1e-3)
    assert np.array_equal(found.labels("ki67"), tiny.labels("ki67"), equal_nan=True)


@pytest.mark.slow
def test_the_board_of_several_phases_says_which_were_used_and_skips_where_there_is_one(
    tmp_path: Path,
) -> None:
    plugin = "enhancement.py"
    with chdir(tmp_path):
        exec(EXAMPLES[WRITERS[plugin]], {})
    (tmp_path / plugin).write_text(EXAMPLES[plugin], encoding="utf-8")
    words = ["run", "--method", "mask_only,enhancement", "--plugin", plugin, "--split", "internal"]
    two = bench(*words, "--cohort", "two_phases", cwd=tmp_path)
    assert two.returncode == 0, two.stderr
    assert "images post1 and pre" in two.stdout
    assert "enhancement: post1, post1-pre, pre" in " ".join(two.stdout.split())
    one = bench(*words, "--cohort", "phantom-tiny", cwd=tmp_path)
    said = " ".join((one.stdout + one.stderr).split())
    assert "needs the image post1 of each case, cohort phantom-tiny has image alone" in said
    assert "images post1" not in one.stdout


@pytest.mark.parametrize("name", METHODS)
def test_an_example_of_a_method_is_checked_by_the_commands_of_its_section(name: str) -> None:
    assert ["check", name.removesuffix(".py"), "--plugin", name] in commands(SECTIONS[name])


def test_the_clauses_of_the_guide_are_those_of_the_check() -> None:
    text = GUIDE.split("## What the check tests")[1].split("## ")[0]
    listed = re.findall(r"^\| (BC\d\d) \| ([^|]+?) \|$", text, flags=re.MULTILINE)
    assert listed == [(clause.code, clause.title) for clause in CLAUSES]
    assert f"tests {len(CLAUSES)} clauses" in " ".join(text.split())
    assert ", ".join(quick_codes()) in text
