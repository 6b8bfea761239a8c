"""What a table shows, in sentences: who is better than the baseline, and who is ahead of whom."""

from collections.abc import Sequence

from bench.inference import ALPHA, MIN_PATIENTS
from bench.inference.bootstrap import close_share, most_draws
from bench.predictions.results import Results
from bench.ranking.consensus import Consensus
from bench.report.columns import number, task_title
from bench.report.table import FINDING
from bench.scoring.scores import Score
from bench.scoring.uncertainty import CONSTANT
from bench.scoring.verdicts import (
    against_constant,
    has_nothing_to_predict,
    is_better,
    is_beyond_oracle,
    subject,
)

# With more methods than this on the first rank, those behind them are named.
MAX_NAMED = 4


def close_note(pairs: int) -> str:
    """What the mark behind a rank or a p means, in a family of so many pairs."""
    share = close_share(pairs)
    return (
        f"?: a p between {ALPHA * (1 - share):.1%} and {ALPHA * (1 + share):.1%}, where another seed of the "
        f"bootstrap may decide otherwise; one that {most_draws(pairs):,} resamples leave open counts as not "
        "separable"
    ).replace("%", " %")


def finding(results: Results, scores: Sequence[Score], confounded: Sequence[Score] = ()) -> str:
    """What the table shows, a clause a task; ``confounded`` scores are those that the site explains."""
    tasks: dict[str, list[str]] = {}
    for name in dict.fromkeys(score.task.name for score in scores):
        mine = [score for score in scores if score.task.name == name]
        clause = _task_finding(mine, [score for score in confounded if score.task.name == name])
        if clause:
            tasks.setdefault(clause, []).append(task_title(mine[0].task))
    said = "; ".join(f"{enumerate_names(titles)}: {clause}" for clause, titles in tasks.items())
    return f"{FINDING}{subject(results.variance_factor)}: {said or 'no task is ranked'}."


def consensus_finding(rows: Sequence[Consensus], titles: Sequence[str]) -> str:
    """Who shares the first consensus rank over these tasks, of those that are better than the baseline."""
    ranked = [row for row in rows if row.rank is not None]
    better = [row for row in ranked if row.better]
    over = f"Consensus over {enumerate_names(titles)}"
    if not ranked:
        return f"{over}: no method has a rank on every one."
    if not better:
        return f"{over}: no method is separable from the baseline on any of them."
    return f"{over}: {_leaders([(score.method, score.rank or 1) for score in better], len(ranked))}."


def flags(scores: Sequence[Score], confounded: Sequence[Score]) -> tuple[str, ...]:
    """What must be read before the numbers: values that a leak or the site explains."""
    beyond = [
        f"{score.method} on {task_title(score.task)} ({100 * score.oracle_skill:.0f} %, from "
        f"{100 * score.oracle_skill_interval.low:.0f} % on)"
        for score in scores
        if is_beyond_oracle(score)
    ]
    fallen = [
        f"{score.method} on {task_title(score.task)} ({_all_and_within(score)})" for score in confounded
    ]
    leak = f"Better than the oracle, so look for a leak: {'; '.join(beyond)}."
    site = (
        f"Largely explained by the site, AUC over all pairs and within sites: {'; '.join(fallen)}. "
        "The site of a patient predicts the label; the value within sites is what the images add."
    )
    return (*([leak] if beyond else []), *([site] if fallen else []))


def order_notes(scores: Sequence[Score]) -> list[str]:
    """Why a worse value stands above a better one, with the first such pair of each task."""
    pairs = []
    for name in dict.fromkeys(score.task.name for score in scores):
        mine = [score for score in scores if score.task.name == name and score.rank is not None]
        pairs += [text for text in map(_inversion, mine, mine[1:]) if text][:1]
    if not pairs:
        return []
    return [
        "Methods that are better than the baseline stand first, by rank; the others below them by value. A "
        "worse value may stand above a better one where its difference from the baseline varies less: "
        f"{'; '.join(pairs)}."
    ]


def unclear_notes(scores: Sequence[Score]) -> list[str]:
    """Which decisions another seed of the resamples could turn."""
    pairs = dict.fromkeys(
        (task_title(score.task), *sorted((score.method, other or "the baseline")))
        for score in scores
        for other in score.unclear
        if other == CONSTANT or other in {one.method for one in scores}
    )
    if not pairs:
        return []
    named = "; ".join(f"{task}, {one} and {other}" for task, one, other in pairs)
    most = max(len(score.adjusted) for score in scores if score.unclear)
    return [f"{close_note(most * (most + 1) // 2)}: {named}."]


def enumerate_names(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _task_finding(scores: Sequence[Score], confounded: Sequence[Score]) -> str:
    """The clause of one task; empty where it is not ranked, unless it has one method alone."""
    scored = [score for score in scores if score.rank is not None]
    if not scored:
        return "no method has a value"
    if all(against_constant(score) == "not tested" for score in scored):
        return f"{scored[0].patients} patients, fewer than {MIN_PATIENTS} of a class, are too few to test"
    better = [score for score in scored if is_better(score)]
    if has_nothing_to_predict(scored[0]):
        return _nothing_to_predict(scored, better)
    site = _site_clause(confounded)
    if len(scored) == 1:
        return f"{_single(scored[0])}{site}"
    if not scored[0].task.ranked:
        return ""
    if not better:
        return _none_better(scored)
    return f"{_leaders([(score.method, score.rank or 1) for score in better], len(scored))}{site}"


def _none_better(scored: Sequence[Score]) -> str:
    worse = [score.method for score in scored if against_constant(score) == "worse"]
    if not worse:
        return f"none of {len(scored)} methods is separable from the baseline"
    verb = "is" if len(worse) == 1 else "are"
    named = f"{enumerate_names(worse)} {verb} worse than the baseline"
    return f"{named}, no other method is separable from it"


def _leaders(better: Sequence[tuple[str, int]], count: int) -> str:
    """Who has the best rank of those that are better than the baseline."""
    best = min(rank for _, rank in better)
    first = [name for name, rank in better if rank == best]
    behind = [name for name, rank in better if rank != best]
    if len(better) == 1:
        return f"{first[0]} alone of {count} methods is better than the baseline"
    start = f"{len(better)} of {count} methods are better than the baseline"
    if not behind:
        return f"{start} and share rank {best}"
    if len(first) == 1:
        return f"{start}, {first[0]} alone has rank {best}"
    if len(first) > MAX_NAMED:
        return f"{start}, {len(first)} of them share rank {best}, not {enumerate_names(behind)}"
    return f"{start}, {enumerate_names(first)} share rank {best}"


def _nothing_to_predict(scored: Sequence[Score], better: Sequence[Score]) -> str:
    ceiling = number(scored[0].ceiling, scored[0].metric.decimals).text
    start = f"there is nothing to predict (oracle {ceiling})"
    if not better:
        return f"{start}, and no method is separable from the baseline"
    return f"{start}, so chance or a leak sets {enumerate_names([score.method for score in better])} apart"


def _site_clause(confounded: Sequence[Score]) -> str:
    if not confounded:
        return ""
    first = max(confounded, key=lambda score: score.value)
    return f", largely explained by the site ({first.method} {_all_and_within(first)})"


def _all_and_within(score: Score) -> str:
    digits = score.metric.decimals
    return f"{score.value:.{digits}f} over all pairs, {score.within_site:.{digits}f} within sites"


def _single(score: Score) -> str:
    verdict = against_constant(score)
    if verdict in ("better", "worse"):
        return f"{score.method} is {verdict} than the baseline"
    patients = "" if score.patients == score.n else f" of {score.patients} patients"
    return f"{score.method} is not separable from the baseline on {score.n} cases{patients}"


def _inversion(above: Score, below: Score) -> str:
    digits, sign = above.metric.decimals, above.metric.sign
    one, other = (round(one.value, digits) for one in (above, below))
    if not sign * (other - one) > 0:
        return ""
    return (
        f"{task_title(above.task)}, {above.method} ({one:.{digits}f}) above {below.method} "
        f"({other:.{digits}f})"
    )
