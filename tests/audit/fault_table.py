"""What is planted for every check, and five clean cohorts, for the table of bench/docs/audit.md."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bench.audit.audit import CHECKS, audit
from bench.audit.check import Verdict, verdict_of
from bench.audit.refit import Refit, parts_of
from bench.audit.subject import Subject
from bench.cohorts.cohort import Cohort
from bench.methods.method import MethodSpec
from bench.methods.search_space import Float, SearchBudget
from bench.splits.split import Split
from tests.audit.audited import cut, honest, results_of
from tests.audit.feature_tables import cohort_of, measured
from tests.audit.planted import FAULTS, recorded
from tests.audit.planted_deep import DEEP_FAULTS, marked

WORDS = {
    "BA001": "one patient id in training and test",
    "BA002": "`p1234` in training, `P01234 ` in test",
    "BA003": "`p1234_L` in training, `p1234 right` in test",
    "BA004": "the external patients have the id of an internal one",
    "BA005": "image and mask of one patient under another id",
    "BA006": "a covariate that is `luminal` where ER is positive",
    "BA007": "a covariate: ER with noise, AUC about 0.97",
    "BA008": "prevalence of ER 80 % at one site, 20 % at another",
    "BA009": "a covariate missing in 60 % of the positive, 5 % of the negative cases",
    "BA010": "one class of ER alone in the test part of a fold",
    "BA011": "60 % of the test cases of a fold relabelled as negative",
    "BA012": "predictions of ER turned round",
    "BA013": "the labels themselves as predictions, beside an oracle",
    "BA014": "probabilities of 0 and 1 alone",
    "BA015": "predictions turned round in one fold",
    "BA016": "predictions are the prevalence of the site",
    "BA017": "predictions raised by 0.15 at one site",
    "BA018": "ER is large or small, the method ranks volumes",
    "BA019": "predictions halved at one site",
    "BA020": "best hyperparameter at 0.99 of 0 to 1 in all folds",
    "BA021": "a tuned row of noise beside an informed default",
    "BA022": "tuned on the validation cases alone, without inner folds",
    "BA023": "a mirrored copy with 3 % noise as another patient",
    "BA024": "five rows of features twice",
    "BA025": "the 10 of 400 features with most association in all cases",
    "BA026": "features standardised site by site over all cases",
    "BA027": "a split by case of two cases a patient, a method that remembers",
    "BA028": "a method that ignores its covariates",
    "BA029": "a marker whose sign is another at one site",
    "BA030": "predictions are the square of the mask's voxels",
    "BA031": "predictions are the noise of the image",
    "BA032": "predictions are the left half minus the right",
    "BA033": "a feature that holds the site, prevalence of ER 15 to 85 % by it",
    "BA034": "two covariates that hold ER together and not alone",
    "BA035": "plausible range of 0.5 to 0.6 for a method at 0.76",
    "BA036": "a stated prevalence of 20 to 30 % where 75 % are positive",
}
CLEAN = 5


def planted(code: str, tiny: Cohort, folder: Path) -> Verdict:
    """What the check says of its own fault."""
    subject = FAULTS[code]() if code in FAULTS else DEEP_FAULTS[code](tiny, folder)
    return verdict_of(next(check for check in CHECKS if check.code == code), subject)


def clean(number: int, phantom: Cohort, folder: Path) -> Iterator[Subject]:
    """A clean cohort three times: with images, with covariates and tuned rows, with a table of features."""
    balanced = _with_rows(phantom, cut(phantom, "external_frozen"), "volumes")
    yield replace(balanced, stated={"er": (0.5, 0.5)})
    marked_cohort = marked(number)
    yield _with_rows(marked_cohort, cut(marked_cohort), "clinical")
    features = cohort_of(measured(number), folder)
    yield Subject(features, cut(features), results_of(features, cut(features), one=honest), deep=True)


def _with_rows(cohort: Cohort, split: Split, reads: str) -> Subject:
    """Deep, with a fitted method, an oracle, and a tuned row beside its defaults where cases allow it."""
    params = {"measured": reads == "volumes"}
    spec = MethodSpec("learner", "tests.audit.learners:Linear", "Made", needs=(reads,))
    own = _predictions(Refit("learner", spec, params), cohort, split)
    results = results_of(
        cohort,
        split,
        learner=lambda cases, task, rng: own[task.name][cases.index].to_numpy(),
        default=honest,
        tuned=honest,
        oracle=honest,
    )
    learner, default, tuned, oracle = results.methods
    budget = SearchBudget({"depth": Float(0.0, 1.0)}, trials=20, inner_folds=5)
    rows = (
        (default,) if reads == "volumes" else recorded(results, default, tuned, budget, lambda _: 0.5).methods
    )
    record = {"identity": {"method": "learner", "params": params, "seed": 0, "fold": 0}}
    methods = (replace(learner, records=(record,)), *rows)
    results = replace(results, methods=methods, ceiling=oracle.predictions)
    return Subject(cohort, split, results, deep=True, specs={"learner": spec}, plausible={"er": (0.4, 0.9)})


def _predictions(row: Refit, cohort: Cohort, split: Split) -> dict[str, "pd.Series[float]"]:
    """What the method predicts for the tested cases of every fold, by task."""
    found = [(fold, row.predicted(*parts_of(cohort, fold))) for fold in split.folds]
    return {
        task.name: pd.concat([pd.Series(said[task.name], index=fold.test) for fold, said in found])
        for task in cohort.tasks
    }


def of_clean(subjects: Iterator[Subject]) -> dict[str, tuple[bool, list[str]]]:
    """Whether a check applied to any of the subjects, and its evidence, by code."""
    found: dict[str, tuple[bool, list[str]]] = {}
    for subject in subjects:
        for one in audit(subject):
            applied, texts = found.get(one.check.code, (False, []))
            applied |= one.outcome != "not applicable"
            found[one.check.code] = (applied, [*texts, *(each.text for each in one.evidence)])
    return found


Row = tuple[str, str, str, str, str]


def rows(
    found: dict[str, bool], of_cohorts: list[dict[str, tuple[bool, list[str]]]], name: Callable[[str], str]
) -> list[Row]:
    """A line a code: code, fault, found, false alarms of the clean cohorts that it applied to, title."""
    lines = []
    for code, words in WORDS.items():
        applied = [texts for one in of_cohorts for applies, texts in [one[code]] if applies]
        alarms = f"{sum(bool(texts) for texts in applied)} of {len(applied)}"
        lines.append((f"`{code}`", words, "yes" if found[code] else "no", alarms, name(code)))
    return lines
