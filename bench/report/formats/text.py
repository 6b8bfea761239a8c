"""A table as Markdown, CSV and JSON."""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.report.layout import Section, all_notes, arranged, notes_shown, one_line, short_text, shown_columns
from bench.report.table import FINDING, Column, Table

FLAG = "**Read first: "
SYNTHETIC_BANNER = "**SYNTHETIC cohort**"
SPREADSHEET_FORMULA = tuple("=+-@\t\r'")
CODE = re.compile(r"(?<![^\s(])(`[^`\s]+`)(?![^\s).,:;])")


def to_markdown(table: Table) -> str:
    """GitHub-flavoured Markdown, its columns aligned in the source, the notes as a list below.

    Where a task has several rows they stand under a heading of their own with what the methods share. A row
    without a value has a word for it, its reason is a note. What the table shows stands first; a summary
    stands above the tasks.
    """
    lines = [f"# {escape_markdown(table.title)}", ""]
    lines += [SYNTHETIC_BANNER, ""] if table.synthetic else []
    if table.notes and table.notes[0].startswith(FINDING):
        lines += [escape_markdown(table.notes[0], code=True), ""]
        table = replace(table, notes=table.notes[1:])
    for flag in table.flags:
        lines += [f"{FLAG}{escape_markdown(flag)}**", ""]
    parts = [table] if table.summary is None else [table.summary, table]
    return "\n".join([*lines, *(line for part in parts for line in _tables_and_notes(part))])


def _tables_and_notes(table: Table) -> list[str]:
    """A table of each task under a heading of its own, and the notes as a list."""
    shown = shown_columns(table)
    columns, sections = arranged(table, shown)
    heads = [escape_markdown(column.header) for column in columns]
    grids = [_grid(columns, section) for section in sections]
    rows = [heads, *(row for grid in grids for row in grid)]
    widths = [max(3, *(len(row[index]) for row in rows)) for index in range(len(columns))]
    top = [_line(columns, widths, heads), f"| {' | '.join(map(_rule, columns, widths))} |"]
    lines: list[str] = []
    for section, grid in zip(sections, grids, strict=True):
        lines += [*_heading(section), *top, *(_line(columns, widths, row) for row in grid), ""]
    return [*lines, *(f"- {escape_markdown(note, code=True)}" for note in all_notes(table, shown)), ""]


def to_csv(table: Table) -> str:
    """The records, one a line, with a header; empty where there is no number.

    Text that starts as a spreadsheet formula does (``=``, ``+``, ``-``, ``@``, tab, carriage return), or with
    an apostrophe, has an apostrophe before it, so that a spreadsheet shows it and does not compute it.
    Whoever reads names back drops one leading apostrophe. Numbers stay as they are.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.csv_columns)
    writer.writerows([_inert(record[key]) for key in table.csv_columns] for record in table.records)
    return text.getvalue()


def to_json(table: Table) -> str:
    """Title, facts, notes and records, those of a summary first."""
    notes = notes_shown(table, table.notes, shown_columns(table))
    content: dict[str, Any] = {"title": table.title, **table.facts, "flags": table.flags, "notes": notes}
    if table.summary is not None:
        summary = table.summary
        content["summary"] = {
            "title": summary.title,
            "notes": list(summary.notes),
            "rows": list(summary.records),
        }
    content["rows"] = list(table.records)
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def escape_markdown(text: str, code: bool = False) -> str:
    r"""Text that Markdown shows as it is: ``a|b`` becomes ``a\|b``.

    An underscore inside a word and a bracket that opens no link stay as they are, which keeps the source
    readable. With ``code`` a word in backticks is code, in which Markdown knows no escapes.
    """
    if code:
        return "".join(part if CODE.fullmatch(part) else escape_markdown(part) for part in CODE.split(text))
    escaped = re.sub(r"[\\|*~$<>&`]", lambda found: "\\" + found[0], one_line(text))
    escaped = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", escaped)
    escaped = re.sub(r"(?<!\S)(#+)(?!\S)", r"\\\1", escaped)
    return re.sub(r"\](?=[(\[:])", r"]\\", escaped)


def _heading(section: Section) -> list[str]:
    if not section.heading:
        return []
    shared = [escape_markdown(", ".join(section.shared)), ""] if section.shared else []
    return [f"## {escape_markdown(section.heading)}", "", *shared]


def _grid(columns: Sequence[Column], section: Section) -> list[list[str]]:
    return [[escape_markdown(short_text(row[column.name])) for column in columns] for row in section.rows]


def _inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(SPREADSHEET_FORMULA) else value


def _rule(column: Column, width: int) -> str:
    return "-" * (width - 1) + ":" if column.align == "right" else "-" * width


def _line(columns: Sequence[Column], widths: Sequence[int], texts: Sequence[str]) -> str:
    padded = [
        text.rjust(width) if column.align == "right" else text.ljust(width)
        for column, width, text in zip(columns, widths, texts, strict=True)
    ]
    return f"| {' | '.join(padded)} |"
