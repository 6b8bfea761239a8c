"""Cohorts that are no folder: read once by the plugin's source, then as any cohort."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

import bench
from bench import CohortSpec, Crop
from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.errors import CohortError, UsageError
from bench.files import cache_dir
from bench.methods.named_cohort import cohort_folder, cohort_named
from tests.cohorts.planted_sources import CASES, volume

PLANTED = "tests.cohorts.planted_sources"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def exams(tmp_path: Path) -> Path:
    return written(tmp_path / "exams.json", range(CASES))


def written(file: Path, seeds: Any) -> Path:
    file.write_text(json.dumps({f"e{at}": seed for at, seed in enumerate(seeds)}))
    return file


def spec(file: Path, target: str = "Exams") -> CohortSpec:
    return CohortSpec("exams", f"{PLANTED}:{target}", "Exams", files=(str(file),))


def opened(file: Path, target: str = "Exams") -> Cohort:
    return load_folder(cohort_folder(spec(file, target), quiet=True))


def test_cases_are_what_the_source_says(exams: Path) -> None:
    cohort = opened(exams)
    assert cohort.name == "exams" and cohort.synthetic and len(cohort) == CASES
    assert cohort.table.loc["e3", "patient_id"] == "patient e3"
    assert cohort.labels("ki67").tolist() == [5.0 + int(case_id[1:]) for case_id in cohort.case_ids]
    assert cohort.covariates("clinical").loc["e3", "age"] == 42
    assert cohort.features().loc["e3", "size"] == 1.5
    found = cohort.volume("e3")
    assert np.array_equal(found.array("image"), sitk.GetArrayFromImage(volume(3)).astype(np.float32))
    assert found.spacing_mm == (2.0, 1.5, 1.5) and found.array("mask").sum() == 5 * 5 * 5
    assert cohort.crops(Crop(16, 2))[:].shape == (CASES, 2, 8, 8, 8)


def test_a_cohort_without_images_has_none(exams: Path) -> None:
    assert not opened(exams, "WithoutImages").has_volumes


def test_cases_are_read_once_and_again_when_the_file_changes(exams: Path) -> None:
    first = opened(exams)
    stamps = {path: path.stat().st_mtime_ns for path in first.folder.rglob("*") if path.is_file()}
    assert opened(exams).folder == first.folder
    assert {path: path.stat().st_mtime_ns for path in first.folder.rglob("*") if path.is_file()} == stamps
    written(exams, [1, 0, *range(2, CASES)])
    changed = opened(exams)
    assert changed.fingerprint != first.fingerprint and changed.labels("ki67")[0] == 6.0


def test_the_content_makes_the_cohort_not_the_bytes_of_the_file(exams: Path) -> None:
    first = opened(exams)
    exams.write_text(exams.read_text() + "\n")
    again = opened(exams)
    assert again.folder != first.folder and again.fingerprint == first.fingerprint


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ("OtherName", r"card\(\): expected a Card with the name 'exams'"),
        ("IdsTwice", r"case_ids\(\): expected texts, each once .* got 'e3'"),
        ("BytesAsIds", r"case_ids\(\): expected texts, each once \(decode bytes\), got b'e0'"),
        ("BytesAsSite", r"read\('e0'\): expected numbers and texts \(decode bytes\), got b'A'"),
        ("AnotherCase", r"read\('e1'\): expected a Case with the key 'e1'"),
        ("UndeclaredTask", r"read\('e0'\): .*the task 'her2', which its card does not declare"),
        ("Raising", r"read\('e0'\): KeyError: 'e0'"),
        ("EmptyMask", r"read\('e5'\): .*"),
        ("closed", "cannot be opened: OSError: exams.json is locked"),
        ("Nothing", "cannot import"),
    ],
)
def test_a_bad_source_is_refused_by_the_name_of_cohort_and_case(mistake: str, told: str, exams: Path) -> None:
    with pytest.raises(CohortError, match=f"cohort 'exams'.*{told}"):
        opened(exams, mistake)
    assert not list((cache_dir() / "sources").glob("*/*/*"))  # nothing half-read is left


def test_a_label_is_checked_as_that_of_any_cohort(exams: Path) -> None:
    with pytest.raises(CohortError, match="er"):
        opened(exams, "OddLabel")


def test_what_a_source_is_read_from_has_to_be_known(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match=r"is read from 'absent\.h5', which is missing"):
        cohort_folder(CohortSpec("exams", f"{PLANTED}:Exams", "", files=("absent.h5",)))
    with pytest.raises(CohortError, match=r"declares no files and its source has no version\(\)"):
        cohort_folder(CohortSpec("exams", f"{PLANTED}:unversioned", ""))


def test_files_given_as_one_text_are_refused() -> None:
    with pytest.raises(ValueError, match=r"files must be a tuple such as \('exams\.h5',\)"):
        CohortSpec("exams", f"{PLANTED}:Exams", "", files="exams.h5")  # type: ignore[arg-type]


PLUGIN = """
from bench import CohortSpec, hookimpl
from tests.cohorts.planted_sources import Exams

@hookimpl
def bench_cohorts():
    return [CohortSpec({name!r}, f"{{__name__}}:Exams", "Exams", files=("$EXAMS_FILE",))]
"""


def test_a_plugin_file_is_named_where_a_cohort_is_asked_for(
    tmp_path: Path, exams: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMS_FILE", str(exams))
    plugin = tmp_path / "exams_of_a_file.py"
    plugin.write_text(PLUGIN.format(name="exams"))
    cohort = bench.open_cohort("exams", quiet=True, plugins=[plugin])
    assert cohort.sources == (exams,)  # hidden from methods, wherever it lies
    by_folder = cohort_named(str(cohort.folder), quiet=True)
    assert by_folder.fingerprint == cohort.fingerprint and by_folder.sources == (exams,)
    with pytest.raises(UsageError, match="unknown cohort 'exam': did you mean exams"):
        bench.open_cohort("exam", plugins=[plugin])
    plugin.write_text(PLUGIN.format(name="phantom-mine"))
    with pytest.raises(bench.BenchError, match="offers a cohort named 'phantom-mine'"):
        bench.open_cohort("exams", plugins=[plugin])


def test_a_source_is_joined_with_another_cohort(
    tmp_path: Path, exams: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(cache))  # which has the phantom
    monkeypatch.setenv("EXAMS_FILE", str(exams))
    plugin = tmp_path / "exams_to_join.py"
    plugin.write_text(PLUGIN.format(name="exams"))
    both = bench.open_cohort(["exams", "phantom-tiny"], quiet=True, plugins=[plugin], drop=["exams:e1"])
    assert len(both) == CASES - 1 + 68 and exams in both.sources
