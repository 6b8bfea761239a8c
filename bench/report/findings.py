"""What a table shows, in sentences: who is better than the constant predictor, and who is ahead of whom."""

from collections.abc import Sequence

from bench.inference import FEWEST_PATIENTS
from bench.ranking import Consensus
from bench.report.cells import number, task_title
from bench.report.table import FINDING
from bench.scores import CONSTANT, Results, Score
from bench.verdicts import (
    against_constant,
    has_nothing_to_predict,
    is_better,
    is_beyond_ceiling,
    subject,
)

# A finding that names more methods than this is no finding; then it names those behind them.
MOST_NAMED = 4


def finding(results: Results, scores: Sequence[Score], confounded: Sequence[Score] = ()) -> str:
    """What the table shows, a clause a task; ``confounded`` scores are those that the site explains."""
    tasks: dict[str, list[str]] = {}
    for name in dict.fromkeys(score.task.name for score in scores):
        mine = [score for score in scores if score.task.name == name]
        clause = _task_finding(mine, [its for its in confounded if its.task.name == name])
        if clause:
            tasks.setdefault(clause, []).append(task_title(mine[0].task))
    said = "; ".join(f"{enumerate_names(titles)}: {clause}" for clause, titles in tasks.items())
    return f"{FINDING}{subject(results.variance_factor)}: {said or 'no task is ranked'}."


def consensus_finding(rows: Sequence[Consensus], titles: Sequence[str]) -> str:
    """Who shares the first consensus rank over these tasks, of those that are better than the constant."""
    ranked = [its for its in rows if its.rank is not None]
    better = [its for its in ranked if its.better]
    over = f"Consensus over {enumerate_names(titles)}"
    if not ranked:
        return f"{over}: no method has a rank on every one."
    if not better:
        return f"{over}: no method is separable from the constant predictor on any of them."
    return f"{over}: {_leaders([(its.method, its.rank or 1) for its in better], len(ranked))}."


def flags(scores: Sequence[Score], confounded: Sequence[Score]) -> tuple[str, ...]:
    """What must be read before the numbers: values that a leak or the site explains."""
    beyond = [
        f"{its.method} on {task_title(its.task)} ({100 * its.share:.0f} %, from "
        f"{100 * its.share_interval.low:.0f} % on)"
        for its in scores
        if is_beyond_ceiling(its)
    ]
    fallen = [f"{its.method} on {task_title(its.task)} ({_all_and_within(its)})" for its in confounded]
    leak = f"Beyond what the true parameters allow, so look for a leak: {'; '.join(beyond)}."
    site = (
        f"Explained by the site in good part, AUC over all pairs and within sites: {'; '.join(fallen)}. "
        "Which site a patient is of tells the label; the value within sites is what the images add."
    )
    return (*([leak] if beyond else []), *([site] if fallen else []))


def order_notes(scores: Sequence[Score]) -> list[str]:
    """Why a worse value stands above a better one, with the first such pair of each task."""
    pairs = []
    for name in dict.fromkeys(score.task.name for score in scores):
        mine = [its for its in scores if its.task.name == name and its.rank is not None]
        pairs += [text for text in map(_inversion, mine, mine[1:]) if text][:1]
    if not pairs:
        return []
    return [
        "Methods that are better than the constant predictor stand first, by rank; the others below them by "
        "value. A worse value may stand above a better one, where its cases vary less and show more: "
        f"{'; '.join(pairs)}."
    ]


def unclear_notes(scores: Sequence[Score]) -> list[str]:
    """Which decisions the resamples leave open."""
    pairs = dict.fromkeys(
        (task_title(its.task), *sorted((its.method, other or "the constant predictor")))
        for its in scores
        for other in its.unclear
        if other == CONSTANT or other in {one.method for one in scores}
    )
    if not pairs:
        return []
    named = "; ".join(f"{task}, {one} and {other}" for task, one, other in pairs)
    return [
        "?: the most resamples that are drawn leave open whether a p is below 5 %; read as not separable: "
        f"{named}."
    ]


def enumerate_names(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _task_finding(scores: Sequence[Score], confounded: Sequence[Score]) -> str:
    """The clause of one task; empty where it is not ranked, unless it has one method alone."""
    scored = [its for its in scores if its.rank is not None]
    if not scored:
        return "no method has a value"
    if all(against_constant(its) == "not judged" for its in scored):
        return f"{scored[0].patients} patients, fewer than {FEWEST_PATIENTS} of a class, are too few to judge"
    better = [its for its in scored if is_better(its)]
    if has_nothing_to_predict(scored[0]):
        return _nothing_to_predict(scored, better)
    site = _site_clause(confounded)
    if len(scored) == 1:
        return f"{_single(scored[0])}{site}"
    if not scored[0].task.ranked:
        return ""
    if not better:
        return _none_better(scored)
    return f"{_leaders([(its.method, its.rank or 1) for its in better], len(scored))}{site}"


def _none_better(scored: Sequence[Score]) -> str:
    worse = [its.method for its in scored if against_constant(its) == "worse"]
    if not worse:
        return f"none of {len(scored)} methods is separable from the constant predictor"
    verb = "is" if len(worse) == 1 else "are"
    named = f"{enumerate_names(worse)} {verb} worse than the constant predictor"
    return f"{named}, no other method is separable from it"


def _leaders(better: Sequence[tuple[str, int]], count: int) -> str:
    """Who has the best rank of those that are better than the constant predictor."""
    best = min(rank for _, rank in better)
    first = [name for name, rank in better if rank == best]
    behind = [name for name, rank in better if rank != best]
    if len(better) == 1:
        return f"{first[0]} alone of {count} methods is better than the constant predictor"
    start = f"{len(better)} of {count} methods are better than the constant predictor"
    if not behind:
        return f"{start} and share rank {best}"
    if len(first) == 1:
        return f"{start}, {first[0]} alone has rank {best}"
    if len(first) > MOST_NAMED:
        return f"{start}, {len(first)} of them share rank {best}, not {enumerate_names(behind)}"
    return f"{start}, {enumerate_names(first)} share rank {best}"


def _nothing_to_predict(scored: Sequence[Score], better: Sequence[Score]) -> str:
    ceiling = number(scored[0].ceiling, scored[0].metric.decimals).text
    start = f"there is nothing to predict (ceiling {ceiling})"
    if not better:
        return f"{start}, and no method is separable from the constant predictor"
    return f"{start}, so chance or a leak sets {enumerate_names([its.method for its in better])} apart"


def _site_clause(confounded: Sequence[Score]) -> str:
    if not confounded:
        return ""
    first = max(confounded, key=lambda its: its.value)
    return f", explained by the site in good part ({first.method} {_all_and_within(first)})"


def _all_and_within(score: Score) -> str:
    digits = score.metric.decimals
    return f"{score.value:.{digits}f} over all pairs, {score.within_site:.{digits}f} within sites"


def _single(score: Score) -> str:
    verdict = against_constant(score)
    if verdict in ("better", "worse"):
        return f"{score.method} is {verdict} than the constant predictor"
    patients = "" if score.patients == score.n else f" of {score.patients} patients"
    return f"{score.method} is not separable from the constant predictor on {score.n} cases{patients}"


def _inversion(above: Score, below: Score) -> str:
    digits, sign = above.metric.decimals, above.metric.sign
    one, other = (round(its.value, digits) for its in (above, below))
    if not sign * (other - one) > 0:
        return ""
    return (
        f"{task_title(above.task)}, {above.method} ({one:.{digits}f}) above {below.method} "
        f"({other:.{digits}f})"
    )
