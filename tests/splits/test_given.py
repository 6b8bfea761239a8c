"""Folds that somebody gives, and each value of a column left out."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from bench.cohorts.cohort import Cohort
from bench.errors import SplitError
from bench.splits.config import SplitConfig, load_split_config
from bench.splits.inner import inner_split
from bench.splits.make import make_split
from tests.splits.random_cohorts import random_cohort

COHORT = random_cohort(0)
IDS = list(COHORT.case_ids)


def written(folder: Path, name: str = "folds.csv", **columns: list[str]) -> Path:
    """A table of folds with these columns."""
    pd.DataFrame(columns).to_csv(folder / name, index=False)
    return folder / name


def refusal(file: Path, cohort: Cohort = COHORT) -> str:
    """What a file of folds is refused with."""
    with pytest.raises(SplitError) as refused:
        make_split(cohort, load_split_config(file))
    return str(refused.value)


def by_fold(folder: Path, folds: int = 4) -> Path:
    """Every case in the fold of its number."""
    return written(folder, case_id=IDS, fold=[str(k % folds) for k in range(len(IDS))])


def test_with_folds_alone_each_is_tested_in_turn(tmp_path: Path) -> None:
    split = make_split(COHORT, load_split_config(by_fold(tmp_path)))
    assert split.name == "folds" and len(split.folds) == 4
    for index, fold in enumerate(split.folds):
        assert list(fold.test) == sorted(IDS[index::4])
        assert sorted(fold.train + fold.val + fold.test) == sorted(IDS)
        assert 0.08 < len(fold.val) / (len(fold.train) + len(fold.val)) < 0.17


def test_with_parts_alone_there_is_one_fold_as_given(tmp_path: Path) -> None:
    part = ["train"] * 200 + ["val"] * 50 + ["test"] * (len(IDS) - 250)
    (fold,) = make_split(COHORT, load_split_config(written(tmp_path, case_id=IDS, part=part))).folds
    assert fold.train == tuple(sorted(IDS[:200]))
    assert fold.val == tuple(sorted(IDS[200:250]))
    assert fold.test == tuple(sorted(IDS[250:]))


def test_folds_and_parts_together_are_taken_line_by_line(tmp_path: Path) -> None:
    half = len(IDS) // 2
    sides = [["train"] * half + ["test"] * (len(IDS) - half), ["test"] * half + ["train"] * (len(IDS) - half)]
    file = written(
        tmp_path, case_id=IDS * 2, fold=["b"] * len(IDS) + ["a"] * len(IDS), part=[*sides[0], *sides[1]]
    )
    first, second = make_split(COHORT, load_split_config(file)).folds
    assert (first.label, second.label) == ("given fold a", "given fold b")
    assert first.test == tuple(sorted(IDS[:half])) and second.test == tuple(sorted(IDS[half:]))


def test_patients_may_be_named_instead_of_cases(tmp_path: Path) -> None:
    cohort = random_cohort(1, cases_a_patient=2.0)
    patients = sorted(set(cohort.patient_ids))
    file = written(tmp_path, patient_id=patients, fold=[str(k % 3) for k in range(len(patients))])
    split = make_split(cohort, load_split_config(file))
    for index, fold in enumerate(split.folds):
        assert set(cohort.table.patient_id[list(fold.test)]) == set(patients[index::3])


def test_other_ids_of_a_patient_stand_on_any_of_the_lines(tmp_path: Path) -> None:
    cohort = random_cohort(1, cases_a_patient=2.0)
    patients = sorted(set(cohort.patient_ids))
    fold = [str(k % 3) for k in range(len(patients))]
    plain = make_split(cohort, load_split_config(written(tmp_path, patient_id=patients, fold=fold)))
    elsewhere = [f"ELSE-{k}" for k in range(len(patients))]
    also = [f"THIRD-{k} {name}" for k, name in enumerate(patients)]
    renamed = written(tmp_path, "folds.csv", patient_id=elsewhere, fold=fold, also=also)
    assert make_split(cohort, load_split_config(renamed)) == plain


def test_an_id_that_stands_for_two_patients_is_refused(tmp_path: Path) -> None:
    also = ["", *IDS[1:2], *IDS[1:2], *[""] * (len(IDS) - 3)]
    file = written(
        tmp_path,
        case_id=[f"else-{name}" for name in IDS],
        fold=[str(k % 3) for k in range(len(IDS))],
        also=also,
    )
    assert f"{IDS[1]!r} stands for 'else-{IDS[1]}' and for 'else-{IDS[2]}'" in refusal(file)


def test_ids_of_joined_cohorts_are_found_without_the_name_of_the_cohort(tmp_path: Path) -> None:
    table = COHORT.table.set_axis([f"acme:{name}" for name in IDS], axis="index")
    joined = dataclasses.replace(COHORT, table=table.rename_axis("case_id"), as_loaded=())
    split = make_split(joined, load_split_config(by_fold(tmp_path)))
    for index, fold in enumerate(split.folds):
        assert list(fold.test) == sorted(f"acme:{name}" for name in IDS[index::4])


def test_where_the_file_lies_does_not_change_the_identity_and_its_folds_do(tmp_path: Path) -> None:
    there, same, other = (tmp_path / name for name in ("there", "same", "other"))
    for folder in (there, same, other):
        folder.mkdir()
    found = [
        make_split(COHORT, load_split_config(file)).fingerprint
        for file in (by_fold(there), by_fold(same), by_fold(other, folds=5))
    ]
    assert found[0] == found[1] != found[2]


def test_ids_are_found_without_zeros_and_who_is_absent_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = COHORT.table.rename(index={case_id: f"{k:04}" for k, case_id in enumerate(IDS)})
    cohort = dataclasses.replace(COHORT, table=table, files=COHORT.files.set_axis(table.index))
    listed = [str(k) for k in range(10, len(IDS) + 5)]
    file = written(tmp_path, case_id=listed, fold=[str(k % 3) for k in range(len(listed))])
    split = make_split(cohort, load_split_config(file))
    assert sum(len(fold.test) for fold in split.folds) == len(IDS) - 10
    told = capsys.readouterr().err
    assert "5 of 369 listed case_ids are not in cohort" in told and "10 of its 374 cases" in told


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"case_id": IDS, "group": ["x"] * len(IDS)}, "a column fold, part"),
        ({"exam": IDS, "fold": ["1"] * len(IDS)}, "case_id or patient_id"),
        ({"case_id": IDS, "part": ["training"] * len(IDS)}, "line 2: part is 'training'"),
        ({"case_id": [*IDS, IDS[0]], "fold": ["1", "2"] * 187 + ["1"]}, "again"),
        ({"case_id": ["x", "y"], "fold": ["1", "2"]}, "none of them in cohort"),
        ({"case_id": IDS, "fold": ["1", ""] * 187}, "line 3 has no fold"),
        ({"case_id": [IDS[0]] * 2, "fold": ["1", "2"], "part": ["test", "test"]}, "tested in fold 1 and in"),
    ],
)
def test_what_is_no_table_of_folds_is_refused(
    tmp_path: Path, columns: dict[str, list[str]], expected: str
) -> None:
    assert expected in refusal(written(tmp_path, **columns))


def test_a_patient_on_two_sides_is_refused(tmp_path: Path) -> None:
    cohort = random_cohort(1, cases_a_patient=2.0)
    ids = list(cohort.case_ids)
    file = written(tmp_path, case_id=ids, fold=[str(k % 3) for k in range(len(ids))])
    assert "put all cases of a patient into one part" in refusal(file, cohort)


def test_a_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    assert "no file" in refusal(tmp_path / "absent.csv")


def test_each_value_of_a_column_is_left_out_in_turn() -> None:
    vendor = [("GE", "Siemens", "Philips")[k % 3] for k in range(len(COHORT))]
    cohort = dataclasses.replace(COHORT, table=COHORT.table.assign(vendor=vendor))
    config = SplitConfig("vendors", "leave_column_out", "Each vendor", "A new vendor.", column="vendor")
    split = make_split(cohort, config)
    assert [fold.label for fold in split.folds] == ["GE", "Philips", "Siemens"]
    for fold in split.folds:
        assert set(cohort.table.vendor[list(fold.test)]) == {fold.label}
        assert fold.label not in set(cohort.table.vendor[list(fold.train + fold.val)])


@pytest.mark.parametrize(
    ("values", "expected"),
    [(None, "does not have"), (["GE", None], "have no vendor"), (["GE", "GE"], "at least two values")],
)
def test_a_column_that_cannot_be_left_out_is_named(values: list[str | None] | None, expected: str) -> None:
    added = {} if values is None else {"vendor": values * (len(COHORT) // 2)}
    cohort = dataclasses.replace(COHORT, table=COHORT.table.assign(**added))
    config = SplitConfig("vendors", "leave_column_out", "Each vendor", "A new vendor.", column="vendor")
    with pytest.raises(SplitError, match=expected):
        make_split(cohort, config)


def test_thresholds_of_a_split_by_a_column_have_inner_folds() -> None:
    config = SplitConfig("sites", "leave_column_out", "Each site", "A new site.", column="site")
    inner = inner_split(COHORT, make_split(COHORT, config), 0, 3)
    assert inner.name == "sites/inner0" and len(inner.folds) == 3


def test_a_split_that_needs_a_name_says_so() -> None:
    with pytest.raises(SplitError, match="column must be a name"):
        SplitConfig("vendors", "leave_column_out", "Each vendor", "A new vendor.")
