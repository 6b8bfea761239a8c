"""A method's hyperparameters as plain values, and back."""

import dataclasses
from typing import Any


def hyperparameters(method: Any) -> dict[str, Any]:
    """Every field that the constructor of a method, a dataclass, takes."""
    return {its.name: getattr(method, its.name) for its in dataclasses.fields(method) if its.init}


def from_json(params: dict[str, Any]) -> dict[str, Any]:
    """Hyperparameters that went through JSON, which has no tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in params.items()}
