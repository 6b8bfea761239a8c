"""The page on planted mistakes has a row for each plugin of the test set, as the tests run it."""

import importlib
import inspect
from types import ModuleType

from tests.docs.pages import page, table_after
from tests.methods.planted.catalogue import HERE, PLANTED, Planted

PAGE = page("planted_mistakes.md")
MODULES = ("careless_predictions", "careless_learning", "careless_saving", "cheating")
# Methods without a mistake, that others spoil.
HONEST = {"Covariates"}


def module_of(name: str) -> ModuleType:
    return importlib.import_module(f"{HERE}.{name}")


def row(planted: Planted, last: str) -> list[str]:
    module, _, name = planted.target.partition(":")
    summary = inspect.getdoc(getattr(module_of(module), name))
    assert summary is not None
    return [f"`{name}`", summary.splitlines()[0], last]


def test_every_plugin_that_is_caught_has_a_row_with_its_clause() -> None:
    expected = [row(planted, planted.code) for planted in PLANTED if planted.code]
    assert table_after(PAGE, "## What the check catches") == sorted(expected, key=lambda cells: cells[2])


def test_every_plugin_that_is_not_caught_has_a_row_with_the_reason() -> None:
    expected = [row(one, f"{one.why[0].upper()}{one.why[1:]}") for one in PLANTED if not one.code]
    assert table_after(PAGE, "## What it cannot catch") == expected


def test_the_page_counts_them() -> None:
    caught = sum(bool(planted.code) for planted in PLANTED)
    text = " ".join(PAGE.split())
    assert f"on {len(PLANTED)} small plugins" in text and f"{caught} are caught" in text
    assert f"These {len(PLANTED) - caught} pass it" in text


def test_no_class_of_the_test_set_is_left_out() -> None:
    names = set()
    for module in map(module_of, MODULES):
        found = inspect.getmembers(module, inspect.isclass)
        own = {name for name, cls in found if cls.__module__ == module.__name__ and hasattr(cls, "fit")}
        names |= {name for name in own - HONEST if not name.startswith("_")}
    assert names == {planted.target.partition(":")[2] for planted in PLANTED}
