"""Methods that lack a fold, and the ranks of a sensitivity analysis."""

from dataclasses import replace

from bench.predictions.results import MethodResult


def without_fold(whole: MethodResult, fold: int, **changes) -> MethodResult:
    """The method as a store gives it where one fold failed."""
    kept = whole.predictions[whole.predictions["fold"] != fold]
    status = "failed: out of memory (1 of 5 cells missing)"
    return replace(whole, predictions=kept, status=status, seeds=(0,), **changes)


def found_by(found, choice, alternative, task="er"):
    (one,) = [
        entry
        for entry in found
        if (entry.choice, entry.alternative) == (choice, alternative)
        and (entry.task.name if entry.task else None) == task
    ]
    return one
