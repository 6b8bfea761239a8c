"""The cell: method x split x fold x seed, the unit that runs, fails and resumes."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.cohorts.cohort import Cohort
from bench.fingerprint import code_fingerprint
from bench.imaging import PREPROCESSING_VERSION
from bench.method import MethodSpec
from bench.registry import parameters
from bench.search import Tuning
from bench.split import Split

# Characters of a value that a row's name shows.
LONGEST = 60


@dataclass(frozen=True)
class Choice:
    """A method as chosen for a run: its spec, every hyperparameter, and the name of its row.

    With ``tuning``, ``params`` are those that are tried first.
    """

    spec: MethodSpec
    params: Mapping[str, Any]
    code: str
    label: str
    tuning: Tuning | None = None


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


def choose(spec: MethodSpec, overrides: Mapping[str, Any], tuning: Tuning | None = None) -> Choice:
    """Fix a method's hyperparameters; its label names those that differ from the spec's, and the budget."""
    params = parameters(spec, overrides)
    standard = parameters(spec)
    changed = {name: value for name, value in params.items() if value != standard[name]}
    mark = tuning.mark if tuning else {}
    return Choice(spec, params, code_fingerprint(spec), row_label(spec.name, changed | mark), tuning)


def row_label(method: str, changed: Mapping[str, Any]) -> str:
    """``method`` or ``method[key=value,...]``."""
    if not changed:
        return method
    return f"{method}[{','.join(f'{name}={_short(value)}' for name, value in sorted(changed.items()))}]"


def plan(cohort: Cohort, split: Split, choices: Iterable[Choice], seeds: Iterable[int]) -> list[Cell]:
    """Every cell of a run, in the order method, seed, fold."""
    wanted = list(seeds)
    return [
        _cell(cohort, split, choice, fold.index, seed)
        for choice in choices
        for seed in wanted
        for fold in split.folds
    ]


def _cell(cohort: Cohort, split: Split, choice: Choice, fold: int, seed: int) -> Cell:
    identity = {
        "cohort": cohort.fingerprint,
        "split": split.fingerprint,
        "preprocessing": PREPROCESSING_VERSION,
        "method": choice.spec.name,
        "params": choice.params,
        "code": choice.code,
        "fold": fold,
        "seed": seed,
        # An untuned cell has no such key, so cells of earlier versions keep their ids.
        **({"tuning": choice.tuning.as_json()} if choice.tuning else {}),
    }
    text = json.dumps(identity, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Cell(cohort.name, split.name, choice.label, fold, seed, json.loads(text), digest)


def _short(value: Any) -> str:
    """A value in a row's name; a long text, such as the content of a file, by its hash."""
    text = "+".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= LONGEST else hashlib.sha256(text.encode()).hexdigest()[:8]
