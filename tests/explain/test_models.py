"""Which models of a row explain a case."""

from pathlib import Path
from typing import Any, cast

import pytest

from bench.errors import UsageError
from bench.explain.models import Key, RowModels, models_of_row
from bench.methods.method import Method
from bench.methods.registry import load_registry
from bench.running.plan import Plan


def row(planned: Plan, keys: list[Key]) -> RowModels:
    def load(folder: Path) -> Method:
        return cast(Method, str(folder))

    return RowModels("row", "method", {key: Path(f"{key}") for key in keys}, planned.split, load)


def test_a_tested_case_is_explained_by_the_models_that_were_tested_on_it(planned: Plan) -> None:
    case_id = planned.split.folds[2].test[0]
    models = row(planned, [(seed, fold) for seed in (0, 1) for fold in range(5)])
    assert list(models.of_case(case_id)) == [(0, 2), (1, 2)]
    assert not models.has_learned(case_id)


def test_a_case_outside_the_split_is_explained_by_all_that_have_not_learned_from_it(planned: Plan) -> None:
    outside: Any = next(name for name, group in planned.cohort.table["group"].items() if group == "external")
    models = row(planned, [(0, fold) for fold in range(5)])
    assert len(models.of_case(outside)) == 5 and not models.has_learned(outside)


def test_where_all_models_have_learned_from_a_case_it_is_said(planned: Plan) -> None:
    fold = planned.split.folds[1]
    models = row(planned, [(0, 1)])
    assert list(models.of_case(fold.train[0])) == [(0, 1)]
    assert models.has_learned(fold.train[0]) and models.has_learned(fold.val[0])


def test_models_of_other_code_explain_nothing(planned: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.deploy.predict.code_fingerprint", lambda spec: "other")
    with pytest.raises(UsageError, match="fitted by another version of tumour_size"):
        models_of_row(planned.cohort, planned.split, planned.store, "tumour_size", load_registry())
