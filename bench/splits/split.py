"""A split: the folds of one cohort, and their form in JSON."""

import hashlib
import json
from dataclasses import asdict, dataclass

from bench.splits.fold import Fold


@dataclass(frozen=True)
class Split:
    """A protocol applied to one cohort: the folds, and what they estimate.

    Parameters
    ----------
    name, title, estimand, seed, validation_share
        As in the :class:`SplitConfig` that it was made from.
    folds
        In order.
    fingerprint
        SHA-256 of ``protocol``, ``seed`` and the folds' case ids, in hex; wording does not change it.
    protocol
        :attr:`SplitConfig.statement`.

    Examples
    --------
    >>> import bench
    >>> cohort = bench.open_cohort("phantom-tiny", quiet=True)
    >>> split = bench.make_split(cohort, "internal_cv")
    >>> first = split.folds[0]
    >>> sorted({*first.train} & {*first.test})  # no case is learnt from and tested
    []
    """

    name: str
    title: str
    estimand: str
    seed: int
    validation_share: float
    folds: tuple[Fold, ...]
    fingerprint: str
    protocol: str

    @property
    def learns(self) -> bool:
        """Whether there are cases to fit a method on."""
        return any(fold.train for fold in self.folds)


def split_to_json(split: Split) -> str:
    """The whole split as JSON text."""
    return json.dumps(asdict(split), ensure_ascii=False, indent=1)


def split_fingerprint(protocol: str, seed: int, folds: tuple[Fold, ...]) -> str:
    """SHA-256, in hex, of the protocol, the seed and the cases of every part of every fold."""
    cases = [[fold.train, fold.val, fold.test] for fold in folds]
    return hashlib.sha256(json.dumps([protocol, seed, cases]).encode()).hexdigest()
