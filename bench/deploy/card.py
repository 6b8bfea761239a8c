"""The card of a bundle: what its models are for, what they learned from, how good they were, their limits."""

from collections.abc import Iterator

import numpy as np

from bench.deploy.bundle import Bundle, CardScore
from bench.task import Task

RESEARCH = "For research use only: not a medical device, and not for decisions on patients."
LIMITS = (
    "Exams of other centres, scanners, phases or lesion sizes than above: a prediction comes with a warning, "
    "and no number here says how good it is.",
    "The lesion must be outlined as in the cohort; the models do not find lesions.",
    "Nothing is known of groups of patients that the cohort does not tell apart.",
)


def model_card(bundle: Bundle) -> str:
    """The card as markdown, in the order of Mitchell et al. 2019 (Model Cards for Model Reporting)."""
    sections = (_head, _models, _data, _values, _decisions, _limits)
    return "\n\n".join("\n".join(section(bundle)) for section in sections) + "\n"


def _head(bundle: Bundle) -> Iterator[str]:
    yield from (f"# {bundle.label}", "", f"**{RESEARCH}**", "")
    if bundle.synthetic:
        yield "**Synthetic: fitted to and tested on phantoms; no number here is about patients.**"
        yield ""
    names = ", ".join(task.title or task.name for task in bundle.tasks)
    yield from ("## Intended use", "", f"Research on {names}, predicted from exams like those of training.")
    yield "Uses that this card gives no number for are not supported by it."


def _models(bundle: Bundle) -> Iterator[str]:
    yield from ("## Models", "")
    yield f"{len(bundle.models)} fitted models of `{bundle.method}` (`{bundle.target}`), one a seed and fold"
    yield f"of the split {bundle.split} ({bundle.split_title}). A prediction is their mean; models that"
    yield "learned from an exam do not count for it. Their spread is that between models, not an interval"
    yield from ("for the truth.", "", "| hyperparameter | value |", "|---|---|")
    yield from (f"| {name} | {value} |" for name, value in bundle.params.items())


def _data(bundle: Bundle) -> Iterator[str]:
    covered = bundle.coverage
    yield from ("## Data", "")
    yield f"{bundle.cohort_title} ({bundle.cohort}); {covered.cases} training and validation cases."
    yield f"Licence: {bundle.licence or 'not stated'}. Citation: {bundle.citation or 'not stated'}."
    yield from (f"Labels: {bundle.label_rule or 'no rule stated'}.", "")
    yield from ("| of the training cases | lowest | highest |", "|---|---:|---:|")
    yield from (f"| {name} | {low:.4g} | {high:.4g} |" for name, (low, high) in covered.bounds.items())
    yield from (f"| {name} | {', '.join(words)} | |" for name, words in covered.categories.items())


def _values(bundle: Bundle) -> Iterator[str]:
    yield from ("## Test values", "", bundle.estimand, "")
    yield from ("| task | metric | value | 95 % interval | cases |", "|---|---|---:|---:|---:|")
    yield from map(_score_line, bundle.scores)
    yield from ("", "They are of the fitted models one by one, on cases that these did not learn from; the")
    yield "mean over models was not tested."


def _score_line(score: CardScore) -> str:
    between = "-" if np.isnan(score.low) else f"{score.low:.3f} to {score.high:.3f}"
    value = "-" if np.isnan(score.value) else f"{score.value:.3f}"
    return f"| {score.task} | {score.metric} | {value} | {between} | {score.cases} |"


def _decisions(bundle: Bundle) -> Iterator[str]:
    yield from ("## Decisions", "")
    yield from (_decision_line(bundle, task) for task in bundle.tasks if task.kind == "binary")


def _decision_line(bundle: Bundle, task: Task) -> str:
    """Where the thresholds of a task come from."""
    named = task.title or task.name
    mine = [one for one in bundle.thresholds if one.task == task.name]
    chosen = [one for one in mine if not np.isnan(one.value)]
    if not chosen:
        return f"- {named}: no decision, {mine[0].reason if mine else 'no threshold was chosen'}."
    sources = " and ".join(sorted({one.source for one in chosen}))
    rules = " and ".join(sorted({one.rule for one in chosen}))
    return (
        f"- {named}: thresholds by {rules}, chosen on {sources} cases, one a model ({len(chosen)} of "
        f"{len(mine)}); a decision is that of most models."
    )


def _limits(bundle: Bundle) -> Iterator[str]:
    yield from ("## Limits", "", *(f"- {limit}" for limit in LIMITS))
