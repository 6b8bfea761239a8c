"""The report as one HTML file: no address is asked for anything, and it is readable without scripts."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from bench.page.case_volumes import MAX_BYTES, NIIVUE, CaseVolumes, bounded, viewer_script, window_bytes
from bench.page.drawing import Drawing, method_names
from bench.page.figures import learned_figures, subtype_figures, task_figures
from bench.page.style import STYLES, StyleName
from bench.page.svg import inline_svg
from bench.report.cases import CaseReport
from bench.report.columns import task_title
from bench.report.full_report import FullReport
from bench.report.layout import all_notes, arranged, one_line, short_text, shown_columns
from bench.report.table import FINDING, Column, Table, TableCell
from bench.task import Task

if TYPE_CHECKING:
    from markupsafe import Markup

ASSETS = files("bench.page") / "assets"
SHOWN = STYLES[StyleName.page]


@dataclass(frozen=True, eq=False)
class Grid:
    """A table as the page shows it: a caption, columns, and rows with the number of their method."""

    caption: str
    shared: str
    columns: Sequence[Column]
    rows: Sequence[tuple[int | None, Mapping[str, TableCell]]]


@dataclass(frozen=True, eq=False)
class Shown:
    """A figure as the page shows it."""

    drawing: Drawing
    svg: "Markup"
    wide: bool


@dataclass(frozen=True, eq=False)
class Shots:
    """What is shown of single cases, by case id.

    Parameters
    ----------
    pictures
        PNG of three planes, with heat maps below them where there are some.
    volumes
        What the viewer shows.
    heats
        Whose heat maps these have.
    """

    pictures: Mapping[str, bytes] = field(default_factory=dict)
    volumes: Mapping[str, CaseVolumes] = field(default_factory=dict)
    heats: Mapping[str, Sequence[str]] = field(default_factory=dict)


def page(report: FullReport, shots: Shots | None = None, anonymous: bool = False) -> str:
    """The whole page as text.

    Parameters
    ----------
    shots
        Pictures and volumes of single cases; an anonymous page shows none.
    anonymous
        Whether cases are numbered, without id and site.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("bench.page", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )
    environment.filters["short"] = short_text
    shown = Shots() if anonymous or shots is None else shots
    volumes = bounded(shown.volumes)
    return environment.get_template("page.html").render(
        report=report,
        style=Markup((ASSETS / "page.css").read_text(encoding="utf-8")),
        script=Markup((ASSETS / "page.js").read_text(encoding="utf-8")),
        methods=method_names(report),
        finding=_finding(report.board),
        notes=_notes(report.board),
        sections=[_section(report, task) for task in report.tasks],
        consensus=_grids(report, report.board.summary) if report.board.summary else [],
        consensus_notes=_notes(report.board.summary) if report.board.summary else [],
        sites=_grids(report, report.sites) if report.sites else [],
        subtypes=_grids(report, report.subtypes) if report.subtypes else [],
        subtype_figures=[_shown(drawing) for drawing in subtype_figures(report)],
        tuning=_grids(report, report.tuning) if report.tuning else [],
        costs=_grids(report, report.costs) if report.costs else [],
        learning=_grids(report, report.learning.table) if report.learning else [],
        learning_figures=[_shown(drawing) for drawing in learned_figures(report)],
        audit=_grids(report, report.audit) if report.audit else [],
        facts=_facts(report.board.facts),
        cases=[
            _case(one, number, shown, anonymous) | {"volumes": Markup(volumes.get(one.case_id, ""))}
            for number, one in enumerate(report.cases, start=1)
        ],
        has_heats=any(shown.heats.values()),
        inside_count=len(volumes),
        viewer_megabytes=MAX_BYTES // 1_000_000,
        window=json.dumps(window_bytes()),
        viewer=Markup(viewer_script() if volumes else ""),
        viewer_licence=Markup((NIIVUE / "LICENSE.txt").read_text(encoding="utf-8")),
        viewer_script=Markup((ASSETS / "viewer.js").read_text(encoding="utf-8")),
    )


def _section(report: FullReport, task: Task) -> dict[str, Any]:
    """Board and figures of one task."""
    return {
        "name": f"task-{report.tasks.index(task)}",
        "title": task_title(task),
        "positive": task.positive,
        "grids": _grids(report, _of_task(report.board, task), shown_columns(report.board)),
        "figures": [_shown(drawing) for drawing in task_figures(report, task)],
    }


def _shown(drawing: Drawing) -> Shown:
    from markupsafe import Markup

    wide = drawing.figure.get_figwidth() * 25.4 > (SHOWN.single_mm + SHOWN.double_mm) / 2
    return Shown(drawing, Markup(inline_svg(drawing, SHOWN)), wide)


def _case(case: CaseReport, number: int, shots: Shots, anonymous: bool) -> dict[str, Any]:
    picture = shots.pictures.get(case.case_id)
    return {
        "name": f"Case {number}" if anonymous else case.case_id,
        "site": "" if anonymous else case.site,
        "picture": None if picture is None else b64encode(picture).decode("ascii"),
        "heats": ", ".join(shots.heats.get(case.case_id, ())),
        "error": f"{case.error:.2f}",
        "disagreement": f"{case.disagreement:.2f}",
        "truths": case.truths,
        "predictions": case.predictions,
    }


def _of_task(table: Table, task: Task) -> Table:
    kept = [place for place, record in enumerate(table.records) if record["task"] == task.name]
    return replace(
        table,
        rows=tuple(table.rows[place] for place in kept),
        records=tuple(table.records[place] for place in kept),
    )


def _grids(report: FullReport, table: Table, shown: Sequence[Column] = ()) -> list[Grid]:
    numbers = {label: number for number, label in enumerate(method_names(report))}
    methods = {
        id(row): numbers.get(str(record.get("method")))
        for row, record in zip(table.rows, table.records, strict=True)
    }
    columns, sections = arranged(table, shown or shown_columns(table))
    return [
        Grid(
            section.heading or table.title,
            ", ".join(section.shared),
            columns,
            [(methods[id(row)], row) for row in section.rows],
        )
        for section in sections
    ]


def _finding(board: Table) -> str:
    """What the board shows, in a sentence; empty where it does not say."""
    return board.notes[0] if board.notes and board.notes[0].startswith(FINDING) else ""


def _notes(table: Table) -> list[str]:
    """What is said of a table beside its finding."""
    return [note for note in all_notes(table, shown_columns(table)) if not note.startswith(FINDING)]


def _facts(facts: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Nested facts as pairs of a name and a text."""
    pairs: list[tuple[str, str]] = []
    for name, value in facts.items():
        full = f"{above} {name}".strip().replace("_", " ")
        pairs += _facts(value, full) if isinstance(value, Mapping) else [(full, str(value))]
    return pairs


def _plain(value: Any) -> Any:
    """Text without the control characters that no page can show; markup as it is."""
    return one_line(value) if type(value) is str else value
