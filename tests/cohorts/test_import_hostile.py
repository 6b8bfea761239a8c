"""Hostile sources: a reason for each, nothing read outside the folder, memory bounded, never a traceback."""

import gzip
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
import SimpleITK as sitk

from bench.cohorts.folder import load_folder
from bench.cohorts.importers.dicom.exams import IMAGES, tree_of
from bench.cohorts.importers.pseudonyms import pseudonyms_of
from bench.cohorts.importers.run_import import import_cohort
from tests.cohorts.dicom_exams import Exam, lesion, segmentation, slices, write
from tests.cohorts.test_import_collections import duke_source, mama_mia_source
from tests.cohorts.test_import_tcia import download, exam_of
from tests.cohorts.toy_importer import tilted_image
from tests.command import bench

pytestmark = pytest.mark.slow

# Ids that want to be paths, formulas, pages or floods; the table of labels has them all.
EVIL_IDS = (
    "../../../../etc/cron.d/x",
    "/etc/passwd",
    "<script>alert(1)</script>",
    "=cmd|'/C calc'!A0",
    "@SUM(1+1)",
    "CON",
    "x" * 10_000,
)
# An import of the clean exam takes less than half of it, with the libraries that it loads.
MEMORY = 3 << 30
MEASURED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
from bench.cli import main

main()
"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def table(folder: Path, *patients: str) -> Path:
    rows = {"Patient ID": patients, "ER status": [("pos", "neg")[at % 2] for at in range(len(patients))]}
    pd.DataFrame(rows).to_csv(folder / "labels.csv", index=False)
    return folder / "labels.csv"


def exam(patient: str, phases: int = 2) -> list[pydicom.Dataset]:
    found = Exam(patient, phases=phases)
    return [*slices(found), segmentation(found, lesion().astype(int))]


def hostile_files(root: Path, outside: Path) -> dict[str, str]:
    """Broken files in the tree, each with a word of the reason that the report has to give for it."""
    root.mkdir(parents=True)
    good = root.parent / "good.dcm"
    slices(Exam())[0].save_as(good, enforce_file_format=True)
    content = good.read_bytes()
    good.unlink()
    head = content[: content.index(b"\x08\x00\x16\x00UI")]
    opened = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    at = content.index(b"\x10\x00\x20\x00LO") + 6
    files = {
        "nested": head + opened * 10_000,
        "length": content[:at] + struct.pack("<H", 65534) + content[at + 2 :],
        "cut": content[: len(content) // 3],
        "noise": content[:132] + np.random.default_rng(0).bytes(5000),
        "prefix": b"\0" * 128 + b"DICM",
        "deflated": content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"[:20]),
    }
    for name, data in files.items():
        (root / f"{name}.dcm").write_bytes(data)
    (root / "link.dcm").symlink_to(outside / "secret.dcm")
    (root / "folder").symlink_to(outside, target_is_directory=True)
    return {"nested": "nested too deeply"}


def test_a_tree_full_of_traps_gives_its_one_clean_case(tmp_path: Path) -> None:
    """In a process of its own that may take MEMORY and no more, as a user types it."""
    outside = tmp_path / "outside"
    write(outside, exam("SECRET-1"))
    slices(Exam("SECRET-1"))[0].save_as(outside / "secret.dcm", enforce_file_format=True)
    wanted = hostile_files(tmp_path / "in" / "broken", outside)
    for at, patient in enumerate(EVIL_IDS[:3]):
        write(tmp_path / "in" / f"{at}", exam(patient), shuffle=at)
    huge = slices(Exam("HUGE", header={"Rows": 65535, "Columns": 65535, "NumberOfFrames": 20_000}))
    write(tmp_path / "in" / "huge", huge)
    nul = exam("NUL")
    for file in nul:
        file.PatientID = "N\0UL"
    write(tmp_path / "in" / "nul", nul)
    write(tmp_path / "in" / "clean", exam("BR-07"))
    labels = table(tmp_path, *EVIL_IDS, "BR-07", "HUGE", "SECRET-1")
    words = ("cohort", "import", "dicom", tmp_path / "in", "--labels", labels, "--out", tmp_path / "out")
    script = MEASURED.format(memory=MEMORY)
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)], capture_output=True, text=True, timeout=300
    )
    output = done.stdout + done.stderr
    assert "Traceback" not in output and done.returncode == 0, output[-3000:]
    cohort = load_folder(tmp_path / "out")
    assert len(cohort) == 4, output
    report = (tmp_path / "out" / "import_report.json").read_text()
    assert "SECRET" not in output and all(reason in report for reason in wanted.values())
    assert "more pixels than any exam has" in report
    names = [path.name for path in (tmp_path / "out").rglob("*")]
    written = report + "".join(names) + (tmp_path / "out" / "cases.csv").read_text()
    assert not any(text in written for text in ("..", "etc", "<", "script", "cmd"))


@pytest.mark.filterwarnings("ignore:The value length")
@pytest.mark.parametrize("patient", EVIL_IDS)
def test_an_evil_id_cannot_be_kept_and_is_no_path_when_hashed(patient: str, tmp_path: Path) -> None:
    write(tmp_path / "in", exam(patient))
    labels = table(tmp_path, patient)
    words = ("cohort", "import", "dicom", str(tmp_path / "in"), "--labels", str(labels), "--quiet")
    hashed = bench(*words, "--out", str(tmp_path / "hashed"))
    assert hashed.returncode == 0, hashed.stderr
    kept = bench(*words, "--out", str(tmp_path / "kept"), "--ids", "keep")
    if patient != "CON":
        assert kept.returncode == 1 and "id that cannot stay as it is" in kept.stderr
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["config", "hashed", "in", "kept", "labels.csv"]


@pytest.mark.parametrize(
    ("cell", "message"),
    [("a\0b", "a NUL byte"), ("y" * 10_000, "text of more than 1000 characters")],
)
def test_cells_of_a_table_that_no_table_has_are_named(cell: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"id,er,site,f\nA,1,{cell},0.5\nB,0,x,0.25\n")
    done = bench(
        *("cohort", "import", "table", str(tmp_path / "t.csv"), "--id", "id", "--tasks", "er"),
        *("--site", "site", "--out", str(tmp_path / "out")),
    )
    report = tmp_path / "out" / "import_report.json"
    assert message in done.stderr + (report.read_text() if report.exists() else "")


def test_formula_cells_are_text_that_no_spreadsheet_runs(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,er,site,f\nA,1,=1+1,0.5\nB,0,@SUM(1),0.25\nC,0,+cmd|x,0.5\n")
    done = bench(
        *("cohort", "import", "table", str(tmp_path / "t.csv"), "--id", "id", "--tasks", "er"),
        *("--site", "site", "--out", str(tmp_path / "out")),
    )
    assert done.returncode == 0, done.stderr
    assert sorted(load_folder(tmp_path / "out").sites) == ["'+cmd|x", "'=1+1", "'@SUM(1)"]


def claiming(path: Path, voxels: int = 10_000) -> Path:
    """A NIfTI file of some bytes whose header claims ``voxels`` along each axis."""
    sitk.WriteImage(tilted_image(0), str(path))
    content = bytearray(gzip.decompress(path.read_bytes()))
    struct.pack_into("<4h", content, 40, 3, voxels, voxels, voxels)
    path.write_bytes(gzip.compress(bytes(content)))
    return path


def test_a_header_that_claims_a_million_million_voxels_is_refused_unread(tmp_path: Path) -> None:
    duke = duke_source(tmp_path)
    claiming(tmp_path / "nifti" / "Breast_MRI_001.nii.gz")
    report = import_cohort(duke, tmp_path / "out", quiet=True)
    assert report.cases_kept == 1 and len(report.problems) == 1
    assert "Breast_MRI_001" in report.problems[0]
    (tmp_path / "mama").mkdir()
    mama = mama_mia_source(tmp_path / "mama")
    claiming(tmp_path / "mama" / "segmentations" / "expert" / "duke_001.nii.gz")
    report = import_cohort(mama, tmp_path / "mama-out", quiet=True)
    assert load_folder(tmp_path / "mama-out").case_ids == ("NACT_02",)


def test_a_mask_beside_the_tree_that_claims_too_much_or_is_a_link_is_refused(tmp_path: Path) -> None:
    files = [file for file in exam("BR-07") if file.Modality == "MR"]
    write(tmp_path / "in", files)
    (tmp_path / "masks").mkdir()
    claiming(tmp_path / "masks" / "BR-07_mask.nii.gz")
    words = ("cohort", "import", "dicom", str(tmp_path / "in"), "--labels", str(table(tmp_path, "BR-07")))
    done = bench(*words, "--masks", str(tmp_path / "masks"), "--out", str(tmp_path / "a"), "--quiet")
    assert done.returncode == 1 and "no case could be imported" in done.stderr
    (tmp_path / "masks" / "BR-07_mask.nii.gz").unlink()
    sitk.WriteImage(tilted_image(0), str(tmp_path / "secret.nii.gz"))
    (tmp_path / "masks" / "BR-07_mask.nii.gz").symlink_to(tmp_path / "secret.nii.gz")
    done = bench(*words, "--masks", str(tmp_path / "masks"), "--out", str(tmp_path / "b"), "--quiet")
    assert done.returncode == 1 and "no mask" in done.stderr


@pytest.mark.parametrize("option", ["--labels", "--boxes"])
def test_a_zip_bomb_as_workbook_is_not_unpacked(option: str, tmp_path: Path) -> None:
    from tests.cohorts.test_import_table import bomb

    write(tmp_path / "in", exam("BR-07"))
    bomb(tmp_path / "bomb.xlsx")
    labels = tmp_path / "bomb.xlsx" if option == "--labels" else table(tmp_path, "BR-07")
    words = ["cohort", "import", "dicom", str(tmp_path / "in"), "--labels", str(labels), "--quiet"]
    words += ["--boxes", str(tmp_path / "bomb.xlsx")] if option == "--boxes" else []
    done = bench(*words, "--out", str(tmp_path / "out"))
    assert done.returncode == 1 and "which no table does; it is not read" in done.stderr


def test_a_manifest_that_points_out_of_its_folder_reads_nothing_there(tmp_path: Path) -> None:
    root = download(tmp_path / "manifest", "Some-Breast", {"BR-07": exam_of("BR-07")})
    rows = pd.read_csv(root / "metadata.csv")
    rows["File Location"] = ["../../../../etc", "/etc", "C:\\Windows", "~"]
    rows.to_csv(root / "metadata.csv", index=False)
    labels = table(tmp_path, "BR-07")
    words = ("cohort", "import", "tcia", str(root), "--labels", str(labels), "--out", str(tmp_path / "out"))
    done = bench(*words, "--quiet")
    assert done.returncode in (0, 1) and "etc" not in done.stdout


def test_every_mr_file_that_pydicom_ships_goes_through_the_importer_with_a_reason(tmp_path: Path) -> None:
    root = Path(pydicom.__file__).parent / "data"
    tree, unread = tree_of(root)
    files = {patient: [file for of in studies.values() for file in of] for patient, studies in tree.items()}
    shown = {patient for patient, own in files.items() if any(file.holds in IMAGES for file in own)}
    assert sum(map(len, files.values())) > 100 and len(shown) >= 3 and all(reason for _, reason in unread)
    done = bench(
        *("cohort", "import", "dicom", str(root), "--labels", str(table(tmp_path, *sorted(files)))),
        *("--out", str(tmp_path / "out"), "--quiet"),
    )
    assert done.returncode == 1 and "no case could be imported" in done.stderr
    rows = json.loads((tmp_path / "out" / "import_report.json").read_text())["excluded"]
    left_out = [row for row in rows if "no series is a dynamic study" in row["reason"]]
    assert {row["patient_id"] for row in left_out} == {pseudonyms_of("hash").patient(name) for name in shown}
    assert all(row["reason"] for row in rows) and len(rows) >= len(files) + len(unread)
