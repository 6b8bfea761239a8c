"""The README's text is followed to the letter."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from bench.submission_file import OPTIONAL, REQUIRED

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
    words = [sys.executable, "-m", *shlex.split(command)]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_a_method_is_added_as_the_readme_says(tmp_path: Path) -> None:
    text = section("Your own method")
    assert len(commands(text)) == 3
    for command in commands(text):
        printed = run(command, tmp_path)
    assert "my_method" in printed and "constant" in printed


def test_a_cohort_is_made_as_the_readme_says(tmp_path: Path) -> None:
    text = section("Your own cohort")
    folder = tmp_path / "mycohort"
    (folder / "images").mkdir(parents=True)
    (folder / "cohort.toml").write_text(block(text, "toml"))
    header, example = block(text, "", 1).strip().splitlines()
    assert len(header.split(",")) == len(example.split(","))
    (folder / "cases.csv").write_text("\n".join([header, *(case(folder, number) for number in range(40))]))
    (command,) = commands(text)
    printed = run(command.replace(",spatial_mtl", ""), tmp_path)
    assert "tumour_size" in printed and "synthetic" not in printed.lower()


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
