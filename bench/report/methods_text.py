"""The methods section of a paper, as far as a run bears it: in markdown or LaTeX, with its references."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain

import numpy as np

from bench.inference import ALPHA, MIN_PATIENTS, Bootstrap
from bench.predictions.results import MethodResult, Results
from bench.predictions.thresholds import MIN_POSITIVES, RULE_TITLES
from bench.report.columns import task_title
from bench.report.findings import enumerate_names
from bench.report.formats.latex import escape_latex
from bench.report.notes import FINGERPRINT_DIGITS
from bench.scoring.sample import metric_of
from bench.splits.split import Split
from bench.task import Task

# How a sentence cites: [@key]; several as [@one; @other].
_CITED = re.compile(r"\[@([^\]]+)\]")
SEALED = (
    " Validation cases serve early stopping and thresholds alone; no method was handed a label of a test "
    "case, or an image of one before it was fitted."
)
AUTHORS = (
    "how patients were recruited, and which were left out before the cohort was made",
    "scanners, sequences and contrast agent, where the cohort does not hold them",
    "who outlined the lesions, blinded to what, and how well they agree",
    "how the reference standard was made, and who made it",
    "ethics approval and consent",
)


@dataclass(frozen=True)
class Section:
    """A heading and paragraphs, with citations as ``[@key]``."""

    title: str
    paragraphs: tuple[str, ...]


def methods_sections(
    results: Results, split: Split, summaries: Mapping[str, str], bootstrap: Bootstrap = Bootstrap()
) -> tuple[Section, ...]:
    """What a run says of cases, protocol, methods, tuning, statistics and software.

    No sentence says more than cohort, split and records do; what only authors can know is listed last.

    Parameters
    ----------
    split
        The one that the results are of.
    summaries
        Method to the line that describes it.
    """
    tuned = _tuned(results.methods)
    sections = [
        Section("Cases", tuple(_cases(results))),
        Section("Protocol", tuple(_protocol(results, split))),
        Section("Methods compared", tuple(_methods(results.methods, summaries))),
        *([Section("Tuning", tuple(tuned))] if tuned else []),
        Section("Statistics", tuple(_statistics(results, bootstrap))),
        Section("Software", tuple(_software(results))),
        Section("For the authors to state", (f"{'; '.join(AUTHORS)}.",)),
    ]
    return tuple(sections)


def to_markdown(sections: Sequence[Section]) -> str:
    """The sections as markdown with citations as pandoc reads them."""
    blocks = chain.from_iterable((f"## {one.title}", *one.paragraphs) for one in sections)
    return "\n\n".join(blocks) + "\n"


def to_latex(sections: Sequence[Section]) -> str:
    r"""The sections as LaTeX with ``\cite``."""
    blocks = [
        f"\\subsection{{{escape_latex(one.title)}}}\n" + "\n\n".join(map(_latex, one.paragraphs))
        for one in sections
    ]
    return "\n\n".join(blocks) + "\n"


def to_bibtex(sections: Sequence[Section]) -> str:
    """The entries that the sections cite."""
    entries = _entries()
    return "\n\n".join(entries[key] for key in cited(sections)) + "\n"


def cited(sections: Iterable[Section]) -> list[str]:
    """Keys of what is cited, each once, in order."""
    texts = (paragraph for one in sections for paragraph in one.paragraphs)
    keys = (key for text in texts for found in _CITED.findall(text) for key in _keys(found))
    return list(dict.fromkeys(keys))


def _keys(found: str) -> list[str]:
    return [key.strip().removeprefix("@") for key in found.split(";")]


def _entries() -> dict[str, str]:
    text = (files("bench.report") / "references.bib").read_text(encoding="utf-8")
    return {match[1]: match[0].strip() for match in re.finditer(r"@\w+\{([^,]+),.*?\n\}", text, re.DOTALL)}


def _latex(paragraph: str) -> str:
    """The paragraph with its citations, each behind an unbreakable blank."""
    *before, last = _CITED.split(paragraph)
    pairs = zip(before[::2], before[1::2], strict=True)
    cited_parts = (f"{escape_latex(text.rstrip())}~\\cite{{{','.join(_keys(keys))}}}" for text, keys in pairs)
    return "".join(cited_parts) + escape_latex(last)


def _cases(results: Results) -> Iterable[str]:
    truth = results.truth.loc[list(results.tested) or results.truth.index]
    kind = "synthetic phantoms" if results.synthetic else "cases"
    licence = f" (licence {results.licence})" if results.licence else ""
    sites = counted_as(truth["site"].nunique(), "site")
    yield (
        f"{len(truth)} {kind} of {truth['patient_id'].nunique()} patients from {sites} were tested: "
        f"{results.cohort_title or results.cohort}{licence}. "
        + " ".join(f"{_labels(task, truth[task.name].to_numpy(float))}." for task in results.tasks)
    )
    if results.synthetic:
        yield "The cases are synthetic: nothing that follows is about patients."


def counted_as(number: int, what: str) -> str:
    """``1 site``, ``2 sites``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _labels(task: Task, labels: np.ndarray) -> str:
    known = labels[~np.isnan(labels)]
    named = f"{task_title(task)} was known in {len(known)}"
    if not len(known):
        return named
    if task.kind == "binary":
        return f"{named} ({int(known.sum())} positive, {100 * known.mean():.0f} %)"
    low, middle, high = np.percentile(known, (25, 50, 75))
    unit = f" {task.unit}" if task.unit else ""
    return f"{named} (median {middle:.3g}, quartiles {low:.3g} and {high:.3g}{unit})"


def _protocol(results: Results, split: Split) -> Iterable[str]:
    parts = (("train", "to learn from"), ("val", "to validate"), ("test", "to test"))
    sizes = [f"{_range([len(getattr(fold, part)) for fold in split.folds])} {what}" for part, what in parts]
    folds = counted_as(len(split.folds), "fold")
    yield (
        f"{split.title} ({folds}; cases: {', '.join(sizes)} in each; no patient in two parts of a fold; "
        f"split seed {split.seed}). {split.estimand}{SEALED if _is_sealed(results) else ''}"
    )
    binary = [task_title(task) for task in results.tasks if task.kind == "binary"]
    if binary:
        yield (
            f"Decisions on {enumerate_names(binary)} use a threshold of each fold and seed by the rule "
            f"{results.rule}, {RULE_TITLES[results.rule]} [@youden1950], chosen on the validation cases "
            f"of the fold or, with fewer than {MIN_POSITIVES} positives there, on inner cross-validated "
            "predictions of its training cases."
        )


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def _is_sealed(results: Results) -> bool:
    """Whether every record says that a fence held its method."""
    records = [record for method in results.methods for record in method.records]
    return bool(records) and all(record.get("sealed") in ("kernel", "python") for record in records)


def _methods(methods: Sequence[MethodResult], summaries: Mapping[str, str]) -> Iterable[str]:
    for method in methods:
        if method.status != "ok":
            yield f"{method.label}: no result ({method.status})."
            continue
        name = str(method.records[0]["identity"]["method"]) if method.records else method.label
        about = _made_elsewhere(method) or summaries.get(name, "not described")
        count = f"; {method.parameters:,} trained parameters" if method.parameters else ""
        seeds = f"seed{'' if len(method.seeds) == 1 else 's'} {', '.join(map(str, method.seeds))}"
        yield f"{method.label}: {about.rstrip('.')}{count}; training {seeds}."


def _made_elsewhere(method: MethodResult) -> str:
    """What a row is whose predictions no method made here; empty for all others."""
    if any(record.get("submitted") for record in method.records):
        return "submitted predictions"
    told = next((record["combined"] for record in method.records if "combined" in record), None)
    return f"{told['kind']} of {enumerate_names(told['members'])}" if told else ""


def _tuned(methods: Sequence[MethodResult]) -> list[str]:
    searched = [method for method in methods if any(record.get("tuning") for record in method.records)]
    if not searched:
        return []
    return [
        f"Hyperparameters of {enumerate_names([method.label for method in searched])} were searched "
        "inside each fold, on cases that it learns from alone [@optuna]; the budget is in the name of "
        "the row. All others are as the row's name says, or the method's defaults."
    ]


def _statistics(results: Results, bootstrap: Bootstrap) -> Iterable[str]:
    metrics = sorted({metric_of(results, task).title for task in results.tasks if task.ranked})
    yield (
        f"Methods are ranked by {enumerate_names(metrics) if metrics else 'no metric'}. Patients, not "
        "images, are the unit of intervals and tests. The AUC counts pairs of cases of the same fold; "
        "the 95 % interval of it is DeLong's, clustered by patient, on the logit scale [@delong1988; "
        "@obuchowski1997]. Other intervals come from bootstrap resamples of patients, the same for all "
        f"methods ({bootstrap.draws:,}; seed {bootstrap.seed})."
    )
    yield (
        "Differences between methods are paired, and their p are corrected for all pairs of methods of a "
        "task and the baseline by step-down max-T over the joint bootstrap [@westfall1993], at a "
        f"family-wise error of {100 * ALPHA:.0f} %. With fewer than {MIN_PATIENTS} patients, or that many "
        "in a class, no interval is given and nothing is tested. The baseline predicts prevalence or "
        "median of the training cases."
    )
    if results.variance_factor > 1:
        yield (
            "As folds share training cases, variances of differences are multiplied by "
            f"{results.variance_factor:.3g} [@nadeau2003]."
        )


def _software(results: Results) -> Iterable[str]:
    known = _entries()
    named = [
        f"{name} {version}{f' [@{name}]' if name in known else ''}"
        for name, version in results.versions.items()
    ]
    hardware = f", on {results.hardware}" if results.hardware else ""
    yield f"{enumerate_names(named) if named else 'No versions were recorded'}{hardware}."
    yield (
        f"Fingerprints (SHA-256, beginnings): cohort {results.cohort_fingerprint[:FINGERPRINT_DIGITS]}, "
        f"split {results.split_fingerprint[:FINGERPRINT_DIGITS]}."
    )
