"""A figure of a benchmark: ours beside a peer's, with the limit that it must keep."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

# Names the file that `python -m tests.benchmarks` has a script write its figures to.
FIGURES = "BENCH_FIGURES"


@dataclass(frozen=True)
class Figure:
    """What a script measured.

    Parameters
    ----------
    name, unit
        What is measured, and in what.
    ours, peer
        Value of this benchmark, and of the same done in another way; None where there is no peer.
    than
        What the peer is.
    limit
        What ``ours / peer`` may be at most, or ``ours`` where there is no peer; None where nothing is asked.
    at_least
        Whether the limit is a least value.
    """

    name: str
    unit: str
    ours: float
    peer: float | None = None
    than: str = ""
    limit: float | None = None
    at_least: bool = False

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's."""
        return None if not self.peer else self.ours / self.peer

    @property
    def is_kept(self) -> bool:
        """Whether the limit is kept; so it is where there is none."""
        value = self.ours if self.peer is None else self.ratio
        if self.limit is None or value is None:
            return True
        return value >= self.limit if self.at_least else value <= self.limit

    @property
    def cells(self) -> tuple[str, ...]:
        """Name, ours, peer, ratio, limit and verdict, as a table has them."""
        sign = "" if self.limit is None else ">= " if self.at_least else "<= "
        of = "" if self.limit is None or self.peer is None else " x"
        return (
            self.name,
            f"{self.ours:.3g} {self.unit}",
            "-" if self.peer is None else f"{self.peer:.3g} {self.unit} ({self.than})",
            "-" if self.ratio is None else f"{self.ratio:.2f}",
            "-" if self.limit is None else f"{sign}{self.limit:g}{of}",
            "kept" if self.is_kept else "MISSED",
        )


def tell(*figures: Figure) -> None:
    """Add figures to the file that ``$BENCH_FIGURES`` names; nothing where it names none."""
    place = os.environ.get(FIGURES)
    if place:
        with Path(place).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(figure)) + "\n" for figure in figures)


def read(place: Path) -> list[Figure]:
    """The figures of a file, in their order."""
    if not place.is_file():
        return []
    return [Figure(**json.loads(line)) for line in place.read_text(encoding="utf-8").splitlines()]
