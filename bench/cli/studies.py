"""The studies of a tuned row in text."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bench.methods.search_space import OBJECTIVE
from bench.predictions.results import MethodResult, Results
from bench.report.formats.format import Format
from bench.report.formats.printing import print_rows
from bench.report.overtuning import gap_sentence, timed_note
from bench.tuning.history import FoldStudy, history_rows, importance_rows, parameter_rows


def print_studies(
    studies: Sequence[FoldStudy], method: MethodResult, results: Results, wanted: Format
) -> None:
    """Print history, best parameters and importances, as three tables or one JSON object."""
    tables = {
        "history": history_rows(studies),
        "parameters": parameter_rows(studies),
        "importances": importance_rows(studies),
    }
    if wanted is Format.json:
        about = {"method": method.label, "cohort": results.cohort, "synthetic": results.synthetic}
        print(json.dumps({**about, "split": results.split, "objective": OBJECTIVE, **tables}, indent=1))
        return
    where = f"{method.label}, {results.cohort}, {results.split}{'  SYNTHETIC' if results.synthetic else ''}"
    print_rows([_history_texts(row) for row in tables["history"]], wanted, f"Tuning: {where}")
    print_rows([_short(row) for row in tables["parameters"]], wanted, "\nBest parameters")
    importances = [{**row, "cells": len(row["cells"])} for row in tables["importances"]]
    print_rows(importances, wanted, "\nImportances (fANOVA on the completed trials)")
    print(f"\n{gap_sentence([method], results)}", *timed_note([method]), sep="\n")


def _history_texts(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row for a terminal: how trials ended in one column, scores to three decimals."""
    ends = [f"{row[end]} {end}" for end in ("pruned", "failed") if row[end]]
    names = ("inner_default", "inner_best", "outer_default", "outer_tuned", "gap")
    scores = {name: "-" if row[name] is None else f"{row[name]:z.3f}" for name in names}
    trials = f"{row['trials']} ({', '.join(ends)})" if ends else str(row["trials"])
    kept = {name: row[name] for name in ("seed", "fold")}
    return {**kept, "trials": trials, "best_trial": row["best_trial"], **scores}


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: f"{value:.3g}" if isinstance(value, float) else value for name, value in row.items()}
