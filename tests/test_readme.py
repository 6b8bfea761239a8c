"""The README's text is followed to the letter."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from bench.store.submission_file import OPTIONAL, REQUIRED
from tests.command import bench

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return re.split(r"^## ", README, flags=re.MULTILINE)[[*titles()].index(title) + 1]


def titles() -> list[str]:
    return re.findall(r"^## (.+)$", README, flags=re.MULTILINE)


def block(text: str, kind: str, number: int = 0) -> str:
    return re.findall(rf"^```{kind}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)[number]


def commands(text: str) -> list[str]:
    return re.findall(r"^    (bench .+)$", text, flags=re.MULTILINE)


def run(command: str, folder: Path) -> str:
    done = bench(*shlex.split(command)[1:], cwd=folder)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_a_method_is_added_as_the_readme_says(tmp_path: Path) -> None:
    text = section("Your own method")
    assert len(commands(text)) == 3
    for command in commands(text):
        printed = run(command, tmp_path)
    assert "my_method" in printed and "constant" in printed


def test_the_lines_of_python_run_as_the_readme_says(tmp_path: Path) -> None:
    (tmp_path / "board.py").write_text(block(section("From Python"), "python"))
    done = subprocess.run(
        [sys.executable, "board.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "tumour_size" in done.stdout and "SYNTHETIC" in done.stdout


def test_a_cohort_is_made_as_the_readme_says(tmp_path: Path) -> None:
    text = section("Your own cohort")
    folder = tmp_path / "mycohort"
    (folder / "images").mkdir(parents=True)
    (folder / "cohort.toml").write_text(block(text, "toml"))
    header, example = block(text, "", 1).strip().splitlines()
    assert len(header.split(",")) == len(example.split(","))
    (folder / "cases.csv").write_text("\n".join([header, *(case(folder, number) for number in range(40))]))
    command, *others = commands(text)
    audit = next(words for words in others if words.startswith("bench audit"))
    printed = run(command.replace(",spatial_mtl", ""), tmp_path)
    assert "tumour_size" in printed and "synthetic" not in printed.lower()
    assert "BA001" in run(audit.partition("#")[0], tmp_path)


def case(folder: Path, number: int) -> str:
    rng = np.random.default_rng(number)
    image = rng.normal(100, 10, (20, 40, 40)).astype(np.float32)
    mask = np.zeros(image.shape, np.uint8)
    mask[8:12, 15 : 20 + number % 7, 15:25] = 1
    for name, voxels in ((f"c{number}", image + 50 * mask), (f"c{number}_mask", mask)):
        volume = sitk.GetImageFromArray(voxels)
        volume.SetSpacing((1.0, 1.0, 2.0))
        sitk.WriteImage(volume, str(folder / "images" / f"{name}.nii.gz"))
    er, ki67 = number % 2, 10 + number % 30
    files = f"images/c{number}.nii.gz,images/c{number}_mask.nii.gz"
    return f"c{number},p{number},hospital_a,internal,{files},{er},{ki67},{rng.integers(40, 70)},GE"


def test_the_readme_names_only_commands_that_exist() -> None:
    helped = run("bench --help", Path())
    for name in set(
        re.findall(r"\bbench (methods|splits|cohorts|run|leaderboard|predictions|new|check)\b", README)
    ):
        assert name in helped


def test_the_columns_of_a_submission_are_those_that_are_read() -> None:
    named = re.findall(r"^\| `(\w+)` ", section("Predictions made elsewhere"), flags=re.MULTILINE)
    assert sorted(named) == sorted((*REQUIRED, *OPTIONAL))
