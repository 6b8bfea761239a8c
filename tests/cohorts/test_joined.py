"""Several cohorts as one."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.cohorts.catalogue import joined_folder, open_cohort
from bench.errors import BenchError, CohortError, UsageError
from bench.imaging.crop import Crop
from tests.cohorts.checked_folders import rewrite, save, voxels
from tests.command import bench


@pytest.fixture
def pair(sound: Path, tmp_path: Path) -> list[str]:
    """Cohorts mini and other, real ones, without a patient in common."""
    return [
        str(folder) for folder in (_copy(sound, tmp_path, "mini", "p"), _copy(sound, tmp_path, "other", "q"))
    ]


def _copy(sound: Path, tmp_path: Path, name: str, patients: str) -> Path:
    folder = Path(shutil.copytree(sound, tmp_path / name))
    text = (folder / "cohort.toml").read_text()
    real = text.replace('"mini"', f'"{name}"').replace("synthetic = true", "synthetic = false")
    (folder / "cohort.toml").write_text(real)
    rewrite(
        folder, lambda cases: cases.assign(patient_id=[f"{patients}{number}" for number in range(len(cases))])
    )
    if name != "mini":
        for number, path in enumerate(sorted(folder.glob("c*.nii.gz"))):
            if "mask" not in path.name:
                save(path, voxels(path) + number + 1)
    return folder


def test_cases_patients_and_sites_are_named_by_their_cohort(pair: list[str]) -> None:
    both = open_cohort(pair)
    assert both.name == "mini+other" and len(both) == 32
    assert (both.case_ids[0], both.case_ids[-1]) == ("mini:c0", "other:c15")
    assert set(both.sites) == {"mini:a", "mini:b", "other:a", "other:b"}
    assert len(set(both.patient_ids)) == 32
    assert [task.name for task in both.tasks] == ["er", "ki67"] and both.roles == {"vendor": "acquisition"}


def test_crops_are_those_of_the_single_cohorts(pair: list[str]) -> None:
    crop, one = Crop(24, 3), open_cohort(pair[1])
    joined = open_cohort(pair).crops(crop)
    assert (joined[16:] == one.crops(crop)[:]).all()
    assert not (joined[:16] == joined[16:]).all()


@pytest.mark.parametrize(
    ("patient", "evidence"), [("p3", "equal ids"), (" P 003", "ids 'p3' and 'P 003'")], ids=["equal", "alike"]
)
def test_an_id_that_is_in_both_stops_with_the_pair(pair: list[str], patient: str, evidence: str) -> None:
    rewrite(Path(pair[1]), lambda cases: cases.replace({"patient_id": {"q5": patient}}))
    with pytest.raises(CohortError, match="1 patients are in two") as error:
        open_cohort(pair)
    assert f"mini:c3 and other:c5 ({evidence})" in str(error.value)
    dropped = open_cohort(pair, drop=["other:c5"])
    assert len(dropped) == 31 and "other:c5" not in dropped.case_ids


def test_an_image_that_is_in_both_stops_with_the_pair(pair: list[str]) -> None:
    shutil.copy(Path(pair[0]) / "c2.nii.gz", Path(pair[1]) / "c7.nii.gz")
    with pytest.raises(CohortError, match=r"mini:c2 and other:c7 \(equal image files\)"):
        open_cohort(pair)
    assert len(open_cohort(pair, drop=["mini:c2"])) == 31


def test_an_id_map_joins_and_tells_apart(pair: list[str], tmp_path: Path) -> None:
    rewrite(Path(pair[1]), lambda cases: cases.replace({"patient_id": {"q5": "p3"}}))
    id_map = tmp_path / "map.csv"
    pd.DataFrame({"mini": ["p3", ""], "other": ["", "p3"]}).to_csv(id_map, index=False)
    assert len(open_cohort(pair, id_map=id_map)) == 32
    pd.DataFrame({"mini": ["p3", "", "p1"], "other": ["", "p3", "q8"]}).to_csv(id_map, index=False)
    with pytest.raises(CohortError, match=r"mini:c1 and other:c8 \(the id map\)"):
        open_cohort(pair, id_map=id_map)


@pytest.mark.parametrize(
    ("text", "error", "expected"),
    [
        ("Mini,other\np1,q1\n", UsageError, "unknown cohort in the id map 'Mini'"),
        ("mini,other\nsource-1,q1\n", CohortError, "1 of the 1 patients that the id map lists of 'mini'"),
    ],
)
def test_an_id_map_that_would_find_nobody_is_refused(
    pair: list[str], tmp_path: Path, text: str, error: type[Exception], expected: str
) -> None:
    (tmp_path / "map.csv").write_text(text)
    with pytest.raises(error, match=expected):
        open_cohort(pair, id_map=tmp_path / "map.csv")


def test_a_joined_folder_is_checked_by_its_cohorts(pair: list[str]) -> None:
    folder = joined_folder(pair)
    done = CliRunner().invoke(app, ["cohort", "check", str(folder)])
    assert isinstance(done.exception, UsageError) and "check each of them" in str(done.exception)


def test_an_id_map_has_one_row_a_person(pair: list[str], tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("mini,other\np1,q1\np1,q2\n")
    with pytest.raises(CohortError, match="'p1' of mini stands in two rows"):
        open_cohort(pair, id_map=tmp_path / "map.csv")


def test_tasks_of_another_kind_or_unit_are_left_out(
    pair: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    header = Path(pair[1]) / "cohort.toml"
    header.write_text(header.read_text().replace("range = [0, 100]", 'range = [0, 100]\nunit = "cells"'))
    assert [task.name for task in open_cohort(pair).tasks] == ["er"]
    assert "task 'ki67' is left out" in capsys.readouterr().err
    header.write_text(header.read_text().replace("tasks.er", "tasks.pr"))
    rewrite(Path(pair[1]), lambda cases: cases.rename(columns={"er": "pr"}))
    with pytest.raises(CohortError, match="no task in common"):
        open_cohort(pair)


def test_the_fingerprint_is_that_of_both(pair: list[str]) -> None:
    before = open_cohort(pair).fingerprint
    assert open_cohort(pair).fingerprint == before
    assert open_cohort(pair, drop=["mini:c1"]).fingerprint != before
    save(Path(pair[1]) / "c0.nii.gz", voxels(Path(pair[1]) / "c0.nii.gz") + 9)
    assert open_cohort(pair).fingerprint != before


def test_features_of_both_are_joined(pair: list[str]) -> None:
    for number, folder in enumerate(map(Path, pair)):
        header = folder / "cohort.toml"
        header.write_text(
            header.read_text().replace("[tasks.er]", 'features = "features.csv"\n[tasks.er]', 1)
        )
        columns = {name: [case % 3 for case in range(16)] for name in ("size", f"only{number}")}
        pd.DataFrame({"case_id": [f"c{case}" for case in range(16)], **columns}).to_csv(
            folder / "features.csv", index=False
        )
    features = open_cohort(pair).features()
    assert list(features) == ["size"] and features.loc["other:c5", "size"] == 2


@pytest.mark.parametrize("names", [["phantom-tiny"], ["phantom-tiny", "phantom-tiny"]], ids=["one", "twice"])
def test_one_cohort_is_not_joined(names: list[str]) -> None:
    with pytest.raises(UsageError):
        open_cohort(names, drop=["phantom-tiny:A0001"])


def test_a_case_to_drop_must_be_there(pair: list[str]) -> None:
    with pytest.raises(BenchError, match="did you mean mini:c1"):
        open_cohort(pair, drop=["mini:c1x"])


def test_the_command_line_runs_and_ranks_joined_cohorts(pair: list[str], tmp_path: Path) -> None:
    named = [
        "--cohort",
        pair[0],
        "--cohort",
        pair[1],
        "--split",
        "internal",
        "--store",
        str(tmp_path / "runs"),
    ]
    run = bench("run", *named, "--method", "constant,tumour_size", "--quiet")
    assert run.returncode == 0, run.stderr
    board = bench("leaderboard", *named, "--format", "csv")
    assert board.returncode == 0 and "tumour_size" in board.stdout, board.stderr
    compared = bench("compare", "constant", "tumour_size", *named)
    assert compared.returncode == 0 and "mini+other" in compared.stdout, compared.stderr
