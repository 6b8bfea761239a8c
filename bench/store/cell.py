"""The cell: method x split x fold x seed, the unit that runs, fails and resumes."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.cohorts.cohort import Cohort
from bench.imaging import PREPROCESSING_VERSION
from bench.methods.variant import Variant
from bench.splits.split import Split


@dataclass(frozen=True)
class Cell:
    """One fit and one prediction of one method.

    ``identity`` holds all that determines the predictions (on equal threads, device and library versions);
    ``id`` is its hash.
    """

    cohort: str
    split: str
    method: str
    fold: int
    seed: int
    identity: Mapping[str, Any]
    id: str


def cells_of(cohort: Cohort, split: Split, variants: Iterable[Variant], seeds: Iterable[int]) -> list[Cell]:
    """Every cell of a run, in the order method, seed, fold."""
    wanted = list(seeds)
    return [
        _cell(cohort, split, variant, fold.index, seed)
        for variant in variants
        for seed in wanted
        for fold in split.folds
    ]


def _cell(cohort: Cohort, split: Split, variant: Variant, fold: int, seed: int) -> Cell:
    identity = {
        "cohort": cohort.fingerprint,
        "split": split.fingerprint,
        "preprocessing": PREPROCESSING_VERSION,
        "method": variant.spec.name,
        "params": variant.params,
        "code": variant.code,
        "fold": fold,
        "seed": seed,
        # An untuned cell has no such key, so cells of earlier versions keep their ids.
        **({"tuning": variant.tuning.as_json()} if variant.tuning else {}),
        **variant.parts,
    }
    text = json.dumps(identity, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Cell(cohort.name, split.name, variant.label, fold, seed, json.loads(text), digest)
