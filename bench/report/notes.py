"""What a reader must know to use a board: the sentences under it."""

import math
from collections.abc import Sequence
from typing import Any

from bench import __version__
from bench.comparison import Comparison
from bench.inference import ALPHA, FEWEST_PATIENTS, LEVEL
from bench.intervals import TITLES
from bench.report.cells import SHORT_UNITS, imputed_status, task_title
from bench.report.findings import enumerate_names, order_notes, unclear_notes
from bench.scores import LEAST_GAP, Results, Score
from bench.thresholds import FEWEST_POSITIVES, RULE_TITLES

FINGERPRINT_DIGITS = 12

DIFFERENCES = (
    "Constant: a predictor that knows the training prevalence or median only. Better than constant by: the "
    "paired difference from it on the same cases, positive where the method is better. Words follow the p of "
    "that difference, corrected for all pairs of methods of the task and the constant predictor, not its "
    "interval."
)
RECOVERED = (
    "Ceiling: a reader of the phantom's true parameters on the same cases. Recoverable: share of "
    "the way from constant to ceiling, with a paired interval; not given where that way is under "
    f"{100 * LEAST_GAP:.0f} % of the way to a perfect prediction (.05 of an AUC), or not clear of 0."
)
RANKED = (
    "Rank: 1 + the number of methods significantly better (step-down max-T over all pairs of a task, "
    f"family-wise error {100 * ALPHA:.0f} %), so methods that the cases cannot separate share a rank; "
    "in brackets: of a method that is not shown to be better than the constant predictor. "
    f"With fewer than {FEWEST_PATIENTS} patients, or {FEWEST_PATIENTS} in a class, nothing is judged."
)
RANK_SETS = (
    f"95 % beside the rank: ranks that hold the true ranks of all methods together with {100 * LEVEL:.0f} % "
    "(Mogstad et al. 2024)."
)
BEST_IN = (
    "Best in %: share of the resamples of patients in which the method has the best value, which is no "
    "probability of being best."
)
POOLING = (
    "Pooled AUC: over all pairs of cases, also of different folds, whose scores are of different models."
)
WITHIN_SITE = "Within-site AUC: over pairs of cases of the same fold and the same site."
SEEDING = "Seeds: number of training seeds, and the standard deviation of the metric between them."
ONE_SEED = "One training seed: what another seed would change is not in the intervals."
NO_INTERVAL_NOTE = (
    f"[-]: no interval, for want of patients ({FEWEST_PATIENTS}, or {FEWEST_PATIENTS} in a class) or of a "
    "spread between them."
)
TRAINED = "Parameters: number of trained parameters, in the first fold."
ARROWS = {True: "↑: larger is better.", False: "↓: smaller is better."}


def column_notes(results: Results) -> dict[str, str]:
    """The sentences that explain a column, by its name."""
    return {
        "rank": RANKED,
        "rank_set": RANK_SETS,
        "best_share": BEST_IN,
        "constant": DIFFERENCES,
        "gain": DIFFERENCES,
        "ceiling": RECOVERED,
        "share": RECOVERED,
        "pooled": POOLING,
        "within_site": WITHIN_SITE,
        "seeds": SEEDING,
        "fit_seconds": _time_note(results),
        "parameters": TRAINED,
    }


def brief_notes(results: Results, scores: Sequence[Score]) -> tuple[str, ...]:
    """The sentences for a terminal: what the cases are, what the split estimates, how to read the columns."""
    units = {score.metric.unit(score.task.unit) for score in scores}
    ceiling = any(not math.isnan(score.ceiling) for score in scores)
    return (
        _cohort_sentence(results),
        f"{results.split}: {results.estimand}",
        DIFFERENCES,
        *([RECOVERED] if ceiling else []),
        *(f"{SHORT_UNITS[unit]}: {unit}." for unit in SHORT_UNITS if unit in units),
        *gap_notes(scores),
        *order_notes(scores),
        *unclear_notes(scores),
        *_missing_notes(scores),
    )


def gap_notes(scores: Sequence[Score]) -> list[str]:
    """Why a value has no interval, where one has none."""
    return [NO_INTERVAL_NOTE] if any(its.rank and math.isnan(its.interval.low) for its in scores) else []


def file_notes(
    results: Results, scores: Sequence[Score], draws: int, seed: int, ranked: bool
) -> tuple[str, ...]:
    """The sentences for a file: all that a paper's table needs under it."""
    return (
        f"{_cohort_sentence(results)} Fingerprint {results.cohort_fingerprint[:FINGERPRINT_DIGITS]}.",
        f"Split `{results.split}` ({results.split_title}): {results.estimand} "
        f"Split seed {results.split_seed}, fingerprint {results.split_fingerprint[:FINGERPRINT_DIGITS]}.",
        f"Cases: {_case_counts(scores)}.",
        _interval_note(draws, seed),
        *metric_notes(results, scores),
        *_interval_kinds(scores),
        " ".join(ARROWS[up] for up in ARROWS if up in {score.metric.higher_is_better for score in scores}),
        *([RANKED, RANK_SETS, BEST_IN] if ranked else []),
        *brief_notes(results, scores)[2:],
        *_file_column_notes(results, scores, ranked),
        *_compute_notes(results),
        f"Made with {_versions(results)}.",
    )


def facts(results: Results, draws: int, seed: int) -> dict[str, Any]:
    """What all rows have in common, for JSON."""
    return {
        "cohort": {
            "name": results.cohort,
            "title": results.cohort_title,
            "fingerprint": results.cohort_fingerprint,
            "synthetic": results.synthetic,
            "licence": results.licence,
        },
        "split": {
            "name": results.split,
            "title": results.split_title,
            "estimand": results.estimand,
            "seed": results.split_seed,
            "fingerprint": results.split_fingerprint,
        },
        "statistics": {"level": 1 - ALPHA, "bootstrap_draws": draws, "bootstrap_seed": seed},
        "versions": dict(results.versions) or {"dcebench": __version__},
    }


def _cohort_sentence(results: Results) -> str:
    named = f"{results.cohort_title or results.cohort} (`{results.cohort}`)"
    if results.synthetic:
        return f"SYNTHETIC cohort: {named} is made by a generator, no number here is about real patients."
    licence = f", licence {results.licence}" if results.licence else ""
    return f"Real patients: {named}{licence}."


def _case_counts(scores: Sequence[Score]) -> str:
    firsts = {score.task.name: score for score in reversed(scores)}
    texts = []
    for score in reversed(list(firsts.values())):
        share = "" if not score.positives else f", {100 * score.positives / score.n:.0f} % positive"
        texts.append(f"{task_title(score.task)} {score.n}{share}")
    return "; ".join(texts)


def _interval_note(draws: int, seed: int) -> str:
    return (
        "AUC counts pairs of cases of the same fold, weighted by pairs; its 95 % interval is DeLong's by "
        "patient on the logit scale. MAE: bootstrap-t interval; recoverable share: percentiles; of "
        f"{draws} bootstrap resamples of patients, the same for all methods (seed {seed}). With several "
        "seeds a metric is their mean."
    )


def _file_column_notes(results: Results, scores: Sequence[Score], ranked: bool) -> tuple[str, ...]:
    """What is said of the columns that a terminal leaves out, where they say something."""
    said = {
        POOLING: any(not math.isnan(score.pooled) for score in scores),
        WITHIN_SITE: any(not math.isnan(score.within_site) for score in scores),
        SEEDING: any(score.rank is not None for score in scores),
        ONE_SEED: any(score.seeds == 1 for score in scores),
        _time_note(results): ranked and any(score.fit_seconds is not None for score in scores),
        TRAINED: ranked and any(score.parameters is not None for score in scores),
    }
    return tuple(note for note, needed in said.items() if needed)


def _time_note(results: Results) -> str:
    hardware = f", on {results.hardware}" if results.hardware else ""
    return (
        f"Fit s: seconds of fitting, summed over folds and averaged over seeds{hardware}. What a cache "
        "keeps, such as crops and radiomics features, counts for the method that needed it first."
    )


def metric_notes(results: Results, scores: Sequence[Score | Comparison]) -> list[str]:
    """What the metrics are, but for AUC and MAE, which are said elsewhere; and where decisions come from."""
    shown = {score.metric.name: score.metric for score in scores}
    named = [f"{its.title}: {its.summary}." for name, its in shown.items() if name not in ("auc", "mae")]
    if any(its.takes == "decision" for its in shown.values()):
        named.append(
            "Decisions: a case is called positive where its prediction is at least the threshold of its fold "
            f"and seed, rule `{results.rule}`: {RULE_TITLES[results.rule]}. It is chosen on the validation "
            f"cases of the fold, with fewer than {FEWEST_POSITIVES} positives on inner cross-validated "
            "predictions of its training cases, never on tested ones. The constant predictor calls every "
            "case positive."
        )
    return named


def _interval_kinds(scores: Sequence[Score]) -> list[str]:
    """Which interval each metric has, but for AUC and MAE; nothing where there is no other metric."""
    whose: dict[str, dict[str, None]] = {}
    for its in (score.metric for score in scores if score.metric.name not in ("auc", "mae")):
        whose.setdefault(TITLES[its.interval], {})[its.title] = None
    named = "; ".join(f"{enumerate_names(list(titles))}: {kind}" for kind, titles in whose.items())
    return [f"95 % intervals: {named}."] if named else []


def _missing_notes(scores: Sequence[Score]) -> list[str]:
    """Which methods have values that are in part the constant predictor's, and why."""
    imputed = {its.method: f"{its.method}: {imputed_status(its)}." for its in scores if its.imputed}
    if not imputed:
        return []
    meaning = "Imputed at chance: what a cell did not predict is the constant predictor's value of its fold."
    return [meaning, *imputed.values()]


def _versions(results: Results) -> str:
    versions = results.versions or {"dcebench": __version__}
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _compute_notes(results: Results) -> list[str]:
    """How long the cells took in all; nothing where no record says."""
    records = [record for method in results.methods for record in method.records if "fit_seconds" in record]
    seconds = sum(record["fit_seconds"] + record["predict_seconds"] for record in records)
    return [f"All {len(records)} cells took {seconds / 60:.0f} min to fit and predict."] if records else []
