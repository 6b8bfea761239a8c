"""A board while a run goes on: on the folds that every method that has begun has finished."""

from dataclasses import replace

from bench.errors import UsageError
from bench.predictions.results import MethodResult, Results


def on_finished_folds(results: Results) -> Results:
    """Results on the folds that all methods with predictions share, so that they have the same cases.

    A method keeps the seeds that it has finished on these folds; one without any prediction keeps its status.
    The split's name lists these folds; complete results come back as they are.

    Raises
    ------
    UsageError
        The methods that have begun share no finished fold.
    """
    begun = [method for method in results.methods if len(method.predictions)]
    if all(method.status == "ok" for method in begun):
        return results
    every = set(results.tested.values())
    folds = every.intersection(*(set(method.predictions["fold"]) for method in begun))
    if not folds:
        names = ", ".join(method.label for method in begun) or "no method"
        raise UsageError(f"no fold is finished by all that have begun ({names}): try again in a while")
    tested = {case_id: fold for case_id, fold in results.tested.items() if fold in folds}
    listed = ", ".join(str(fold) for fold in sorted(folds))
    return replace(
        results,
        split=f"{results.split}, PARTIAL: folds {listed} of {len(every)}",
        truth=results.truth.loc[list(tested)],
        tested=tested,
        methods=tuple(
            _on(method, folds) if len(method.predictions) else method for method in results.methods
        ),
    )


def _on(method: MethodResult, folds: set[int]) -> MethodResult:
    """The method on these folds, with the seeds that have them all."""
    table = method.predictions[method.predictions["fold"].isin(folds)]
    finished = table.groupby("seed")["fold"].nunique() == len(folds)
    seeds = tuple(int(seed) for seed in finished.index[finished])
    if not seeds:
        return method
    return replace(
        method, predictions=table[table["seed"].isin(seeds)], seeds=seeds, status="ok", fit_seconds=None
    )
