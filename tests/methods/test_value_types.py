"""What somebody sets is checked against the type of its field before anything runs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest

from bench.errors import UsageError
from bench.methods.method import MethodSpec
from bench.methods.parameters import parameters
from bench.running.experiment import parse_settings


class Shape(Protocol):
    def area(self) -> float: ...


@dataclass
class Typed:
    epochs: int = 3
    rate: float = 0.1
    amp: bool = False
    backbone: str = "small"
    weights: Path = Path("weights")
    radii: tuple[float, ...] = (1.0, 2.0)
    window: tuple[int, int] = (0, 1)
    names: list[str] = field(default_factory=list)
    kind: Literal["l1", "l2"] = "l1"
    limit: int | None = None
    shape: Shape | None = None
    plain: tuple = ()  # type: ignore[type-arg]

    def fit(self, train: Any, val: Any, run: Any) -> "Typed":
        return self

    def predict(self, cohort: Any) -> dict[str, Any]:
        return {}


SPEC = MethodSpec("typed", f"{__name__}:Typed", "")


@pytest.mark.parametrize(
    "setting",
    [
        "epochs=5",
        "rate=2",
        "rate=1e-3",
        "amp=true",
        "backbone=resnet18",
        "weights=/some/file.pt",
        "radii=[3, 4.5]",
        "window=[2, 3]",
        'names=["a", "b"]',
        "kind=l2",
        "limit=7",
        "shape=anything",
        'plain=[1, "x"]',
    ],
)
def test_what_fits_is_taken(setting: str) -> None:
    (value,) = (given := parse_settings([setting])).values()
    taken = parameters(SPEC, given)[next(iter(given))]
    assert taken == (tuple(value) if isinstance(taken, tuple) else value)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("epochs=many", "'epochs' of typed expects a whole number, got the text 'many'"),
        ("epochs=2.5", "expects a whole number, got 2.5"),
        ("epochs=true", "expects a whole number, got True"),
        ("rate=1e-3.5", "expects a number, got the text '1e-3.5'"),
        ("rate=false", "expects a number, got False"),
        ("amp=True", "expects true or false, got the text 'True'"),
        ("amp=1", "expects true or false, got 1"),
        ("backbone=18", "expects a text, got 18"),
        ("weights=3", "expects a path, got 3"),
        ("radii=3", "expects a list in brackets, of a number, got 3"),
        ('radii=[1, "x"]', "expects a list in brackets, of a number, got"),
        ("window=[1, 2, 3]", "expects a list in brackets, 2 values, each a whole number, got"),
        ("names=a,b", "expects a list in brackets, of a text, got the text 'a,b'"),
        ("kind=l3", "expects one of 'l1', 'l2', got the text 'l3'"),
        ("limit=none", "expects a whole number or nothing, got the text 'none'"),
        ("plain=7", "expects a list in brackets, such as"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_is_expected(setting: str, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        parameters(SPEC, parse_settings([setting]))
    assert told in str(refused.value)


def test_an_annotation_that_cannot_be_evaluated_checks_nothing() -> None:
    @dataclass
    class Odd(Typed):
        strange: "NothingOfThatName" = None  # type: ignore[name-defined] # noqa: F821

    globals()["Odd"] = Odd
    assert parameters(MethodSpec("odd", f"{__name__}:Odd", ""), {"epochs": "many"})["epochs"] == "many"
