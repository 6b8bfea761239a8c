"""From a run store to a bundle: the models of the last version of a method on a split."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.deploy.bundle import Bundle, CardScore, Model, checksum_of
from bench.deploy.coverage import coverage_of
from bench.deploy.embedding import Embedding, embedding_of, kept_embedding
from bench.deploy.facts import DIGEST, exam_facts
from bench.deploy.predict import model_loader
from bench.errors import PluginError, UsageError, unknown_name
from bench.inference import Bootstrap
from bench.methods.registry import Registry
from bench.predictions.results import Results, of_methods
from bench.progress import progress_bar
from bench.scoring.scores import score_results
from bench.splits.split import Split
from bench.store.collect import latest_cells, results_of_store
from bench.store.record import CellRecord
from bench.store.store import MODEL, OK, Store


def bundle_of_store(
    cohort: Cohort,
    split: Split,
    store: Store,
    label: str,
    registry: Registry,
    bootstrap: Bootstrap = Bootstrap(),
    quiet: bool = False,
) -> Bundle:
    """The models of a row of the store with what their predictions need; nothing is fitted or copied.

    Parameters
    ----------
    label
        Name of the row.
    registry
        Where its method is found, to be asked for embeddings.
    bootstrap
        Of the intervals on the card.

    Raises
    ------
    UsageError
        The store has no such row, a cell of it did not complete, or the method keeps no models.
    """
    found = kept_models(cohort, split, store, label)
    results = of_methods(results_of_store(cohort, split, store), [label])
    (method,) = results.methods
    if method.status != OK:
        raise UsageError(f"{label}: {method.status}; run it until every cell has completed")
    record = found[0][0]
    learning = sorted({case_id for fold in split.folds for case_id in (*fold.train, *fold.val)})
    with progress_bar(f"measuring {len(learning)} training cases", quiet) as advance:
        facts = exam_facts(cohort.take(learning), advance)
    return Bundle(
        method=str(record.identity["method"]),
        label=label,
        target=record.target or "",
        params=dict(record.identity["params"]),
        code=str(record.identity["code"]),
        cohort=cohort.name,
        cohort_title=results.cohort_title,
        synthetic=cohort.synthetic,
        licence=cohort.licence,
        citation=cohort.citation,
        label_rule=cohort.label_rule,
        split=split.name,
        split_title=split.title,
        estimand=split.estimand,
        tasks=cohort.tasks,
        roles={name: role for name, role in cohort.roles.items() if role != "ignore"},
        models=tuple(_model(one, folder, split, facts[DIGEST]) for one, folder in found),
        thresholds=tuple(method.thresholds),
        coverage=coverage_of(facts),
        scores=_scores(results, bootstrap),
        versions=results.versions,
        embeddings=_embeddings(cohort, split, label, registry, found, quiet),
    )


def _embeddings(
    cohort: Cohort,
    split: Split,
    label: str,
    registry: Registry,
    found: Sequence[tuple[CellRecord, Path]],
    quiet: bool,
) -> dict[str, Embedding]:
    """Where the training cases lie in each model's own embedding; none of a method without one.

    Nor of models that this code cannot read: what is predicted with them is refused with the reason.
    """
    record = found[0][0]
    packages = (record.environment or {}).get("packages", {})
    code, params = str(record.identity["code"]), record.identity["params"]
    try:
        spec = registry.spec(str(record.identity["method"]))
        load = model_loader(spec, label, params, code, packages, cohort)
    except (PluginError, UsageError):
        return {}
    measured: dict[str, Embedding] = {}
    with progress_bar("embeddings of training cases", quiet) as advance:
        for done, (one, folder) in enumerate(found, 1):
            fold = split.folds[one.fold]
            make = partial(embedding_of, load, folder, cohort, fold)
            embedding = kept_embedding(checksum_of(folder), cohort, fold, make)
            if embedding is None:
                break
            measured[Model(one.seed, one.fold, folder, frozenset()).name] = embedding
            advance(done, len(found))
    return measured


def kept_models(cohort: Cohort, split: Split, store: Store, label: str) -> list[tuple[CellRecord, Path]]:
    """The completed cells of a row's last version, each with the folder of its fitted model.

    Raises
    ------
    UsageError
        The store has no such row, no cell of it completed, or the method keeps no models.
    """
    cells, _ = latest_cells(cohort, split, store)
    if label not in cells:
        raise unknown_name("row", label, cells, "See `bench leaderboard` for what the store holds.")
    found = [(cell.record, cell.folder / MODEL) for cell in cells[label] if cell.record.status == OK]
    if not found:
        raise UsageError(f"{label}: no cell completed; see `bench status`, and run it again")
    _require_models(label, found)
    return found


def _require_models(label: str, found: Sequence[tuple[CellRecord, Path]]) -> None:
    if any(record.submitted for record, _ in found):
        raise UsageError(f"{label} was submitted: its models are elsewhere")
    if any(record.combined for record, _ in found):
        raise UsageError(f"{label} was combined from other rows: bundle a member of it")
    if any(record.isolation for record, _ in found):
        raise UsageError(f"{label} was defined in a notebook; put it into a plugin file, and run it again")
    if not all(folder.is_dir() and any(folder.iterdir()) for _, folder in found):
        raise UsageError(f"{label} keeps no models: a method does with save and load, see the plugin guide")


def _model(record: CellRecord, folder: Path, split: Split, digests: "pd.Series[str]") -> Model:
    fold = split.folds[record.fold]
    learned = frozenset(digests[case_id] for case_id in (*fold.train, *fold.val)) - {""}
    return Model(record.seed, record.fold, folder, learned, checksum_of(folder))


def _scores(results: Results, bootstrap: Bootstrap) -> tuple[CardScore, ...]:
    return tuple(
        CardScore(
            score.task.name, score.metric.name, score.value, score.interval.low, score.interval.high, score.n
        )
        for score in score_results(results, bootstrap)
    )
