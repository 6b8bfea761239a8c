"""Sources that plugins offer: a sound one of small volumes, and one with each mistake that is refused."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from bench import Box, Card, Case, Task

TASKS = (Task("er", "binary", positive="ER positive"), Task("ki67", "continuous", unit="%", range=(0, 100)))
CASES = 16


def volume(seed: int) -> sitk.Image:
    image = sitk.GetImageFromArray(np.random.default_rng(seed).normal(100, 10, (12, 14, 16)).round(1))
    image.SetSpacing((1.5, 1.5, 2.0))
    return image


@dataclass
class Exams:
    """Cases of a JSON file that holds a seed for each."""

    file: Path

    def card(self) -> Card:
        return Card("exams", TASKS, roles={"age": "clinical"}, features=("size",), synthetic=True)

    def case_ids(self) -> Iterator[str]:
        yield from json.loads(self.file.read_text())

    def read(self, case_id: str) -> Case:
        seed = json.loads(self.file.read_text())[case_id]
        return Case(
            case_id,
            f"patient {case_id}",
            site="AB"[seed % 2],
            labels={"er": seed // 2 % 2, "ki67": 5.0 + seed},
            covariates={"age": 40 + seed * seed % 7},
            features={"size": seed % 5 / 2},
            image=volume(seed),
            mask=Box((5, 4, 3), (9 + seed % 3, 8, 7)),
        )


@dataclass
class WithoutImages(Exams):
    def read(self, case_id: str) -> Case:
        return replace(super().read(case_id), image=None, mask=None)


@dataclass
class OtherName(Exams):
    def card(self) -> Card:
        return replace(super().card(), name="another")


@dataclass
class IdsTwice(Exams):
    def case_ids(self) -> Iterator[Any]:
        yield from [*super().case_ids(), "e3"]


@dataclass
class BytesAsIds(Exams):
    def case_ids(self) -> Iterator[Any]:
        yield from (case_id.encode() for case_id in super().case_ids())


@dataclass
class BytesAsSite(Exams):
    def read(self, case_id: str) -> Case:
        return replace(super().read(case_id), site=b"A")  # type: ignore[arg-type]


@dataclass
class AnotherCase(Exams):
    def read(self, case_id: str) -> Case:
        return super().read("e0")


@dataclass
class UndeclaredTask(Exams):
    def read(self, case_id: str) -> Case:
        return replace(super().read(case_id), labels={"her2": 1})


@dataclass
class Raising(Exams):
    def read(self, case_id: str) -> Case:
        return {}[case_id]


@dataclass
class EmptyMask(Exams):
    def read(self, case_id: str) -> Case:
        case = super().read(case_id)
        assert isinstance(case.image, sitk.Image)
        return replace(case, mask=case.image > 1e9) if case_id == "e5" else case


@dataclass
class OddLabel(Exams):
    def read(self, case_id: str) -> Case:
        return replace(super().read(case_id), labels={"er": 2})


def unversioned() -> Exams:
    return Exams(Path("nowhere.json"))


def closed(file: Path) -> Exams:
    raise OSError(f"{file.name} is locked")
