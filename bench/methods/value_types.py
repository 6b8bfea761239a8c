"""Whether a hyperparameter that somebody sets is of the type that its field declares."""

import types
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bench.errors import UsageError

WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
    tuple: "a list in brackets, such as [1, 2]",
    list: "a list in brackets, such as [1, 2]",
    type(None): "nothing",
}


def declared_types(cls: type) -> dict[str, Any]:
    """The annotation of each field of a class; none where one of them cannot be evaluated."""
    try:
        return get_type_hints(cls)
    except Exception:  # a stranger's annotation may be any expression
        return {}


def require_type(method: str, name: str, declared: Any, value: Any) -> None:
    """Raise UsageError, saying what is expected, unless a value is of the declared type.

    Of an annotation that is no plain type, such as a protocol, any value is taken.
    """
    if not _fits(declared, value):
        shown = f"the text {value!r}" if isinstance(value, str) else repr(value)
        raise UsageError(f"parameter {name!r} of {method} expects {_words(declared)}, got {shown}")


def _fits(declared: Any, value: Any) -> bool:
    origin, inner = get_origin(declared), get_args(declared)
    if origin is Literal:
        return any(value == one and type(value) is type(one) for one in inner)
    if origin in (Union, types.UnionType):
        return any(_fits(one, value) for one in inner)
    if origin in (tuple, list):
        return isinstance(value, tuple | list) and _items_fit(origin, inner, value)
    if declared is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if declared is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if declared in (tuple, list):
        return isinstance(value, tuple | list)
    if declared is Path:
        return isinstance(value, str | Path)
    return isinstance(value, declared) if declared in WORDS else True


def _items_fit(kind: Any, inner: tuple[Any, ...], items: Collection[Any]) -> bool:
    if kind is list or inner[1:] == (...,):
        return all(_fits(inner[0], item) for item in items)
    return len(inner) == len(items) and all(_fits(one, item) for one, item in zip(inner, items, strict=True))


def _words(declared: Any) -> str:
    origin, inner = get_origin(declared), get_args(declared)
    if origin is Literal:
        return f"one of {', '.join(map(repr, inner))}"
    if origin in (Union, types.UnionType):
        return " or ".join(map(_words, inner))
    if origin in (tuple, list):
        item = _words(inner[0])
        many = f"{len(inner)} values, each " if origin is tuple and inner[1:] != (...,) else "of "
        return f"a list in brackets, {many}{item}"
    return WORDS.get(declared, str(declared))
