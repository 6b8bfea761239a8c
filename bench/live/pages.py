"""The pages of a store as text: everything that comes from it is escaped, and no address is asked."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.live.boards import LiveBoards
from bench.live.state import LiveCell, LivePlan, LiveStore, log_end, trial_rows
from bench.store.store import OK, Store

if TYPE_CHECKING:
    from jinja2 import Environment

TONES = {OK: "good", "running": "", "not-run": "muted", "skipped": "status"}
INDEX, CELLS = "index.html", "cells.html"


class NoPage(BenchError):
    """There is no page of that name, or nothing yet to show on it."""


@dataclass
class Pages:
    """The pages of a store, each by its name; ``live`` pages look again by themselves."""

    live_store: LiveStore
    boards: LiveBoards
    live: bool

    @classmethod
    def of(cls, store: Store, live: bool) -> "Pages":
        """The pages of a store."""
        return cls(LiveStore(store), LiveBoards(store), live)

    def names(self) -> list[str]:
        """Names of all pages that a folder of them needs, the first one first."""
        plans = self.live_store.plans()
        cells = [cell for plan in plans for cell in plan.cells]
        return [
            INDEX,
            *(f"report-{plan.number}.html" for plan in plans if plan.finished),
            *dict.fromkeys(f"log-{cell.name}.html" for cell in cells if cell.log),
            *dict.fromkeys(f"study-{cell.name}.html" for cell in cells if cell.study),
        ]

    def text(self, name: str) -> str:
        """The page of that name.

        Raises
        ------
        NoPage
            There is none, or nothing yet to show on it; the message says which.
        """
        kind, _, which = name.removesuffix(".html").partition("-")
        shown: Mapping[str, Callable[[str], str]] = {
            "board": lambda number: self._board(self._plan(number)),
            "report": lambda number: self._report(self._plan(number)),
            "log": lambda cell: self._log(self._cell(cell)),
            "study": lambda cell: self._study(self._cell(cell)),
        }
        if name in (INDEX, CELLS):
            return self._overview() if name == INDEX else self._rendered(CELLS, plans=self.live_store.plans())
        if kind not in shown or not name.endswith(".html"):
            raise NoPage(f"there is no page {name!r}")
        return shown[kind](which)

    def _overview(self) -> str:
        plans = self.live_store.plans()
        from markupsafe import Markup

        # A live page asks for the boards itself, which may take a while.
        boards = {plan.number: Markup("" if self.live else self._board(plan)) for plan in plans}
        return self._rendered("overview.html", plans=plans, boards=boards)

    def _board(self, plan: LivePlan) -> str:
        from markupsafe import escape

        try:
            return self.boards.board(plan)
        except BenchError as error:
            return f"<p>{escape(str(error))}</p>"

    def _report(self, plan: LivePlan) -> str:
        try:
            return self.boards.report(plan)
        except BenchError as error:
            raise NoPage(str(error)) from error

    def _log(self, cell: LiveCell) -> str:
        try:
            return self._rendered("log.html", cell=cell, text="" if cell.log is None else log_end(cell.log))
        except OSError:
            raise NoPage("the log has moved: its cell has ended this moment; look again") from None

    def _study(self, cell: LiveCell) -> str:
        if cell.study is None:
            raise NoPage("this cell has no study")
        trials = trial_rows(cell.study)
        names = list(dict.fromkeys(name for trial in trials for name in trial["parameters"]))
        return self._rendered("study.html", cell=cell, trials=trials, names=names)

    def _plan(self, number: str) -> LivePlan:
        found = [plan for plan in self.live_store.plans() if str(plan.number) == number]
        if not found:
            raise NoPage(f"there is no plan {number!r}")
        return found[0]

    def _cell(self, name: str) -> LiveCell:
        for plan in self.live_store.plans():
            for cell in plan.cells:
                if cell.name == name:
                    return cell
        raise NoPage(f"there is no cell {name!r}")

    def _rendered(self, template: str, **values: Any) -> str:
        from markupsafe import Markup

        return (
            _environment()
            .get_template(template)
            .render(
                name=f"Run store {self.live_store.store.folder.name}",
                live=self.live,
                moment=time.strftime("%Y-%m-%d %H:%M"),
                style=Markup(_asset("page", "page.css") + _asset("live", "live.css")),
                script=Markup(_asset("live", "live.js")),
                tones=TONES,
                **values,
            )
        )


def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("bench.live", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )


def _plain(value: Any) -> Any:
    """Text without the control characters that no page can show; lines stay lines."""
    if type(value) is not str:
        return value
    return "".join(letter for letter in value if letter in "\n\t" or letter.isprintable())


def _asset(package: str, name: str) -> str:
    return (files(f"bench.{package}") / "assets" / name).read_text(encoding="utf-8")
