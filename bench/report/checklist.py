"""Reporting checklists filled in as far as a run bears it, item by item."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from bench.inference import Bootstrap
from bench.predictions.results import Results
from bench.report.checklist_answers import ANSWERS, Answer, Evidence, State
from bench.report.methods_text import methods_sections
from bench.splits.split import Split

# By what each checklist is asked for: the file that holds its items.
KINDS = ("claim", "tripod-ai", "metrics", "clear")
# The key of items that no run can answer.
AUTHORS = "authors"
STATES: Mapping[State, str] = {
    "run": "answered by the run",
    "part": "in part; authors complete it",
    "command": "not yet: a command answers it",
    "authors": "authors alone",
}


@dataclass(frozen=True)
class Item:
    """An item of a checklist.

    Parameters
    ----------
    number
        As the checklist numbers it.
    asks
        What it asks for, in words of our own.
    answer
        What the run says of it.
    """

    number: str
    asks: str
    answer: Answer


@dataclass(frozen=True)
class Checklist:
    """A filled checklist: title, where it was published, and the items in order."""

    title: str
    source: str
    synthetic: bool
    items: tuple[Item, ...]

    def counts(self) -> dict[State, int]:
        """State to the number of items in it, in the order of :data:`STATES`."""
        states = Counter(item.answer.state for item in self.items)
        return {state: states[state] for state in STATES}


def filled_checklist(
    kind: str,
    results: Results,
    split: Split,
    summaries: Mapping[str, str],
    bootstrap: Bootstrap = Bootstrap(),
) -> Checklist:
    """What a run answers of a reporting checklist, what only authors can, and what a command would.

    Numbers of items are those of the published checklist; their wording is ours and does not replace it. No
    item is called answered for more than results and split hold.

    Parameters
    ----------
    kind
        One of :data:`KINDS`: CLAIM 2024, TRIPOD+AI, METRICS or CLEAR.
    split
        The one that the results are of.
    summaries
        Method to the line that describes it.

    Examples
    --------
    >>> [len(published_items(kind)) for kind in KINDS]
    [44, 52, 30, 58]
    """
    form = _form(kind)
    sections = methods_sections(results, split, summaries, bootstrap)
    evidence = Evidence(results, split, {section.title: section for section in sections}, bootstrap)
    items = tuple(_answered(published_items(kind), evidence))
    return Checklist(form["title"], form["source"], results.synthetic, items)


def _answered(asked: Iterable[tuple[str, str, str]], evidence: Evidence) -> Iterable[Item]:
    """The items with their answers; one that was given already is referred to."""
    given: dict[str, tuple[str, Answer]] = {}
    for number, asks, key in asked:
        if key == AUTHORS:
            yield Item(number, asks, Answer("authors"))
        elif key in given:
            first, answer = given[key]
            yield Item(number, asks, Answer(answer.state, f"As item {first}."))
        else:
            given[key] = number, ANSWERS[key](evidence)
            yield Item(number, asks, given[key][1])


def published_items(kind: str) -> list[tuple[str, str, str]]:
    """Number, wording and key of every item of a checklist."""
    return [(number, asks, key) for number, asks, key in _form(kind)["items"]]


def to_markdown(checklist: Checklist) -> str:
    """The checklist as a table in markdown, with a count of what is left to do."""
    return "\n".join(_lines(checklist)) + "\n"


def _lines(checklist: Checklist) -> Iterable[str]:
    yield f"# {checklist.title}"
    yield ""
    yield f"Items numbered as in {checklist.source}; the wording is not theirs: read the checklist itself."
    if checklist.synthetic:
        yield "SYNTHETIC cases: no answer is about patients."
    yield ""
    yield from (f"- {STATES[state]}: {number}" for state, number in checklist.counts().items())
    yield ""
    yield "| Item | Asks for | State | Answer |"
    yield "|---|---|---|---|"
    for item in checklist.items:
        yield f"| {item.number} | {item.asks} | {STATES[item.answer.state]} | {_cell(item.answer.text)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _form(kind: str) -> dict[str, Any]:
    text = (files("bench.report") / "checklists" / f"{kind}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
