"""Checklists say no more than a run bears, and know every item of the published lists."""

from dataclasses import replace

import pytest

from bench.predictions.results import Results
from bench.report.checklist import (
    AUTHORS,
    KINDS,
    STATES,
    Checklist,
    filled_checklist,
    published_items,
    to_markdown,
)
from bench.report.checklist_answers import ANSWERS
from bench.running.plan import Plan
from bench.splits.split import Split
from bench.store.collect import results_of_store


@pytest.fixture(scope="module")
def results(planned: Plan) -> Results:
    return results_of_store(planned.cohort, planned.split, planned.store)


def filled(kind: str, results: Results, split: Split) -> Checklist:
    return filled_checklist(kind, results, split, {"tumour_size": "Linear model of size"})


def states(kind: str, results: Results, split: Split) -> dict[str, str]:
    return {item.number: item.answer.state for item in filled(kind, results, split).items}


def test_items_are_numbered_once_and_every_answer_is_used() -> None:
    asked = [item for kind in KINDS for item in published_items(kind)]
    assert {key for _, _, key in asked} - {AUTHORS} == set(ANSWERS)
    for kind, last in zip(KINDS, ("44", "27c", "30", "58"), strict=True):
        numbers = [number for number, _, _ in published_items(kind)]
        assert len(numbers) == len(set(numbers)) and numbers[-1] == last


@pytest.mark.parametrize("kind", KINDS)
def test_every_item_has_its_state_and_the_counts_add_up(kind: str, results: Results, planned: Plan) -> None:
    checklist = filled(kind, results, planned.split)
    assert sum(checklist.counts().values()) == len(checklist.items) == len(published_items(kind))
    text = to_markdown(checklist)
    assert text.count("\n| ") == len(checklist.items) + 1
    assert "SYNTHETIC" in text and all(state in text for state in STATES.values())
    assert all(item.answer.text for item in checklist.items if item.answer.state != "authors")


def test_an_internal_run_is_no_external_test_and_an_external_one_no_internal(
    results: Results, planned: Plan
) -> None:
    assert states("claim", results, planned.split)["32"] == "run"
    assert states("claim", results, planned.split)["33"] == "command"
    tested = set(results.tested)
    sites = ["elsewhere" if case in tested else "here" for case in results.truth.index]
    fold = replace(planned.split.folds[0], train=("p",), val=("q",), test=tuple(tested))
    truth = results.truth.assign(site=sites)
    truth.loc["p"], truth.loc["q"] = truth.iloc[0], truth.iloc[0]
    truth.loc[["p", "q"], "site"] = "here"
    outside = replace(results, truth=truth)
    found = states("claim", outside, replace(planned.split, folds=(fold,)))
    assert (found["32"], found["33"]) == ("command", "run")


def test_a_patient_in_two_parts_is_said(results: Results, planned: Plan) -> None:
    assert states("claim", results, planned.split)["20"] == "run"
    first = planned.split.folds[0]
    leaking = replace(first, train=(*first.train, first.test[0]))
    folds = (leaking, *planned.split.folds[1:])
    (item,) = (
        item
        for item in filled("claim", results, replace(planned.split, folds=folds)).items
        if item.number == "20"
    )
    assert item.answer.state == "part" and "a patient is in two parts" in item.answer.text


def test_without_a_row_that_needs_no_radiomics_the_comparison_is_missing(
    results: Results, planned: Plan
) -> None:
    assert states("clear", results, planned.split)["42"] == "run"
    alone = replace(results, methods=tuple(m for m in results.methods if m.label == "constant"))
    assert states("clear", alone, planned.split)["42"] == "command"
