"""A proposal from a user's own table: what is recognised, what is not guessed, and that it loads."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from bench.cli import main
from bench.cohorts.checking.check import check_folder
from bench.cohorts.cohort import Cohort
from bench.cohorts.folder import load_folder
from bench.cohorts.proposal.columns import propose_columns
from bench.cohorts.proposal.propose import propose, write_proposal
from bench.cohorts.proposal.surrogate_mask import (
    SPHERE_MM,
    ellipsoid_in_box,
    grid_of,
    sphere_round,
    write_surrogate,
)
from bench.errors import CohortError, UsageError
from bench.imaging.crop import Crop

SIZE = (20, 48, 48)
SPACING = (1.0, 1.0, 2.0)
ORIGIN = (-50.0, -60.0, 10.0)
HEAD = "Subject;Centre;Set;ER_status;PgR;HER2/neu;Ki-67;DCE image;Tumour segmentation;Manufacturer;AGE;Notes"
BOX = "x_min;y_min;z_min;x_max;y_max;z_max"
POINT = "x_mm;y_mm;z_mm"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve images, the first four with a mask, and the table of someone who has not read our README."""
    folder = tmp_path / "our study"
    (folder / "scans").mkdir(parents=True)
    lines = [f"{HEAD};{BOX};{POINT}"]
    for number in range(12):
        image = save(folder / f"scans/S{number:02d}.nii.gz", noise(number))
        mask, box, point = "", ";;;;;", ";;"
        if number < 4:
            save(folder / f"scans/S{number:02d}_seg.nii.gz", cube())
            mask = f"scans\\S{number:02d}_seg.nii.gz"
        elif number < 8:
            box = "20;16;6;29;27;12"
        else:
            point = ";".join(
                f"{value:g}".replace(".", ",") for value in image.TransformIndexToPhysicalPoint((26, 24, 10))
            )
        lines.append(
            f"S{number:02d};{'Mercy' if number % 2 else 'Charité'};{'train' if number < 8 else 'External'};"
            f"{('Pos', 'neg', 'n/a')[number % 3]};{number % 2};{'negative' if number % 4 else 'positive'};"
            f"0,{number + 10};scans/S{number:02d}.nii.gz;{mask};GE;4{number % 10},5;call back;{box};{point}"
        )
    (folder / "table.csv").write_text("\n".join(lines), encoding="utf-8-sig")
    return folder


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 20, SIZE).astype(np.int16)


def cube() -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[8:13, 20:30, 20:30] = 1
    return mask


def save(path: Path, voxels: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(SPACING)
    image.SetOrigin(ORIGIN)
    sitk.WriteImage(image, str(path))
    return image


@pytest.fixture
def cohort(folder: Path) -> Cohort:
    write_proposal(propose(folder, folder / "table.csv"))
    return load_folder(folder)


def test_odd_names_become_the_columns_of_a_cohort(cohort: Cohort) -> None:
    assert [task.name for task in cohort.tasks] == ["er", "pr", "her2", "ki67"]
    assert set(cohort.sites) == {"Mercy", "Charité"}
    assert list(cohort.groups) == ["internal"] * 8 + ["external"] * 4
    np.testing.assert_array_equal(cohort.labels("er")[:3], [1, 0, np.nan])
    np.testing.assert_array_equal(cohort.labels("her2")[:5], [1, 0, 0, 0, 1])
    assert list(cohort.covariates("acquisition")) == ["Manufacturer"]
    assert cohort.covariates("clinical")["AGE"].iloc[1] == 41.5
    assert {"Notes", "x_min", "mask_source"} <= {k for k, v in cohort.roles.items() if v == "ignore"}


def test_a_fraction_becomes_percentage_points(cohort: Cohort) -> None:
    np.testing.assert_allclose(cohort.labels("ki67"), range(10, 22))


def test_what_was_written_passes_the_check_and_is_cropped(cohort: Cohort) -> None:
    assert check_folder(cohort.folder, quiet=True).violations == ()
    crops = cohort.crops(Crop(size_mm=24, spacing_mm=2, channels=("image", "mask")))
    assert crops.shape == (12, 2, 12, 12, 12)
    assert (np.asarray(crops)[:, 1].sum(axis=(1, 2, 3)) > 0).all()


def test_the_cohort_says_which_masks_nobody_drew(cohort: Cohort) -> None:
    assert list(cohort.table["mask_source"]) == ["mask"] * 4 + ["box"] * 4 + ["point"] * 4
    assert "8 of 12 masks are surrogates of drawn ones" in cohort.title
    assert "4 ellipsoid(s) in a box, 4 sphere(s) of 10 mm round a point" in cohort.title


def test_a_box_is_filled_by_its_inscribed_ellipsoid(cohort: Cohort) -> None:
    mask = sitk.GetArrayFromImage(cohort.volume("S04").mask)
    z, y, x = (np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1)))
    assert [(a[0], a[-1]) for a in (x, y, z)] == [(20, 29), (16, 27), (6, 12)]
    assert mask.sum() == pytest.approx(np.pi / 6 * 10 * 12 * 7, rel=0.1)


def test_a_point_in_mm_becomes_a_sphere_round_its_voxel(cohort: Cohort) -> None:
    volume = cohort.volume("S08")
    indices = np.argwhere(sitk.GetArrayFromImage(volume.mask))[:, ::-1]
    np.testing.assert_allclose(indices.mean(axis=0), (26, 24, 10))
    points = [volume.mask.TransformIndexToPhysicalPoint(index.tolist()) for index in indices]
    centre = volume.mask.TransformIndexToPhysicalPoint((26, 24, 10))
    assert np.linalg.norm(np.subtract(points, centre), axis=1).max() == SPHERE_MM / 2
    assert len(indices) * np.prod(SPACING) == pytest.approx(np.pi / 6 * SPHERE_MM**3, rel=0.1)


def test_a_lesion_smaller_than_a_voxel_keeps_one(folder: Path) -> None:
    grid = grid_of("S00", folder / "scans/S00.nii.gz")
    coarse = replace(grid, spacing=50 * grid.spacing)
    for shape in (
        ellipsoid_in_box(np.array([5, 6, 7]), np.array([5, 6, 7])),
        sphere_round(np.array([5.4, 6.4, 7.4]), "voxel", coarse),
    ):
        write_surrogate(shape, grid, folder / "one.nii.gz")
        mask = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "one.nii.gz")))
        assert np.argwhere(mask).tolist() == [[7, 6, 5]]


def test_a_box_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(CohortError, match="its box ends before it begins: 5x6x7 to 5x2x7"):
        ellipsoid_in_box(np.array([5, 6, 7]), np.array([5, 2, 7]))


def test_a_point_outside_its_image_is_named_and_gets_no_mask(folder: Path) -> None:
    table = (folder / "table.csv").read_text(encoding="utf-8-sig").replace("-24;", "924;", 1)
    (folder / "table.csv").write_text(table.replace("-36;30", "936;30", 1))
    proposal = propose(folder, folder / "table.csv")
    (note,) = [note for note in proposal.notes if "gets no mask" in note]
    assert note.startswith("case 'S08'") and "outside its image of 48x48x20 voxels" in note
    assert "1 of 12 cases have no mask" in "\n".join(proposal.notes)
    assert proposal.cases["mask_source"].tolist()[8] == ""


def test_a_point_in_an_unknown_unit_is_asked_about(folder: Path) -> None:
    table = (folder / "table.csv").read_text(encoding="utf-8-sig").replace(POINT, "x;y;z")
    (folder / "table.csv").write_text(table)
    with pytest.raises(UsageError, match=r"are x, y, z in mm .* or voxel indices"):
        propose(folder, folder / "table.csv")
    in_mm = propose(folder, folder / "table.csv", "mm")
    assert [
        surrogate.shape.centre.tolist() for surrogate in in_mm.surrogates if surrogate.source == "point"
    ] == [[26, 24, 10]] * 4


@pytest.mark.parametrize(
    ("name", "cells", "use"),
    [
        ("PatientID", ["1", "2"], "patient_id"),
        ("subject", ["1", "2"], "patient_id"),
        ("PatID", ["1", "2"], "patient_id"),
        ("Pat. No.", ["1", "1"], "patient_id"),
        ("Hospital", ["a", "b"], "site"),
        ("Cohort group", ["internal", "ext"], "group"),
        ("set", ["train", "test"], "ignore"),
        ("Accession Number", ["1", "1"], "ignore"),
        ("T1c", ["a.nii.gz", "b.nii.gz"], "image"),
        ("label file", ["a.nrrd", "b.nrrd"], "mask"),
        ("ER", ["Positive", "unknown"], "task"),
        ("ER", ["90 %", "10 %"], "ignore"),
        ("HER2", ["0", "3+"], "ignore"),
        ("MIB-1", ["14 %", "20 %"], "task"),
        ("Ki67", ["high", "low"], "ignore"),
        ("Ki67", ["1", "0"], "ignore"),
        ("IDH status", ["yes", "no"], "task"),
        ("Ki67 status", ["1", "0"], "ignore"),
        ("pCR status", ["yes", "no"], "ignore"),
        ("smoking status", ["yes", "no"], "clinical"),
        ("Menopausal status", ["yes", "no"], "clinical"),
        ("Slice Thickness", ["1", "2"], "acquisition"),
        ("Molecular subtype", ["A", "B"], "ignore"),
        ("shoe size", ["40", "41"], "ignore"),
    ],
)
def test_a_column_is_proposed_by_its_name_and_only_where_its_values_fit(
    name: str, cells: list[str], use: str
) -> None:
    (column,) = propose_columns(pd.DataFrame({name: cells}), [])
    assert column.use == use


@pytest.mark.parametrize(
    ("name", "task"), [("ER (0/1)", "er"), ("Her2 IHC", "her2"), ("KI67 LI", "ki67"), ("PgRpos", "pr")]
)
def test_a_column_that_may_be_a_biomarkers_is_pointed_at(name: str, task: str) -> None:
    notes: list[str] = []
    (column,) = propose_columns(pd.DataFrame({name: ["a", "b"]}), notes)
    assert column.use == "ignore" and f"it may be about {task}" in notes[0]


def test_mixed_fractions_and_percentages_are_kept_and_said(folder: Path) -> None:
    (folder / "mixed.csv").write_text("patient,Ki-67 %\nS00,0.3\nS01,20\n")
    proposal = propose(folder, folder / "mixed.csv")
    assert proposal.cases["ki67"].tolist() == ["0.3", "20"]
    assert any("1 values lie between 0 and 1" in note for note in proposal.notes)


@pytest.mark.parametrize(
    ("cells", "labels"), [(["+", "-", "-"], ["1", "0", "0"]), (["pos", "neg", "-"], ["1", "0", ""])]
)
def test_a_dash_is_negative_only_where_nothing_else_is(
    folder: Path, cells: list[str], labels: list[str]
) -> None:
    lines = [f"S0{number},{cell}" for number, cell in enumerate(cells)]
    (folder / "dash.csv").write_text("\n".join(["patient,er", *lines]))
    assert propose(folder, folder / "dash.csv").cases["er"].tolist() == labels


def test_two_cases_whose_names_make_one_file_name_get_a_mask_each(folder: Path) -> None:
    names = "scan id,image,x_min,y_min,z_min,x_max,y_max,z_max"
    lines = ["S 4,scans/S04.nii.gz,1,1,1,5,5,5", "S_4,scans/S05.nii.gz,9,9,9,12,12,12"]
    (folder / "alike.csv").write_text("\n".join([names, *lines]))
    first, second = propose(folder, folder / "alike.csv").surrogates
    assert first.path != second.path


@pytest.mark.parametrize(
    ("box", "why"),
    [("0,0,0,0,0,0", "all zeros"), ("1.5,1,1,5,5,5", "not in whole voxels")],
)
def test_a_box_that_is_none_gets_no_mask(folder: Path, box: str, why: str) -> None:
    names = "scan id,image,x_min,y_min,z_min,x_max,y_max,z_max"
    (folder / "box.csv").write_text(f"{names}\nS04,scans/S04.nii.gz,{box}\n")
    proposal = propose(folder, folder / "box.csv")
    assert not proposal.surrogates and any(why in note for note in proposal.notes)


def test_empty_lines_and_a_line_that_names_the_separator_are_passed_over(folder: Path) -> None:
    (folder / "excel.csv").write_text("sep=;\npatient;er\nS00;1\n;\nS01;0\n;\n")
    assert propose(folder, folder / "excel.csv").cases["patient_id"].tolist() == ["S00", "S01"]


def test_a_folder_that_is_named_like_a_word_for_masks_holds_images(folder: Path) -> None:
    (folder / "scans").rename(folder / "detroit")
    (folder / "bare.csv").write_text("scan,er\nS00,1\nS01,0\n")
    proposal = propose(folder, folder / "bare.csv")
    assert proposal.cases["image"].tolist() == ["detroit/S00.nii.gz", "detroit/S01.nii.gz"]


def test_a_second_column_of_a_kind_is_ignored_and_named() -> None:
    notes: list[str] = []
    table = pd.DataFrame(
        {"pre": ["a.nii"], "post": ["b.nii"], "er": ["?2"], "ER status": ["pos"], "mask": ["x"]}
    )
    uses = {
        propose_column.source: (propose_column.use, propose_column.name)
        for propose_column in propose_columns(table, notes)
    }
    assert uses == {
        "pre": ("image", "image"),
        "post": ("ignore", "post"),
        "er": ("ignore", "er_original"),
        "ER status": ("task", "er"),
        "mask": ("ignore", "mask_original"),
    }
    assert any("'post' is ignored: 'pre' is taken as image" in note for note in notes)


def test_what_the_table_lacks_is_filled_in_and_said(folder: Path) -> None:
    (folder / "bare.csv").write_text("scan,er\nS00,1\nS01,0\n")
    proposal = propose(folder, folder / "bare.csv")
    assert proposal.cases["image"].tolist() == ["scans/S00.nii.gz", "scans/S01.nii.gz"]
    assert proposal.cases["mask"].tolist() == ["scans/S00_seg.nii.gz", "scans/S01_seg.nii.gz"]
    said = "\n".join(proposal.notes)
    for word in ("every line is taken as a patient of its own", "all lines get 'our study'", "get internal"):
        assert word in said


def test_several_lines_of_a_patient_become_cases_of_one_patient(folder: Path) -> None:
    (folder / "two.csv").write_text("patient,er\nS00,1\nS00,0\nS01,0\n")
    cases = propose(folder, folder / "two.csv").cases
    assert cases["case_id"].tolist() == ["S00_1", "S00_2", "S01_1"]
    assert cases["patient_id"].tolist() == ["S00", "S00", "S01"]


def test_a_table_that_is_none_is_a_usage_error(folder: Path) -> None:
    (folder / "empty.csv").write_text("er,pr\n")
    with pytest.raises(UsageError, match="has no line under its header"):
        propose(folder, folder / "empty.csv")
    with pytest.raises(UsageError, match="cannot be read"):
        propose(folder, folder / "none.csv")


def test_nothing_is_written_until_the_user_says_so_and_nothing_is_overwritten(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench: Callable[..., tuple[int, str]] = command(monkeypatch, capsys)
    asked = ("cohort", "init", str(folder), "--csv", str(folder / "table.csv"))
    code, said = bench(*asked)
    assert code == 0 and "nothing was written" in said and "[tasks.her2]" in said
    assert sorted(path.name for path in folder.iterdir()) == ["scans", "table.csv"]
    code, said = bench(*asked, "--write")
    assert code == 0 and "next: bench cohort check" in said
    code, said = bench(*asked, "--write")
    assert code == 2 and "is there already; rename or remove it first" in said
    where = ("--cohort", str(folder), "--split", "external_frozen", "--store", str(folder / "runs"))
    code, said = bench("run", "--method", "constant,tumour_size", *where)
    assert code == 0 and "8 of 12 masks are surrogates" in " ".join(said.split())


def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """The command line in this process: exit code, and what it says."""

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), "".join(capsys.readouterr())

    return run
