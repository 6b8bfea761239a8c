"""The fold: who learns, who validates and who is tested by one fitted model."""

from dataclasses import dataclass

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Fold:
    """Case ids of one fold's three parts, each sorted and disjoint from the others, patients included.

    Parameters
    ----------
    index
        Position in the split, from 0.
    train, val, test
        Who is learned from, who stops the learning early and sets thresholds, who is scored.
    label
        What tells this fold from the others, such as the site left out.

    Examples
    --------
    >>> import bench
    >>> fold = bench.Fold(0, train=("a1", "b1"), val=("c1",), test=("d1",), label="site D")
    >>> fold.test
    ('d1',)
    """

    index: int
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    label: str = ""
