"""A table as HTML, for notebooks and as a file: no script, no style from elsewhere, everything escaped."""

from collections.abc import Sequence
from dataclasses import replace
from html import escape

from bench.report.layout import Section, all_notes, arranged, one_line, short_text, shown_columns
from bench.report.table import FINDING, Column, Table, TableCell

SYNTHETIC = "SYNTHETIC cohort: no number is about real patients."
BANNER = "background:#b35900;color:#fff;padding:2px 8px;display:inline-block;font-weight:bold"
PAGE_STYLE = (
    "body{font-family:sans-serif;margin:2em}table{border-collapse:collapse}"
    "td,th{padding:2px 10px;border-bottom:1px solid #ddd}"
)
TONES = {
    "good": "color:#1a7f37",
    "bad": "color:#b42318",
    "muted": "opacity:.6",
    "status": "font-style:italic",
}


def to_html(table: Table) -> str:
    """A ``div`` with the title, what the table shows, its rows and, folded, its notes.

    Where a task has several rows they stand under a heading of their own with what the methods share. A
    synthetic cohort is flagged above the numbers, as is what must be read before them.
    """
    lines = ["<div>", f"<h3>{_text(table.title)}</h3>"]
    lines += [f'<p style="{BANNER}">{SYNTHETIC}</p>'] if table.synthetic else []
    if table.notes and table.notes[0].startswith(FINDING):
        lines += [f"<p>{_text(table.notes[0])}</p>"]
        table = replace(table, notes=table.notes[1:])
    lines += [f"<p><strong>Read first: {_text(flag)}</strong></p>" for flag in table.flags]
    parts = [table] if table.summary is None else [table.summary, table]
    return "\n".join([*lines, *(line for part in parts for line in _grids_and_notes(part)), "</div>"])


def to_page(table: Table) -> str:
    """The same as a file: a whole page that loads nothing from elsewhere."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{_text(table.title)}</title>',
            f"<style>{PAGE_STYLE}</style></head><body>",
            to_html(table),
            "</body></html>\n",
        ]
    )


def _grids_and_notes(table: Table) -> list[str]:
    shown = shown_columns(table)
    columns, sections = arranged(table, shown)
    lines = [line for section in sections for line in (*_heading(section), *_grid(columns, section))]
    notes = [f"<li>{_text(note)}</li>" for note in all_notes(table, shown)]
    return [*lines, *(["<details><summary>Notes</summary><ul>", *notes, "</ul></details>"] if notes else [])]


def _heading(section: Section) -> list[str]:
    if not section.heading:
        return []
    shared = [f"<p>{_text(', '.join(section.shared))}</p>"] if section.shared else []
    return [f"<h4>{_text(section.heading)}</h4>", *shared]


def _grid(columns: Sequence[Column], section: Section) -> list[str]:
    heads = "".join(
        f'<th style="text-align:{column.align}">{_text(column.header)}</th>' for column in columns
    )
    rows = ["".join(_cell(column, row[column.name]) for column in columns) for row in section.rows]
    return [
        f"<table><thead><tr>{heads}</tr></thead><tbody>",
        *(f"<tr>{row}</tr>" for row in rows),
        "</tbody></table>",
    ]


def _cell(column: Column, cell: TableCell) -> str:
    tone = TONES.get(cell.tone, "")
    style = f"text-align:{column.align}{f';{tone}' if tone else ''}"
    return f'<td style="{style}">{_text(short_text(cell))}</td>'


def _text(text: str) -> str:
    return escape(one_line(text), quote=True)
