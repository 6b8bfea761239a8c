"""The frame of imports: what is written, what is not, and what a stopped import leaves."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from bench.cohorts.checking.check import check_folder
from bench.cohorts.folder import load_folder
from bench.cohorts.importers.importer import Excluded, Study, StudyError
from bench.cohorts.importers.pseudonyms import Pseudonyms, key_file, pseudonyms_of
from bench.cohorts.importers.run_import import import_cohort
from bench.errors import CohortError, UsageError
from tests.cohorts.toy_importer import NAMES, TILT, ToyImporter, tilted_image


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config"


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_an_imported_folder_is_a_cohort_that_passes_the_check(tmp_path: Path) -> None:
    report = import_cohort(ToyImporter(), tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    assert (report.patients_found, report.patients_kept, report.cases_kept) == (4, 3, 6)
    assert len(cohort) == 6 and len(set(cohort.patient_ids)) == 3
    assert sorted(cohort.labels("er")) == [0, 0, 0, 0, 1, 1]
    assert np.isnan(cohort.labels("ki67")).sum() == 3
    assert check_folder(tmp_path / "out", quiet=True).would_run
    assert not (tmp_path / "out" / ".import").exists()


def test_oblique_geometry_and_voxels_are_kept(tmp_path: Path) -> None:
    import_cohort(ToyImporter(patients=1), tmp_path / "out", quiet=True)
    cohort = load_folder(tmp_path / "out")
    volume = cohort.volume(cohort.case_ids[0])
    np.testing.assert_allclose(volume.image.GetDirection(), TILT, atol=1e-6)
    np.testing.assert_allclose(volume.image.GetOrigin(), (-31.5, 12.25, 7.125), atol=1e-5)
    expected = sitk.GetArrayFromImage(tilted_image(0))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(volume.image), expected)
    assert sitk.GetArrayFromImage(volume.mask).sum() == 4 * 4 * 4
    assert sitk.GetArrayFromImage(volume.mask)[1:5, 3:7, 2:6].all()


@pytest.mark.parametrize(
    ("scale", "pixel"), [(1000.0, sitk.sitkInt16), (1e6, sitk.sitkFloat32), (1.0, sitk.sitkFloat32)]
)
def test_voxels_are_int16_where_that_loses_nothing(tmp_path: Path, scale: float, pixel: int) -> None:
    import_cohort(ToyImporter(patients=1, scale=scale), tmp_path / "out", quiet=True)
    (image, *_) = sorted((tmp_path / "out" / "images").glob("*_image.nii.gz"))
    assert sitk.ReadImage(str(image)).GetPixelID() == pixel


def test_dates_become_days_and_names_become_pseudonyms(tmp_path: Path) -> None:
    import_cohort(ToyImporter(), tmp_path / "out", quiet=True)
    table = load_folder(tmp_path / "out").table
    assert sorted(table["exam_day"]) == [0, 0, 0, 20, 20, 20]
    written = "\n".join(path.read_text() for path in (tmp_path / "out").glob("*.*") if path.suffix != ".gz")
    for word in (*NAMES, "Doe", "2011", str(tmp_path)):
        assert word not in written, word


def test_words_that_a_spreadsheet_would_run_are_text(tmp_path: Path) -> None:
    import_cohort(ToyImporter(), tmp_path / "out", quiet=True)
    assert set(load_folder(tmp_path / "out").table["comment"].dropna()) == {"'=HYPERLINK(1)"}


@pytest.mark.slow
def test_the_output_does_not_depend_on_jobs(tmp_path: Path) -> None:
    import_cohort(ToyImporter(), tmp_path / "one", quiet=True)
    import_cohort(ToyImporter(), tmp_path / "two", jobs=2, quiet=True)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


RUN = """
from pathlib import Path
from tests.cohorts.toy_importer import ToyImporter
from bench.cohorts.importers.run_import import import_cohort
import_cohort(ToyImporter(patients=8, pause=0.3), Path({out!r}), quiet=True)
"""


@pytest.mark.slow
def test_a_killed_import_goes_on_where_it_stopped_and_gives_equal_files(tmp_path: Path) -> None:
    out = tmp_path / "killed"
    script = RUN.format(out=str(out))
    process = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 60
    while len(list(out.glob(".import/*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "cohort.toml").exists()
    before = {path: path.stat().st_mtime_ns for path in out.glob("images/*_image.nii.gz")}
    finished = len(list(out.glob(".import/*.json")))
    assert 3 <= finished < 8
    importer = ToyImporter(patients=8, pause=0.3)
    import_cohort(importer, out, quiet=True)
    import_cohort(importer, tmp_path / "whole", quiet=True)
    assert contents(out) == contents(tmp_path / "whole")
    kept = [path for path, changed in before.items() if path.stat().st_mtime_ns == changed]
    assert len(kept) >= 2 * finished


@dataclass(frozen=True)
class Faulty(ToyImporter):
    def cases(self, study: Study):
        first, second = super().cases(study)
        if study.content == 0:
            raise StudyError(f"/secret/{study.key} has gaps", "missing slices")
        if study.content == 1:
            yield replace(first, image=Path("/nowhere/image.nii.gz"))
        else:
            yield first
        yield Excluded(second.key, second.patient, "second exam")


def test_what_is_left_out_is_counted_with_its_reason(tmp_path: Path) -> None:
    report = import_cohort(Faulty(), tmp_path / "out", quiet=True)
    assert report.reasons == {"second exam": 2, "no images": 1, "missing slices": 1, "unreadable file": 1}
    assert (report.patients_found, report.patients_kept, report.cases_kept) == (4, 1, 1)
    assert len(report.problems) == 2 and "/secret/Doe^Jane has gaps" in report.problems[0]
    written = json.loads((tmp_path / "out" / "import_report.json").read_text())
    assert len(written["unjoined"]["table"]) == 1
    text = (tmp_path / "out" / "import_report.json").read_text()
    assert "secret" not in text and "nowhere" not in text
    assert "| left out: missing slices | 1 |" in (tmp_path / "out" / "import_report.md").read_text()


def test_an_import_without_a_case_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="no case could be imported: no images"):
        import_cohort(ToyImporter(patients=0), tmp_path / "out", quiet=True)


def test_a_folder_that_holds_something_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        import_cohort(ToyImporter(), tmp_path, quiet=True)


def test_the_key_is_made_once_and_nobody_else_may_read_it(config: Path) -> None:
    first = pseudonyms_of("hash")
    assert key_file().is_relative_to(config)
    assert key_file().stat().st_mode & 0o777 == 0o600
    assert pseudonyms_of("hash").patient("Doe^Jane") == first.patient("Doe^Jane") != first.patient("Doe^John")
    other = Pseudonyms(b"x" * 32)
    assert other.patient("Doe^Jane") != first.patient("Doe^Jane")


def test_ids_can_come_from_a_table(tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text(
        "id,new_id\n" + "".join(f"{name},S{at}\n" for at, name in enumerate(NAMES))
    )
    import_cohort(ToyImporter(), tmp_path / "out", quiet=True, ids=str(tmp_path / "ids.csv"))
    assert load_folder(tmp_path / "out").case_ids == ("S0-0", "S0-1", "S1-0", "S1-1", "S2-0", "S2-1")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "<b>x</b>", "a b", "", "=1+1", "x" * 65])
def test_an_id_that_is_no_file_name_cannot_stay(name: str) -> None:
    with pytest.raises(StudyError, match="cannot stay"):
        Pseudonyms(b"", keep=True).patient(name)
