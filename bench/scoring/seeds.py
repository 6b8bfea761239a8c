"""The same training seeds for all rows of a table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bench.errors import UsageError
from bench.predictions.results import MethodResult, Results


def on_shared_seeds(results: Results, wanted: Sequence[int] | None = None) -> Results:
    """The results with the same training seeds in every row: a mean over three is no rival of a single one.

    Without a wish the seeds that all rows have; where they share none, those that most rows have. A row that
    lacks one of them stays without a value, with the reason. Ensembles over seeds stay as they are.

    Raises
    ------
    UsageError
        No row has the wanted seeds.
    """
    held = _held(results)
    seeds = set(wanted) if wanted is not None else _shared(held)
    if all(one == seeds for one in held.values()):
        return results
    if wanted is not None and not any(one >= seeds for one in held.values()):
        some = sorted(set().union(*held.values()))
        raise UsageError(
            f"no method has all of the seeds {_listed(seeds)}, found {_listed(some)}; run them with "
            f"`bench run --seeds {_listed(seeds)}`"
        )
    return replace(
        results,
        methods=tuple(_with(method, seeds) if method.label in held else method for method in results.methods),
    )


def seeds_note(results: Results) -> tuple[str, ...]:
    """Which seeds a table of these results leaves out, and how to have them in; nothing where it has all."""
    held = _held(results)
    used = _shared(held)
    left_out = {label: one - used for label, one in held.items() if one >= used and one != used}
    if not left_out:
        return ()
    every = _listed(set().union(*held.values()))
    extra = "; ".join(f"{_listed(one)} of {label}" for label, one in left_out.items())
    said = (
        f"Training seeds: {_listed(used)} in every row. Left out, as other rows lack them: {extra}. "
        f"`bench run --seeds {every}` makes the missing ones."
    )
    return (said,)


def _held(results: Results) -> dict[str, set[int]]:
    """Seeds of each row that has a value and is no ensemble."""
    return {
        method.label: {int(seed) for seed in method.predictions["seed"].unique()}
        for method in results.methods
        if method.can_be_scored and len(method.predictions) and not method.is_ensemble
    }


def _shared(held: dict[str, set[int]]) -> set[int]:
    """The seeds of all rows, or of the most rows, the lowest on a tie."""
    if not held:
        return set()
    common = set.intersection(*held.values())
    if common:
        return common
    count = Counter(tuple(sorted(one)) for one in held.values())
    most = max(count.values())
    return set(min(one for one, times in count.items() if times == most))


def _with(method: MethodResult, seeds: set[int]) -> MethodResult:
    lacking = seeds - {int(seed) for seed in method.predictions["seed"].unique()}
    if lacking:
        why = f"missing: seed {_listed(lacking)} of this table; `bench run --seeds {_listed(seeds)}` adds it"
        return replace(method, predictions=method.predictions[:0], status=why, imputed={}, seeds=())
    table = method.predictions[method.predictions["seed"].isin(seeds)]
    return replace(method, predictions=table, seeds=tuple(sorted(seeds)))


def _listed(seeds: Sequence[int] | set[int]) -> str:
    return ",".join(map(str, sorted(seeds)))
