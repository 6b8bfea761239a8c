"""What is scored: the predictions of every method with the truth of the same cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from bench.errors import StoreError, unknown_name
from bench.metrics import Metric
from bench.predictions.thresholds import YOUDEN, Threshold
from bench.task import Task

# An effective number of patients is a ratio of sums: ten equal ones must be ten.
ROUNDING = 1e-9
IDENTIFIERS = ("group", "site", "patient_id")
COLUMNS = (
    *("cohort", "split", "method", "seed", "fold", *IDENTIFIERS, "case_id", "task", "truth", "prediction"),
)


@dataclass(frozen=True, eq=False)
class MethodResult:
    """What a run store holds of one method, or variant, on one cohort and split.

    Parameters
    ----------
    label
        Name of its row.
    predictions
        Test predictions of every seed, with the columns ``seed``, ``fold``, ``case_id``, ``task`` and
        ``prediction``; a case is tested once a seed.
    constants
        What the baseline predicts in each fold: fold to task to training prevalence or median.
    status
        ``ok``, or why there is no value, such as ``failed: out of memory``.
    fit_seconds
        Seconds of fitting, summed over folds and averaged over seeds; None where unknown.
    parameters
        Number of trained parameters; None where the method does not report it.
    records
        Of its finished cells, as the run store holds them.
    thresholds
        What makes predictions of binary tasks decisions, one a task, seed, fold and rule; with the reason
        where none could be chosen.
    seeds
        Training seeds that were planned; those of the predictions where left out.
    imputed
        Task to the number of scored cases with the baseline predictor's value instead of a missing one, see
        :func:`bench.predictions.missing.at_chance`; empty where nothing was imputed. ``status`` keeps the
        reason.
    made_on
        Fingerprints of the cohort and of the split that its cells were made on; not checked where left out.
    is_ensemble
        Whether its predictions are means over those of several seeds.
    """

    label: str
    predictions: pd.DataFrame = field(repr=False)
    constants: Mapping[int, Mapping[str, float]] = field(default_factory=dict, repr=False)
    status: str = "ok"
    fit_seconds: float | None = None
    parameters: int | None = None
    records: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    thresholds: Sequence[Threshold] = field(default=(), repr=False)
    seeds: tuple[int, ...] = ()
    imputed: Mapping[str, int] = field(default_factory=dict)
    made_on: tuple[str, str] | None = None
    is_ensemble: bool = False

    @property
    def can_be_scored(self) -> bool:
        """Whether its predictions are all there, by its own account or by imputation."""
        return self.status == "ok" or bool(self.imputed)


@dataclass(frozen=True, eq=False)
class Results:
    """Everything a board is computed from.

    Parameters
    ----------
    tasks
        As the cohort declares them.
    cohort, cohort_title, cohort_fingerprint, synthetic, licence
        Which cases.
    split, split_title, estimand, split_seed, split_fingerprint
        Which protocol; ``estimand`` is a sentence on what its numbers estimate.
    truth
        Indexed by case id, with ``patient_id``, ``site``, ``group`` and one column a task, NaN where unknown;
        it may hold more cases than were tested.
    methods
        Of which every one is named on the board, whatever its status.
    ceiling
        Predictions of a reader of the phantom's true parameters, with the columns ``case_id``, ``task`` and
        ``prediction``; None for real cohorts.
    versions
        Package versions to print, such as those that the cells recorded.
    hardware
        On which the methods were fitted, in words.
    metrics
        What ranks a task, where that is another metric than the one that the task declares.
    rule
        By which the thresholds of decisions were chosen, see :data:`bench.predictions.thresholds.RULES`.
    tested
        Fold of every case that the split tests; the predicted cases where left out.
    variance_factor
        By what variances are multiplied for the training cases that folds share, see
        :func:`bench.splits.shared_training.variance_factor`; 1 says that the numbers are about the fitted
        models.
    validation
        Predictions of the validation cases of every fold beside their truth, with the columns ``method``,
        ``seed``, ``fold``, ``case_id``, ``task``, ``prediction`` and ``truth``; None where not kept.
    audit
        What the quick checks of the audit found, in a sentence; empty where they were not asked.

    Examples
    --------
    >>> import bench
    >>> cohort = bench.open_cohort("phantom-tiny", quiet=True)
    >>> split = bench.make_split(cohort, "internal_cv")
    >>> results = bench.run(cohort, split, ["constant"], store="runs", quiet=True)
    >>> results.methods[0].status
    'ok'
    >>> list(results.predictions.columns[-4:])
    ['case_id', 'task', 'truth', 'prediction']
    """

    tasks: tuple[Task, ...]
    cohort: str
    cohort_title: str
    cohort_fingerprint: str
    synthetic: bool
    licence: str
    split: str
    split_title: str
    estimand: str
    split_seed: int
    split_fingerprint: str
    truth: pd.DataFrame = field(repr=False)
    methods: tuple[MethodResult, ...]
    ceiling: pd.DataFrame | None = field(default=None, repr=False)
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: str = ""
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    rule: str = YOUDEN
    tested: Mapping[str, int] = field(default_factory=dict, repr=False)
    variance_factor: float = 1.0
    validation: pd.DataFrame | None = field(default=None, repr=False)
    audit: str = ""

    @property
    def predictions(self) -> pd.DataFrame:
        """Test predictions beside their truth, one row per method, task, seed, fold and case.

        Columns: ``cohort``, ``split``, ``method``, ``seed``, ``fold``, ``group``, ``site``, ``patient_id``,
        ``case_id``, ``task``, ``truth`` (NaN where unknown) and ``prediction``.
        """
        tables = [
            method.predictions.assign(method=method.label)
            for method in self.methods
            if len(method.predictions)
        ]
        if not tables:
            return pd.DataFrame(columns=list(COLUMNS))
        table = pd.concat(tables, ignore_index=True).assign(cohort=self.cohort, split=self.split)
        joined = table.join(self.truth[list(IDENTIFIERS)], on="case_id")
        labels = self.truth[[task.name for task in self.tasks]].rename_axis("case_id").reset_index()
        truth = labels.melt("case_id", var_name="task", value_name="truth")
        return joined.merge(truth, on=["case_id", "task"], how="left")[list(COLUMNS)]

    @property
    def method_names(self) -> tuple[str, ...]:
        """What the methods behind the rows are called, as their records have it."""
        records = (method.records[0] for method in self.methods if method.records)
        return tuple(dict.fromkeys(str(record["identity"]["method"]) for record in records))


def of_methods(results: Results, labels: Sequence[str] | None) -> Results:
    """The results of these methods, of all where none is named; raises UsageError for an unknown one."""
    if labels is None:
        return results
    known = {method.label: method for method in results.methods}
    found = dict.fromkeys(label_of(results, name) for name in labels)
    return replace(results, methods=tuple(known[label] for label in found))


def label_of(results: Results, name: str) -> str:
    """The row that has the name, alone or with a mark; raises UsageError where there is none."""
    known = [method.label for method in results.methods]
    for label in (name, submitted_label(name), unisolated_label(name), combined_label(name)):
        if label in known:
            return label
    remedy = "See `bench leaderboard` for the methods of a store."
    raise unknown_name("method of this cohort and split", name, known, remedy)


def tested_folds(tables: Mapping[str, pd.DataFrame], results: Results) -> "pd.Series[Any]":
    """Fold of every tested case, indexed by case id; raises StoreError as :func:`sample_of` does."""
    pieces = [table[["case_id", "fold"]] for table in tables.values()]
    if results.tested:
        pieces.append(pd.DataFrame(list(results.tested.items()), columns=["case_id", "fold"]))
    if not pieces:
        return pd.Series([], index=pd.Index([], dtype=results.truth.index.dtype), dtype=int)
    agreed = _agreed(pieces)
    pairs = pd.concat(pieces).drop_duplicates() if agreed is None else agreed
    twice = pairs[pairs["case_id"].duplicated(keep=False)].sort_values(["case_id", "fold"])
    if len(twice):
        case_id = twice["case_id"].iloc[0]
        folds = ", ".join(map(str, twice.loc[twice["case_id"] == case_id, "fold"]))
        raise StoreError(
            f"case {case_id!r} is tested in the folds {folds}, expected one: the methods "
            f"{sorted(tables)} do not share the split {results.split!r}; score those of one split fingerprint"
        )
    unknown = pairs.loc[~pairs["case_id"].isin(results.truth.index), "case_id"]
    if len(unknown):
        raise StoreError(
            f"{len(unknown)} predicted cases, such as {unknown.iloc[0]!r}, are not in the cohort "
            f"{results.cohort!r}; run the methods again on the cohort as it is now"
        )
    return pairs.set_index("case_id")["fold"]


def _agreed(pieces: Sequence[pd.DataFrame]) -> pd.DataFrame | None:
    """The cases and folds of the last piece, where all others have some of them; None where one differs."""
    last = pieces[-1]
    first, ids, all_folds = last.drop_duplicates(), last["case_id"].array, last["fold"].to_numpy()
    index, folds = pd.Index(first["case_id"]), first["fold"].to_numpy()
    if not index.is_unique:
        return None
    for piece in pieces[:-1]:
        if ids.equals(piece["case_id"].array) and (all_folds == piece["fold"].to_numpy()).all():
            continue
        row = index.get_indexer(pd.Index(piece["case_id"]))
        if (row < 0).any() or (folds[row] != piece["fold"].to_numpy()).any():
            return None
    return first


def submitted_label(name: str) -> str:
    """The row of predictions that were submitted under a name."""
    return f"{name} (submitted)"


def combined_label(name: str) -> str:
    """The row that was combined of other rows under a name."""
    return f"{name} (combined)"


def unisolated_label(name: str) -> str:
    """The row of a method that ran in the process of the notebook or script that defines it."""
    return f"{name} (not isolated)"
