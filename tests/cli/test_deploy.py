"""`bench bundle` and `bench predict`, as typed."""

import json
from pathlib import Path

import pytest

from bench.running.plan import Plan
from tests.command import bench

PROTOCOL = ("--cohort", "phantom-tiny", "--split", "internal_cv")


def test_a_bundle_predicts_a_folder_as_the_store_does(
    finished_store: Path, planned: Plan, tmp_path: Path
) -> None:
    made = bench(
        "bundle", "tumour_size", *PROTOCOL, "--store", str(finished_store), "--out", "b", cwd=tmp_path
    )
    assert made.returncode == 0 and "5 models written to b" in made.stderr
    exams = ("--exams", str(planned.cohort.folder))
    first = bench("predict", "--bundle", "b", *exams, "--out", "first.json", cwd=tmp_path)
    asked = ("--method", "tumour_size", *PROTOCOL, "--store", str(finished_store))
    second = bench("predict", *asked, *exams, "--format", "json", cwd=tmp_path)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    said = json.loads((tmp_path / "first.json").read_text())
    assert said == json.loads(second.stdout)
    assert said["synthetic"] and len(said["exams"]) == 68 and "research use only" in said["use"]
    assert bench(
        "bundle", "tumour_size", *PROTOCOL, "--store", str(finished_store), "--out", "b", cwd=tmp_path
    ).stderr == ("bench: b is not an empty folder; name another with --out\n")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ("--bundle", "nowhere"),
            "name the exams: --image and --mask of one, --dicom with its folder, or --exams with",
        ),
        (("--bundle", "nowhere", "--image", "a.nii"), "name the exams"),
        (
            ("--image", "a.nii", "--mask", "b.nii"),
            "name the models: --bundle, or --method and --split of a store",
        ),
        (("--bundle", "nowhere", "--image", "a.nii", "--mask", "b.nii"), "nowhere is not a bundle"),
        (
            ("--bundle", "b", "--method", "m", "--image", "a.nii", "--mask", "b.nii"),
            "leave --method, --split and",
        ),
    ],
)
def test_what_is_missing_is_asked_for(words: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    ended = bench("predict", *words, cwd=tmp_path)
    assert ended.returncode == 2 or ended.returncode == 1
    assert expected in ended.stderr and ended.stderr.count("\n") == 1
