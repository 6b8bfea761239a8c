"""The cohort checker: each fault, planted in a sound folder, is named with its remedy; counts are right."""

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from bench.cli import main
from bench.cohorts.check import check_folder, load_sound
from bench.cohorts.fault import Fault
from bench.cohorts.folder import load_folder
from bench.errors import CohortError
from bench.imaging.crop import Crop

HEADER = """
name = "mini"
synthetic = true
[tasks.er]
kind = "binary"
[tasks.ki67]
kind = "continuous"
range = [0, 100]
[columns]
acquisition = ["vendor"]
"""
Bench = Callable[..., tuple[int, str, str]]
CASES = 16
SHAPE = (16, 40, 40)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen sound cases of as many patients, the first twelve internal."""
    folder = tmp_path_factory.mktemp("sound")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(CASES):
        case_id = f"c{number}"
        save(folder / f"{case_id}.nii.gz", rng.normal(100, 20, SHAPE).astype(np.int16))
        save(folder / f"{case_id}_mask.nii.gz", ball())
        rows.append(
            {
                "case_id": case_id,
                "patient_id": f"p{number}",
                "site": "ab"[number % 2],
                "group": "internal" if number < 12 else "external",
                "image": f"{case_id}.nii.gz",
                "mask": f"{case_id}_mask.nii.gz",
                "er": number // 2 % 2,
                "ki67": 5.0 * number,
                "vendor": "GE",
            }
        )
    (folder / "cohort.toml").write_text(HEADER)
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "mini"))


def ball(centre: tuple[int, ...] = (8, 20, 20), radius_mm: float = 6) -> np.ndarray:
    z, y, x = np.indices(SHAPE)
    squared = (3 * (z - centre[0])) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2
    return (squared <= radius_mm**2).astype(np.uint8)


def save(path: Path, voxels: np.ndarray, spacing: tuple[float, ...] = (1, 1, 3)) -> None:
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))


def voxels(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def rewrite(folder: Path, change: Callable[[pd.DataFrame], object]) -> None:
    """Change cases.csv; ``change`` may return another table."""
    cases = pd.read_csv(folder / "cases.csv", dtype=object)
    changed = change(cases)
    (cases if changed is None else pd.DataFrame(changed)).to_csv(folder / "cases.csv", index=False)


def put(row: int, column: str, value: object) -> Callable[[Path], None]:
    def change(cases: pd.DataFrame) -> None:
        cases.loc[row, column] = value

    return lambda folder: rewrite(folder, change)


def a_mask(*marks: np.ndarray) -> Callable[[Path], None]:
    """Case c1 gets the mask whose voxels are the first mark's, then the second's, ..."""
    return lambda folder: save(folder / "c1_mask.nii.gz", np.maximum.reduce(marks))


def an_image(make: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    return lambda folder: save(folder / "c1.nii.gz", make(voxels(folder / "c1.nii.gz")))


def not_finite(place: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    def make(image: np.ndarray) -> np.ndarray:
        image = image.astype(np.float32)
        image[place] = np.nan
        return image

    return make


def three_phases(folder: Path) -> None:
    image = sitk.ReadImage(str(folder / "c1.nii.gz"))
    sitk.WriteImage(sitk.JoinSeries([image] * 3), str(folder / "c1.nii.gz"))


def fine_voxels(folder: Path) -> None:
    for name in ("c1.nii.gz", "c1_mask.nii.gz"):
        save(folder / name, voxels(folder / name), (1e-3, 1e-3, 3e-3))


def coarse_voxels(folder: Path) -> None:
    for name in ("c1.nii.gz", "c1_mask.nii.gz"):
        save(folder / name, voxels(folder / name), (1, 1, 25))


def truncated(folder: Path) -> None:
    path = folder / "c1.nii.gz"
    path.write_bytes(path.read_bytes()[:2000])


def same_image(folder: Path) -> None:
    """The voxels of c2, in another format and number type."""
    save(folder / "c1.mha", voxels(folder / "c2.nii.gz").astype(np.float32))
    put(1, "image", "c1.mha")(folder)


def undeclared_column(folder: Path) -> None:
    rewrite(folder, lambda cases: cases.assign(shoe_size=40))


def doubled_line(folder: Path) -> None:
    rewrite(folder, lambda cases: pd.concat([cases, cases[1:2]]))


def header(old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "cohort.toml").write_text(HEADER.replace(old, new))

    return change


def in_fractions(folder: Path) -> None:
    header("range = [0, 100]", 'range = [0, 100]\nunit = "percentage points"')(folder)
    rewrite(folder, lambda cases: cases.assign(ki67=cases["ki67"].astype(float) / 100))


def one_class_outside(folder: Path) -> None:
    rewrite(folder, lambda cases: cases.assign(er=cases["er"].where(cases["group"] == "internal", "1")))


FAULTS = {
    "mask is the image": (
        put(1, "mask", "c1.nii.gz"),
        *("error", "c1", "its mask 'c1.nii.gz' is its image", "name the file of the mask"),
    ),
    "same mask twice": (
        put(1, "mask", "c2_mask.nii.gz"),
        *("warning", "c2", "is that of case 'c1' too", "correct one"),
    ),
    "patient ids alike": (
        put(1, "patient_id", " P2 "),
        *("warning", "", "'P2' and 'p2' count as different patients", "write one id"),
    ),
    "column with two roles": (
        header("[columns]", '[columns]\nclinical = ["er"]'),
        *("error", "", "'er' is a task and cannot be clinical too", "remove it from one"),
    ),
    "group without contrast": (
        one_class_outside,
        *("warning", "", "4 labels in the group 'external', all 1", "cannot score it"),
    ),
    "fractions for percentages": (
        in_fractions,
        *("warning", "", "no label is above 0.75", "multiply them by 100"),
    ),
    "missing file": (put(1, "image", "gone.nii.gz"), "error", "c1", "missing", "correct its path"),
    "path outside the folder": (put(1, "mask", "../m.nii"), "error", "c1", "outside", "move or link"),
    "different grids": (
        lambda folder: save(folder / "c1_mask.nii.gz", ball(), (1, 1, 4)),
        *("error", "c1", "lies elsewhere than its image", "resample the mask"),
    ),
    "empty mask": (a_mask(ball() * 0), "error", "c1", "is empty", "draw it"),
    "lesion at the border": (
        a_mask(ball((8, 3, 20))),
        *("warning", "c1", "touches the image's end along y", "tissue round the lesion"),
    ),
    "several lesions": (
        a_mask(ball((8, 10, 10), 5), ball((8, 30, 30), 5)),
        *("warning", "c1", "marks 2 lesions", "a line of its own under one patient_id"),
    ),
    "stray voxels": (
        a_mask(ball((8, 12, 12)), ball((8, 36, 36), 0)),
        *("warning", "c1", "1 specks apart from the lesion", "keep the largest: sitk.RelabelComponent"),
    ),
    "several label values": (
        a_mask(ball(), 2 * ball(radius_mm=3)),
        *("error", "c1", "2 values other than 0 (1, 2)", "name the lesion's with lesion_label"),
    ),
    "4D image": (
        three_phases,
        *("error", "c1", "40x40x16x3", "the same phase for every case", "image[:, :, :, 1]"),
    ),
    "non-finite voxels": (
        an_image(not_finite((8, 20, 20))),
        *("error", "c1", "1 voxels that are NaN", "fill them"),
    ),
    "constant image": (
        an_image(np.zeros_like),
        *("error", "c1", "constant round the lesion", "check that image and mask belong together"),
    ),
    "unreadable file": (truncated, "error", "c1", "ends before its last voxel", "copy it again"),
    "absurd spacing": (fine_voxels, "error", "c1", "0.001x0.001x0.003 mm", "set the spacing in mm"),
    "duplicate case id": (doubled_line, "error", "c1", "more than once", "an id of its own"),
    "same image twice": (
        same_image,
        *("warning", "c2", "same voxels as that of case 'c1'", "remove one"),
    ),
    "patient in several groups": (
        put(12, "patient_id", "p0"),
        *(
            "warning",
            "",
            "c0 (internal), c12 (external); the splits external_frozen",
            "keep the cases of one group",
        ),
    ),
    "patient in several sites": (
        put(2, "patient_id", "p1"),
        *("warning", "", "c1 (b), c2 (a)", "correct the patient_id"),
    ),
    "label outside its range": (
        put(1, "ki67", "120"),
        "error",
        "c1",
        "ki67 = 120",
        "from 0 to 100, or empty",
    ),
    "column without a role": (undeclared_column, "error", "", "'shoe_size' has no role", "under [columns]"),
    "unknown group": (put(1, "group", "train"), "error", "c1", "'train'", "expected internal or external"),
    "empty field": (put(1, "site", None), "error", "c1", "line 3: site is empty", "fill it in"),
    "task without contrast": (
        lambda folder: rewrite(folder, lambda cases: cases.assign(er=1)),
        *("error", "", "16 labels, all 1", "ranked = false"),
    ),
}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('[columns]\nacquisition = ["vendor"]', "", "column 'vendor' has no role"),
        ('[tasks.er]\nkind = "binary"\n', "[tasks]\n", "column 'er' has no role"),
        ('kind = "binary"', 'kind = "binary"\nranked = "no"', "ranked must be true or false, got 'no'"),
        ('kind = "binary"', 'kind = "binary"\ntitle = 3', "title must be text in quotes, got 3"),
        ('["vendor"]', '["vendor", "site"]', "'site' is one of the columns with fixed names"),
        ('["vendor"]', '["vendor"]\nignore = ["vendor"]', "'vendor' is listed as acquisition and cannot"),
    ],
)
def test_a_header_that_is_not_as_the_format_asks_is_named(
    folder: Path, old: str, new: str, message: str
) -> None:
    header(old, new)(folder)
    assert any(message in fault.detail for fault in found(folder)), found(folder)


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("[tasks]", "declares no task"),
        ('columns = ["vendor"]\n[tasks.er]\nkind = "binary"', "must hold lists of column names by role"),
    ],
)
def test_a_header_with_a_part_of_another_kind_is_refused(folder: Path, rest: str, message: str) -> None:
    (folder / "cohort.toml").write_text(f'name = "mini"\nsynthetic = true\n{rest}\n')
    assert any(message in fault.detail for fault in found(folder))


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("image", "/data/c1.nii.gz", "has an absolute path"),
        ("image", "scans\\c1.nii.gz", "write / for \\"),
        ("mask", ".", "(it is a folder)"),
        ("ki67", "12,5", "write decimals with a point"),
    ],
)
def test_a_common_slip_has_its_hint(folder: Path, column: str, value: str, words: str) -> None:
    put(1, column, value)(folder)
    assert any(words in fault.detail for fault in found(folder) if fault.case_id == "c1")


def test_empty_lines_and_blanks_round_names_are_passed_over(folder: Path) -> None:
    put(1, "patient_id", " p1 ")(folder)
    put(1, "image", " c1.nii.gz")(folder)
    put(1, "site", "NA")(folder)
    with (folder / "cases.csv").open("a") as lines:
        lines.write(",,,,,,,,\n" * 3)
    assert found(folder) == []
    cohort = load_folder(folder)
    assert len(cohort) == CASES and "NA" in set(cohort.sites) and cohort.table.loc["c1", "patient_id"] == "p1"


def found(folder: Path) -> list[Fault]:
    return list(check_folder(folder, quiet=True).faults)


def test_a_sound_folder_has_no_fault(folder: Path) -> None:
    assert found(folder) == [] and check_folder(folder, quiet=True).would_run


@pytest.mark.parametrize("rule", FAULTS)
def test_a_planted_fault_is_named_with_its_remedy(folder: Path, rule: str) -> None:
    plant, severity, case_id, *words = FAULTS[rule]
    plant(folder)
    fault, *others = [fault for fault in found(folder) if fault.rule == rule]
    assert {other.case_id for other in others} <= {fault.case_id}  # image and mask may share a fault
    assert (fault.severity, fault.case_id) == (severity, case_id)
    assert all(word in fault.detail for word in words), fault.detail


def test_every_fault_is_named_where_there_are_several(folder: Path) -> None:
    put(2, "image", "gone.nii.gz")(folder)
    put(2, "er", "7")(folder)
    undeclared_column(folder)
    a_mask(ball() * 0)(folder)
    rules = {fault.rule for fault in found(folder)}
    assert rules == {"missing file", "label outside its range", "column without a role", "empty mask"}


def test_an_unread_header_does_not_hide_the_faults_of_the_cases(folder: Path) -> None:
    (folder / "cohort.toml").write_text("name = ")
    a_mask(ball() * 0)(folder)
    assert {fault.rule for fault in found(folder)} == {"cohort.toml", "empty mask"}


@pytest.mark.parametrize("rule", [rule for rule, its in FAULTS.items() if its[1] == "error" and its[2]])
def test_an_error_of_a_case_is_what_a_run_refuses_and_a_sound_load_leaves_out(
    folder: Path, rule: str
) -> None:
    FAULTS[rule][0](folder)
    with pytest.raises(CohortError, match=r"c1|line 3"):
        load_folder(folder).crops(Crop())
    sound = load_sound(folder, quiet=True)
    assert "c1" not in sound.case_ids and list(sound.skipped_cases) == ["c1"]
    assert sound.crops(Crop()).shape[0] == CASES - 1


@pytest.mark.parametrize("rule", [rule for rule, its in FAULTS.items() if its[1] == "warning"])
def test_a_warning_does_not_keep_a_run_from_its_crops(folder: Path, rule: str) -> None:
    FAULTS[rule][0](folder)
    assert check_folder(folder, quiet=True).would_run
    assert load_folder(folder).crops(Crop()).shape[0] == CASES


def test_voxels_that_are_not_finite_beyond_the_crop_are_a_warning(folder: Path) -> None:
    image = np.random.default_rng(1).normal(size=(16, 120, 120)).astype(np.float32)
    mask = np.pad(ball(), ((0, 0), (0, 80), (0, 80)))
    image[8, 119, 119] = np.inf
    save(folder / "c1.nii.gz", image)
    save(folder / "c1_mask.nii.gz", mask)
    (fault,) = found(folder)
    assert (fault.rule, fault.severity) == ("non-finite voxels", "warning")
    assert "the crop round the lesion is sound" in fault.detail


def test_slices_25_mm_apart_are_a_warning(folder: Path) -> None:
    coarse_voxels(folder)
    (fault,) = found(folder)
    assert (fault.rule, fault.severity) == ("absurd spacing", "warning")


DOUBTFUL_MASKS = {
    "probabilities": (0.9 * ball(radius_mm=3).astype(np.float32) + 0.1 * ball(), ">= 0.5"),
    "a background of -1": (2 * ball().astype(np.int8) - 1, "a background other than 0"),
    "a lesion of 0 on -1": (ball().astype(np.int16) - 1, "a background other than 0"),
    "ignored voxels of -1": (ball().astype(np.int8) - ball((8, 33, 33), 3), "a background other than 0"),
    "probabilities on -1": (np.where(ball(), 0.7, -1).astype(np.float32), ">= 0.35"),
    "several labels": (ball() + ball(radius_mm=3), "several labels"),
    "a label close to another": (ball() + 1e-6 * ball(radius_mm=3), ">= 0.5"),
}


@pytest.mark.parametrize("kind", DOUBTFUL_MASKS)
def test_a_mask_that_leaves_the_lesion_open_is_refused_by_check_and_run_alike(
    folder: Path, kind: str
) -> None:
    mask, words = DOUBTFUL_MASKS[kind]
    save(folder / "c1_mask.nii.gz", mask)
    (fault,) = found(folder)
    assert (fault.rule, fault.severity) == ("several label values", "error") and words in fault.detail
    with pytest.raises(CohortError) as refused:
        load_folder(folder).crops(Crop())
    assert fault.detail in str(refused.value)


@pytest.mark.parametrize("declared", ["toml", "toml list", "column"])
def test_the_label_of_the_lesion_is_declared_for_all_cases_or_for_one(folder: Path, declared: str) -> None:
    expected = load_folder(folder).crops(Crop())[1]
    save(folder / "c1_mask.nii.gz", 3 * ball() + np.where(ball((8, 33, 33), 5), 7, 0).astype(np.uint8))
    if declared == "column":
        rewrite(folder, lambda cases: cases.assign(lesion_label=["", "3", *[""] * (CASES - 2)]))
    else:
        value = "[1, 3]" if declared == "toml list" else "3"
        (folder / "cohort.toml").write_text(f"lesion_label = {value}\n{HEADER}")
    if declared == "toml":  # it holds for the others too, whose lesion is 1
        assert {fault.case_id for fault in found(folder)} == {f"c{n}" for n in range(CASES)} - {"c1"}
        assert "no voxel of lesion_label 3, only of 1" in found(folder)[0].detail
        return
    assert found(folder) == []
    cohort = load_folder(folder)
    np.testing.assert_array_equal(cohort.crops(Crop())[1], expected)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(cohort.volume("c1").mask), ball())


@pytest.mark.parametrize("value", ['"tumour"', "true", "[]", '["1"]'])
def test_a_label_of_the_lesion_that_is_no_number_is_named(folder: Path, value: str) -> None:
    (folder / "cohort.toml").write_text(f"lesion_label = {value}\n{HEADER}")
    assert "lesion_label must be a number or a list of them" in found(folder)[0].detail


def test_padding_inside_the_crop_is_warned_of_by_check_and_run(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    image = voxels(folder / "c1.nii.gz").astype(np.float32)
    image[:3] = 1e30
    save(folder / "c1.nii.gz", image)
    (fault,) = found(folder)
    assert (fault.rule, fault.severity) == ("values far apart", "warning")
    assert "4800 voxels of 1e+30" in fault.detail
    load_folder(folder).crops(Crop())
    assert (
        "1 of 16 cases of cohort 'mini' may be read wrongly; the first: case 'c1'" in capfd.readouterr().err
    )


def test_two_lesions_of_one_exam_are_no_fault(folder: Path) -> None:
    shutil.copy(folder / "c2.nii.gz", folder / "c1.nii.gz")
    save(folder / "c1_mask.nii.gz", ball((8, 25, 25)))
    put(1, "patient_id", "p2")(folder)
    put(1, "site", "a")(folder)
    assert found(folder) == []


def test_an_image_is_recognised_whatever_its_compression(folder: Path) -> None:
    content = gzip.decompress((folder / "c2.nii.gz").read_bytes())
    (folder / "c1.nii.gz").write_bytes(gzip.compress(content, compresslevel=1, mtime=0))
    assert [fault.rule for fault in found(folder)] == ["same image twice"]


def test_labels_are_counted_by_group_site_and_task(folder: Path) -> None:
    put(0, "er", None)(folder)
    counts = {(its.group, its.site, its.task): its for its in check_folder(folder, quiet=True).counts}
    inside = counts["internal", "a", "er"]
    assert (inside.cases, inside.labelled, inside.missing, inside.positives) == (6, 5, 1, 3)
    everything = counts["all", "all", "er"]
    assert (everything.patients, everything.labelled, everything.prevalence) == (16, 15, round(8 / 15, 3))
    assert counts["external", "all", "ki67"].median == 67.5


def test_a_sound_cohort_loses_no_case_and_keeps_its_fingerprint(folder: Path) -> None:
    whole = load_folder(folder)
    assert load_sound(folder, quiet=True).fingerprint == whole.fingerprint


def test_leaving_cases_out_changes_the_fingerprint_by_which_they_are(folder: Path) -> None:
    whole = load_folder(folder)
    one, other = whole.leave_out({"c1": "x"}), whole.leave_out({"c2": "x"})
    assert len({whole.fingerprint, one.fingerprint, other.fingerprint}) == 3
    assert "c1" not in one.files.index and one.leave_out({}).fingerprint == one.fingerprint


def test_a_cohort_of_broken_cases_alone_is_refused(folder: Path) -> None:
    for number in range(CASES):
        save(folder / f"c{number}_mask.nii.gz", ball() * 0)
    with pytest.raises(CohortError, match=r"every case of cohort 'mini' is broken; the first: .* is empty"):
        load_sound(folder, quiet=True)


def test_a_fault_of_the_cohort_as_a_whole_cannot_be_left_out(folder: Path) -> None:
    undeclared_column(folder)
    with pytest.raises(CohortError, match="no role"):
        load_sound(folder, quiet=True)


def test_a_cohort_without_images_is_checked_too(folder: Path) -> None:
    rewrite(folder, lambda cases: cases.drop(columns=["image", "mask"]))
    assert found(folder) == []


def test_real_breast_mri_would_run_and_its_masks_are_seen_in_pieces(real_data: Path) -> None:
    checked = check_folder(real_data / "breastdcedl", quiet=True)
    assert checked.would_run and checked.cases == 268
    assert {fault.rule for fault in checked.faults} == {
        "lesion at the border",
        "several lesions",
        "stray voxels",
    }
    er = next(its for its in checked.counts if (its.site, its.task) == ("duke", "er"))
    assert (er.cases, er.positives) == (136, 97)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    """The command line in this process: exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return (int(ended.value.code or 0), *capsys.readouterr())

    return run


def test_the_command_groups_faults_by_kind_errors_first_and_exits_with_1_where_a_run_would_fail(
    folder: Path, tmp_path: Path, bench: Bench
) -> None:
    code, out, _ = bench("cohort", "check", str(folder))
    assert code == 0 and "a run would take this cohort" in out
    a_mask(ball((8, 3, 20)))(folder)
    for row in (3, 4, 5, 6, 7):
        put(row, "image", "gone.nii.gz")(folder)
    put(2, "er", "7")(folder)
    code, out, _ = bench("cohort", "check", str(folder))
    headings = [line for line in out.splitlines() if line.startswith(("error: ", "warning: "))]
    assert headings == [
        "error: missing file (5)",
        "error: label outside its range (1)",
        "warning: lesion at the border (1)",
    ]
    assert code == 1 and "and 2 more: c6, c7" in out and "expected 0, 1 or empty" in " ".join(out.split())
    as_json = json.loads(bench("cohort", "check", str(folder), "--format", "json")[1])
    assert not as_json["would_run"] and [its["faults"] for its in as_json["kinds"]] == [5, 1, 1]
    assert [its["case"] for its in as_json["faults"]][:5] == ["c3", "c4", "c5", "c6", "c7"]
    assert bench("cohort", "check", str(folder / "none"))[0] == 2
    for name in ("faults.csv", "faults.json"):
        assert bench("cohort", "check", str(folder), "--out", str(tmp_path / name))[0] == 1
    rows = pd.read_csv(tmp_path / "faults.csv")
    label = rows[rows["kind"] == "label outside its range"].iloc[0]
    assert len(rows) == 7 and (label["line"], label["column"], label["case"]) == (4, "er", "c2")
    assert json.loads((tmp_path / "faults.json").read_text())["faults"] == as_json["faults"]
    code, _, err = bench("cohort", "check", str(folder), "--out", str(tmp_path / "faults.txt"))
    assert code == 2 and "is a .csv or .json file, got 'faults.txt'" in err


def test_what_a_terminal_of_80_columns_shows_of_the_faults_fits(folder: Path, bench: Bench) -> None:
    for rule in ("different grids", "column without a role", "label outside its range"):
        FAULTS[rule][0](folder)
    out = bench("cohort", "check", str(folder))[1]
    assert all(len(line) <= 80 for line in out[: out.index("group ")].splitlines())


def test_a_run_refuses_a_broken_case_and_goes_on_without_it_when_told_to_once(
    folder: Path, tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(1, "image", "gone.nii.gz")(folder)
    where = ("--cohort", str(folder), "--split", "external_frozen", "--store", str(tmp_path / "runs"))
    code, _, err = bench("run", "--method", "constant", *where)
    assert code == 1 and "case 'c1': its image 'gone.nii.gz' is missing" in err and "--skip-broken" in err
    code, out, err = bench("run", "--method", "constant", *where, "--skip-broken")
    assert code == 0 and "left out as broken: c1: case 'c1': its image 'gone.nii.gz' is missing" in err
    assert "1 broken case(s) left out" in " ".join(out.split())
    (record,) = [json.loads(path.read_text()) for path in tmp_path.rglob("record.json")]
    assert list(record["skipped_cases"]) == ["c1"]
    monkeypatch.setattr("bench.cohorts.check.read_case", _never_read)
    for again in ((), ("--skip-broken",)):
        code, out, _ = bench("leaderboard", *where, *again, "--format", "md")
        assert code == 0 and "1 broken case(s) left out" in out


def _never_read(*_: object) -> None:
    raise AssertionError("images are read again, though the cohort remembers which cases are broken")


def test_the_check_remembers_broken_cases_and_says_which_of_them_are_sound_again(
    folder: Path, bench: Bench
) -> None:
    image = (folder / "c1.nii.gz").read_bytes()
    truncated(folder)
    put(2, "image", "gone.nii.gz")(folder)
    assert not check_folder(folder, quiet=True).would_run
    code, out, _ = bench("cohort", "check", str(folder), "--skip-broken")
    assert code == 0 and "warning: left out (2)" in out and "14 cases, 0 errors" in out
    kept = load_folder(folder)
    assert len(kept) == CASES - 2 and list(kept.skipped_cases) == ["c1", "c2"]
    (folder / "c1.nii.gz").write_bytes(image)
    rules = {fault.case_id: fault.rule for fault in found(folder)}
    assert rules == {"c1": "left out though sound", "c2": "left out"}
    assert load_folder(folder).fingerprint == kept.fingerprint
    (folder / "skipped.csv").write_text("case_id,reason\nc2,gone\n")
    assert len(load_folder(folder)) == CASES - 1 and load_folder(folder).fingerprint != kept.fingerprint


def test_a_list_of_cases_left_out_that_is_none_is_an_error_of_check_and_of_run(folder: Path) -> None:
    (folder / "skipped.csv").write_text("who\nc2\n")
    assert [(fault.rule, fault.severity) for fault in found(folder)] == [("skipped.csv", "error")]
    with pytest.raises(CohortError, match=r"skipped\.csv: expected the columns case_id, reason"):
        load_folder(folder)


def test_a_folder_that_cannot_be_written_is_read_at_every_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(1, "image", "gone.nii.gz")(folder)
    shutil.rmtree(folder / "skipped.csv", ignore_errors=True)
    (folder / f"skipped.csv.{os.getpid()}").mkdir()
    assert list(load_sound(folder, quiet=True).skipped_cases) == ["c1"]
    assert "cannot be written" in capsys.readouterr().err and not (folder / "skipped.csv").exists()


@pytest.mark.parametrize("command", ["leaderboard", "predictions"])
def test_an_empty_store_is_named_without_a_phantom_being_made(
    command: str, tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    more = {"leaderboard": (), "predictions": ("--csv", str(tmp_path / "p.csv"))}[command]
    code, _, err = bench(
        command, "--split", "internal", "--store", str(tmp_path / "runs"), "--cohort", "phantom-tiny@5", *more
    )
    assert code == 2 and "no finished cell of phantom-tiny@5" in err
    assert not (tmp_path / "cache").exists()
