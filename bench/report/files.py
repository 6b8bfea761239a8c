"""A table as Markdown, CSV and JSON."""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace

from bench.report.table import Column, Table


def to_markdown(table: Table) -> str:
    """GitHub-flavoured Markdown, its columns aligned in the source, the notes as a list below.

    A summary stands above, with a heading of its own.
    """
    if table.summary is not None:
        return f"{to_markdown(table.summary)}\n{to_markdown(replace(table, summary=None))}"
    columns = _filled(table)
    rows = [[escape_markdown(row[column.name].text) for column in columns] for row in table.rows]
    heads = [escape_markdown(column.header) for column in columns]
    widths = [max(3, *(len(row[index]) for row in [heads, *rows])) for index in range(len(columns))]
    rules = [_rule(column, width) for column, width in zip(columns, widths, strict=True)]
    lines = [_line(columns, widths, heads), f"| {' | '.join(rules)} |"]
    lines += [_line(columns, widths, row) for row in rows]
    banner = ["**SYNTHETIC cohort**", ""] if table.synthetic else []
    notes = [f"- {escape_markdown(note, code=True)}" for note in table.notes]
    return "\n".join([f"# {escape_markdown(table.title)}", "", *banner, *lines, "", *notes, ""])


def to_csv(table: Table) -> str:
    """The records, one a line, with a header; empty where there is no number."""
    text = io.StringIO()
    writer = csv.DictWriter(text, table.csv_columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(table.records)
    return text.getvalue()


def to_json(table: Table) -> str:
    """Title, facts, notes and records, those of a summary first."""
    content = {"title": table.title, **table.facts, "notes": list(table.notes)}
    if table.summary is not None:
        its = table.summary
        content["summary"] = {"title": its.title, "notes": list(its.notes), "rows": list(its.records)}
    content["rows"] = list(table.records)
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def escape_markdown(text: str, code: bool = False) -> str:
    r"""Text that Markdown shows as it is: ``a|b`` becomes ``a\|b``.

    An underscore inside a word and a bracket that opens no link stay as they are, which keeps the source
    readable. With ``code`` backticks keep their meaning.
    """
    marks = r"[\\|*~$<>&]" if code else r"[\\|*~$<>&`]"
    escaped = re.sub(marks, lambda found: "\\" + found[0], text)
    escaped = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", escaped)
    return escaped.replace("](", "]\\(").replace("\n", " ")


def _filled(table: Table) -> list[Column]:
    """The columns in which some row says something."""
    return [its for its in table.columns if any(row[its.name].text != "-" for row in table.rows)]


def _rule(column: Column, width: int) -> str:
    return "-" * (width - 1) + ":" if column.align == "right" else "-" * width


def _line(columns: Sequence[Column], widths: Sequence[int], texts: Sequence[str]) -> str:
    padded = [
        text.rjust(width) if column.align == "right" else text.ljust(width)
        for column, width, text in zip(columns, widths, texts, strict=True)
    ]
    return f"| {' | '.join(padded)} |"
