"""A table as LaTeX, which needs the package booktabs and nothing else."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from textwrap import wrap

from bench.report.formats.latex_characters import ACCENTS, ASCII, MATHS, WORDS
from bench.report.formats.text import CODE
from bench.report.layout import (
    Row,
    Section,
    all_notes,
    arranged,
    one_line,
    short_text,
    shown_columns,
)
from bench.report.table import Column, Table

# Of \footnotesize in a standard article: lines on a page beside caption and header, characters on a line of
# text, points on a line, of a character (letters are wider, and may be bold) and between columns; and how
# much narrower \scriptsize is.
LINES_A_PAGE = 46
CHARACTERS_A_LINE = 85
LINE_WIDTH, DIGIT_WIDTH, LETTER_WIDTH, GAP_WIDTH = 345, 3.9, 4.7, 8
SCRIPTSIZE = 0.9
NORMAL = (r"\footnotesize", r"\setlength{\tabcolsep}{4pt}")
SMALL = (r"\scriptsize", r"\setlength{\tabcolsep}{3pt}")
MIN_NAME_WIDTH = 75
MAX_HEADING_LENGTH = 60

# A page is narrow: the second column has the information of the first.
INSTEAD = {"gain": "oracle_skill"}

SYNTHETIC = "SYNTHETIC cohort, no number is about real patients."

EMPHASISED = ("rank", "method")

# Neighbours that a font would join into one sign.
LIGATURES = ("--", "''", "``", ",,", "!`", "?`")

# Characters by which a header may be longer than the cells under it.
SLACK = 3
SHORTSTACK_BREAK = r"\\"

ESTIMATE = re.compile(r"(?P<value>\S+) \[(?P<low>\S+), (?P<high>\S+)\]")


def to_latex(table: Table) -> str:
    r"""A ``table`` environment with a booktabs ``tabular``, caption, label, and the notes under it.

    Rows of a task stand under its name; an estimate and the bounds of its interval are columns of their own,
    so that their decimals line up. Rank 1 is bold. A board longer than a page becomes several tables, cut
    between tasks where that is possible, with the notes under the last, or on a page of their own where that
    is full. A summary is a table of its own before it. It compiles with pdflatex and
    ``\usepackage{booktabs}``.
    """
    if table.summary is not None:
        first = replace(table.summary, flags=table.flags)
        return f"{to_latex(first)}\n{to_latex(replace(table, summary=None, flags=()))}"
    shown = _narrowed(shown_columns(table))
    columns, sections = arranged(table, shown)
    fit = _fit(columns, table)
    pages = _pages(sections, fit)
    notes = all_notes(table, shown)
    full = _lines(pages[-1], fit) + sum(1 + len(note) // CHARACTERS_A_LINE for note in notes) > LINES_A_PAGE
    floats = [
        _float(table, columns, page, fit, (number, len(pages)), [] if full or number < len(pages) else notes)
        for number, page in enumerate(pages, 1)
    ]
    apart = [line for page in _note_pages(notes) for line in _page_of_notes(page)] if full else []
    return "\n".join(["% Needs \\usepackage{booktabs} in the preamble.", *floats, *apart])


def escape_latex(text: str) -> str:
    r"""Text that LaTeX prints as it is, with any engine and font encoding: ``a_b`` becomes ``a\_b``.

    Greek letters, arrows and relations are set in maths, accented letters with accents. What the standard
    fonts lack is named by its code point, such as ``U+4E2D``.
    """
    escaped = ""
    for character in unicodedata.normalize("NFC", one_line(text)):
        sign = _character(character)
        escaped += f"{{}}{sign}" if f"{escaped[-1:]}{sign[0]}" in LIGATURES else sign
    escaped = escaped.replace(r" \%", r"~\%")
    # A bracket or an asterisk after a line's end would be read as its argument.
    return f"{{}}{escaped}" if escaped[:1] in ("[", "*") else escaped


def _narrowed(columns: Sequence[Column]) -> list[Column]:
    """The columns that a page has room for, and those that were asked for."""
    names = {column.name for column in columns}
    return [
        column
        for column in columns
        if column.chosen or column.kept or not (column.spare or INSTEAD.get(column.name) in names)
    ]


def _pages(sections: Sequence[Section], fit: "_Fit") -> list[list[Section]]:
    """The sections in portions of a page; a section longer than a page is cut."""
    pages: list[list[Section]] = [[]]
    for section in sections:
        most = (LINES_A_PAGE - 3) // max(map(fit.lines, section.rows))
        for start in range(0, len(section.rows), most):
            heading = f"{section.heading} (continued)" if start and section.heading else section.heading
            piece = replace(section, heading=heading, rows=section.rows[start : start + most])
            if pages[-1] and _lines([*pages[-1], piece], fit) > LINES_A_PAGE:
                pages.append([])
            pages[-1].append(piece)
    return pages


def _lines(sections: Sequence[Section], fit: "_Fit") -> int:
    """Lines that these take, each with its heading and the space before it."""
    return sum(2 + _is_long(section) + sum(map(fit.lines, section.rows)) for section in sections)


def _float(
    table: Table,
    columns: Sequence[Column],
    sections: Sequence[Section],
    fit: "_Fit",
    part: tuple[int, int],
    notes: Sequence[str],
) -> str:
    """One ``table`` environment; ``part`` is its number and how many there are."""
    groups = [_group(column, table, fit, column is columns[-1]) for column in columns]
    body = [line for index, section in enumerate(sections) for line in _section(section, groups, index > 0)]
    label = re.sub(r"[^a-z0-9]+", "-", table.title.lower()).strip("-")
    lines = [
        *(r"\begin{table}[htbp]", r"\centering", *fit.type),
        f"\\caption{{{_caption(table, part)}}}",
        f"\\label{{tab:{label}{'' if part[0] == 1 else f'-{part[0]}'}}}",
        *(r"\medskip", f"\\begin{{tabular}}{{@{{}}{''.join(group.spec for group in groups)}}}"),
        *(r"\toprule", f"{' & '.join(group.head for group in groups)} \\\\", r"\midrule", *body),
        *(r"\bottomrule", r"\end{tabular}", *_notes(notes), r"\end{table}", ""),
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class _Fit:
    """Size and spacing, and the points in which names of methods break where a line has no more room."""

    type: tuple[str, str]
    name_width: float | None = None

    def lines(self, row: Row) -> int:
        """Lines that a row takes."""
        if self.name_width is None:
            return 1
        return ceil(SCRIPTSIZE * LETTER_WIDTH * len(row["method"].text) / self.name_width)


def _fit(columns: Sequence[Column], table: Table) -> _Fit:
    """How the columns get on a line: as they are, in smaller type, or with names of methods that break."""
    widths = {column.name: _width(column, table) for column in columns}
    total = sum(widths.values()) + GAP_WIDTH * (len(columns) - 1)
    if total <= LINE_WIDTH:
        return _Fit(NORMAL)
    excess = SCRIPTSIZE * total - LINE_WIDTH
    if excess <= 0 or "method" not in widths:
        return _Fit(SMALL)
    return _Fit(SMALL, max(SCRIPTSIZE * widths["method"] - excess, MIN_NAME_WIDTH))


def _width(column: Column, table: Table) -> float:
    """Points of a column in footnote size."""
    word = LETTER_WIDTH * max(map(len, column.header.split()))
    longest = max(map(len, _texts(column, table)), default=0)
    return max(word, longest * (LETTER_WIDTH if column.align == "left" else DIGIT_WIDTH))


def _texts(column: Column, table: Table) -> list[str]:
    return [short_text(row[column.name]) for row in table.rows]


def _caption(table: Table, part: tuple[int, int]) -> str:
    number, parts = part
    pieces = [f"{table.title}."]
    pieces += [SYNTHETIC] if table.synthetic else []
    pieces += [f"Read first: {flag}" for flag in table.flags]
    pieces += [f"Part {number} of {parts}, the notes follow the last."] if parts > 1 else []
    return escape_latex(" ".join(pieces))


def _notes(notes: Sequence[str]) -> list[str]:
    if not notes:
        return []
    texts = ["".join(map(_prose, CODE.split(note))) for note in notes]
    return ["", r"\medskip", r"\begin{minipage}{\linewidth}", "\n\n".join(texts), r"\end{minipage}"]


def _note_pages(notes: Sequence[str]) -> list[list[str]]:
    """The notes in portions of a page."""
    pages: list[list[str]] = [[]]
    left = LINES_A_PAGE
    for note in notes:
        lines = 1 + len(note) // CHARACTERS_A_LINE
        if pages[-1] and lines > left:
            pages.append([])
            left = LINES_A_PAGE
        pages[-1].append(note)
        left -= lines
    return pages


def _page_of_notes(notes: Sequence[str]) -> list[str]:
    return [r"\begin{table}[p]\footnotesize", *_notes(notes), r"\end{table}", ""]


def _prose(text: str) -> str:
    return f"\\texttt{{{escape_latex(text[1:-1])}}}" if CODE.fullmatch(text) else escape_latex(text)


@dataclass(frozen=True)
class _Group:
    """A column of the table as one column of LaTeX, or three where its cells are estimates with intervals."""

    column: Column
    spec: str
    head: str
    triple: bool
    gap: str
    breaks: bool

    def cell(self, row: Row, best: bool) -> str:
        """The cell's LaTeX; ``best`` where the row's rank is 1."""
        text = short_text(row[self.column.name])
        found = ESTIMATE.fullmatch(text) if self.triple else None
        if found:
            return " & ".join(_number(group) for group in found.groups())
        shown = escape_latex(text) if self.column.align == "left" else _number(text)
        shown = _breakable(shown) if self.breaks else shown
        if best and self.column.name in EMPHASISED:
            shown = f"\\textbf{{{shown}}}"
        if self.breaks:
            return rf"\rightskip=0pt plus 1fil\relax {shown}"
        return f"\\multicolumn{{3}}{{c{self.gap}}}{{{shown}}}" if self.triple else shown


def _breakable(escaped: str) -> str:
    """Escaped text that may break after punctuation."""
    return re.sub(r"(\\[#$%&_]|\{\}|[\[,.:/-])(?=[\w\\])", r"\1\\allowbreak ", escaped)


def _group(column: Column, table: Table, fit: _Fit, last: bool) -> _Group:
    texts = _texts(column, table)
    triple = column.align == "right" and any(map(ESTIMATE.fullmatch, texts))
    skip = "" if last else r"\hspace{2\tabcolsep}"
    gap = f"@{{{skip}}}" if triple or last else ""
    side = "c" if triple else column.align[0]
    breaks = column.name == "method" and fit.name_width is not None
    # A header wider than the three columns under it would tear them apart.
    head = _header(column.header, max(map(len, texts), default=0) + (-2 if triple else SLACK), side)
    if triple:
        spec = f"r@{{~[}}r@{{,~}}r@{{]{skip}}}"
        return _Group(column, spec, f"\\multicolumn{{3}}{{c{gap}}}{{{head}}}", triple, gap, breaks)
    spec = f"p{{{fit.name_width:.0f}pt}}" if breaks else side
    return _Group(column, f"{spec}{gap}", head, triple, gap, breaks)


def _header(text: str, width: int, side: str) -> str:
    """The header in as few lines as fit the column's cells, of even length."""
    width = max(width, 1)
    wraps = [wrap(text, one, break_long_words=False) for one in range(1, width + 1)]
    fewest = len(wraps[-1])
    lines = [escape_latex(line) for line in next(one for one in wraps if len(one) == fewest)]
    return lines[0] if fewest == 1 else f"\\shortstack[{side}]{{{SHORTSTACK_BREAK.join(lines)}}}"


def _section(section: Section, groups: Sequence[_Group], space: bool) -> list[str]:
    lines = [r"\addlinespace"] if space else []
    columns = sum(3 if group.triple else 1 for group in groups)
    texts = _heading(section) if section.heading else []
    lines += [f"\\multicolumn{{{columns}}}{{@{{}}l@{{}}}}{{{text}}} \\\\" for text in texts]
    return lines + [_row(row, groups) for row in section.rows]


def _heading(section: Section) -> list[str]:
    """Task and metric with what the rows share, on two lines where one is too short."""
    named, shared = f"\\textit{{{escape_latex(section.heading)}}}", ", ".join(section.shared)
    if not shared:
        return [named]
    apart = _is_long(section)
    return [named, _number(shared)] if apart else [f"{named}; {_number(shared)}"]


def _is_long(section: Section) -> bool:
    return len(section.heading) + sum(map(len, section.shared)) > MAX_HEADING_LENGTH


def _row(row: Row, groups: Sequence[_Group]) -> str:
    """A row; of rank 1, rank and method are bold, and no number, whose decimals would not line up."""
    ranked = any(group.column.name == "rank" for group in groups)
    best = ranked and row["rank"].text == "1"
    return f"{' & '.join(group.cell(row, best) for group in groups)} \\\\"


def _number(text: str) -> str:
    """Text with numbers, of which negative ones have a minus and not a hyphen; a dash where there is none."""
    if text == "-":
        return "--"
    return re.sub(r"(?<![\w.}])-(?=\d)", "$-$", escape_latex(text))


def _character(character: str) -> str:
    if character in ASCII:
        return ASCII[character]
    if character.isascii():
        return character
    if character in MATHS:
        return f"$\\{MATHS[character]}$"
    if character in WORDS:
        return WORDS[character]
    parts = unicodedata.normalize("NFD", character)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in ACCENTS:
        return f"\\{ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"U+{ord(character):04X}"
