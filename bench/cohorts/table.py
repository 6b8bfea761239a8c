"""One reader for every table: text of any common dialect, gzip or not, and Excel workbooks.

Every cell comes as text, so that ``007`` stays ``007`` and ``NA`` stays a name until somebody says what a
column holds. What could be read in two ways is rejected with its line, its column and the remedy.
"""

import codecs
import csv
import gzip
import io
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from bench.cohorts.cell_text import clean
from bench.cohorts.checking.violation import Tell, Violation
from bench.errors import CohortError, parameter

# Where two make a table, the first is taken: commas occur in decimals and words, tabs and semicolons hardly.
SEPARATORS = "\t;,|"
NAMES_OF_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
RULE = "table"
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
GZIP, ZIP, OLD_OFFICE = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[,;\t|]*', re.IGNORECASE)


@dataclass(frozen=True)
class Grid:
    """The cells of a table before anything is taken for its header.

    Parameters
    ----------
    path
        Where it was read.
    rows
        Line (as a text editor or spreadsheet counts) and cells of each row that holds anything.
    separator
        What parts the cells of a line; empty for a workbook.
    sheet
        Name of the worksheet; empty for text.
    """

    path: Path
    rows: tuple[tuple[int, tuple[str, ...]], ...] = field(repr=False)
    separator: str = ""
    sheet: str = ""


def read_table(path: Path, tell: Tell) -> pd.DataFrame:
    """Every cell of a table as text without blanks round it, empty where there is nothing.

    Parameters
    ----------
    path
        Text (UTF-8, or any encoding with a byte-order mark) separated by commas, semicolons, tabs or bars, a
        ``sep=`` line before it or not; the same as gzip; or an Excel workbook.
    tell
        Is told of every line and column that cannot be read in one way only.

    Returns
    -------
    pandas.DataFrame
        One row a line that holds anything, indexed by its line number. Text is in the Unicode form NFC.

    Raises
    ------
    CohortError
        The file cannot be read as a table at all.
    """
    return table_of(read_grid(path), tell)


def is_workbook(path: Path) -> bool:
    """Whether a file is an Excel workbook; raises CohortError where it cannot be read."""
    return _content(path).startswith(ZIP)


def read_grid(path: Path, sheet: str = "") -> Grid:
    """The cells of a file; raises CohortError where it is no table, or ``sheet`` no worksheet of it."""
    content = _content(path)
    if content.startswith(ZIP):
        from bench.cohorts.workbook import workbook_rows

        found, rows = workbook_rows(path, sheet)
        return Grid(path, _kept(rows), sheet=found)
    if sheet:
        raise CohortError(
            f"{path} is no Excel workbook and has no sheet {sheet!r}; leave out {parameter('sheet')}"
        )
    return _text_grid(path, decoded(path, content))


def table_of(grid: Grid, tell: Tell, header: int = 0) -> pd.DataFrame:
    """The table of a grid whose row ``header`` names the columns; lines of another length go to ``tell``."""
    if len(grid.rows) <= header:
        raise CohortError(f"{grid.path} is empty; expected a line of column names and a line a case under it")
    line, names = grid.rows[header]
    rows = grid.rows[header + 1 :]
    names, surplus = _header(grid, line, names, rows, tell)
    index, kept = [], []
    for line, cells in rows:
        if len(cells) == len(names) + surplus or _fits(grid, cells, len(names)):
            index.append(line)
            kept.append(cells[: len(names)] + ("",) * (len(names) - len(cells)))
        else:
            tell(_odd_length(grid, line, len(cells), len(names)))
    table = pd.DataFrame(kept, index=pd.Index(index, name="line"), columns=list(names), dtype=object)
    return table.loc[:, [name != "" and name not in names[:at] for at, name in enumerate(names)]]


def decoded(path: Path, content: bytes) -> str:
    """Text of a file, its line ends as newlines; raises CohortError naming the line that is no text."""
    encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = len(re.findall(rb"\r\n|\r|\n", content[: error.start])) + 1
        raise CohortError(
            f"{path}, line {line}: byte {content[error.start]:#04x} is no {encoding.upper()} text; save the "
            "file as UTF-8 (in Excel: 'CSV UTF-8')"
        ) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise CohortError(
            f"{path}, line {line}: a NUL byte, which no text has (a damaged file, or UTF-16 without a "
            "byte-order mark); save the file again as UTF-8"
        )
    return text


def lines_named(lines: Sequence[int], most: int = 5) -> str:
    """``line 3`` or ``lines 3, 5 and 2 more``."""
    shown = ", ".join(map(str, lines[:most]))
    more = f" and {len(lines) - most} more" if len(lines) > most else ""
    return f"line{'s' if len(lines) > 1 else ''} {shown}{more}"


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CohortError(f"{path} cannot be read: {error.strerror or error}; correct its name") from None
    if content.startswith(OLD_OFFICE):
        raise CohortError(f"{path} is a workbook of Excel before 2007 (or a locked one); save it as .xlsx")
    if not content.startswith(GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise CohortError(f"{path} cannot be unpacked ({error}); copy it again") from None


def _text_grid(path: Path, text: str) -> Grid:
    """Cells of a text; the separator is the one that makes lines of one length with most columns."""
    if text.lstrip()[:200].lower().startswith(("<html", "<!doctype html", "<?xml", "{\\rtf")):
        raise CohortError(f"{path} is a web page or document, no table; save it as .xlsx or 'CSV UTF-8'")
    first, _, rest = text.partition("\n")
    named = _SEPARATOR_LINE.fullmatch(first.strip(" "))
    if named:
        return Grid(path, _kept(_records(path, rest, named[1], 2)), named[1])
    separator = max(SEPARATORS, key=lambda mark: _fitness(text, mark))
    return Grid(path, _kept(_records(path, text, separator, 1)), separator)


def _fitness(text: str, separator: str) -> tuple[bool, float, int]:
    """Whether there are several columns, the share of lines of the most common length, and the header's."""
    if separator not in text:
        return False, 1.0, 1
    header, *lengths = [len(row) for row in csv.reader(io.StringIO(text), delimiter=separator) if row] or [0]
    same = Counter(lengths).most_common(1)[0][1] / len(lengths) if lengths else 1.0
    return header > 1, same, header


def _records(path: Path, text: str, separator: str, first: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line on which a record begins, and its cells; ``first`` is the line number of the text's beginning."""
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True, skipinitialspace=True)
    line, as_read = first, _is_clean(text, separator)
    try:
        for record in reader:
            yield line, tuple(record if as_read else map(clean, record))
            line = first + reader.line_num
    except csv.Error as error:
        raise CohortError(
            f"{path}, line {line}: {error}; a quotation mark opens a cell there that does not close as one: "
            'write "" for a mark inside a cell, and close every cell that begins with one'
        ) from None


def _is_clean(text: str, separator: str) -> bool:
    """Whether every cell is printable ASCII without quotation marks, and without a blank at an end."""
    ends = f"[{re.escape(separator)}\n]"
    odd = rf'[^ -~\n{re.escape(separator)}]|"| {ends}|{ends} |\A | \Z'
    return re.search(odd, text) is None


def _kept(rows: Iterator[tuple[int, tuple[str, ...]]]) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """The rows that hold anything."""
    return tuple((line, cells) for line, cells in rows if any(cells))


def _header(
    grid: Grid, line: int, names: tuple[str, ...], rows: Sequence[tuple[int, tuple[str, ...]]], tell: Tell
) -> tuple[tuple[str, ...], int]:
    """Names of the columns, and how many empty cells every line has beyond them.

    Separators at the end of the header, of every line, or of both name no column. A single line that ends so
    is rejected: its cells may be shifted (an unquoted decimal comma does that).
    """
    filled = _filled(rows)
    named = max((at for at, name in enumerate(names) if name), default=-1) + 1
    lengths = {len(cells) for _, cells in rows}
    ends_bare = filled <= named and (len(names) > named or not grid.separator)
    surplus = 0
    if len(lengths) == 1 and filled <= named:
        surplus = max(lengths.pop() - named, 0)
    elif ends_bare:
        surplus = len(names) - named
    names = names[: max(named, min(filled, len(names)))]
    for at, name in enumerate(names):
        if at == 0 and not name and _counts_lines(rows):
            continue
        if not name and any(len(cells) > at and cells[at] for _, cells in rows):
            first = next(number for number, cells in rows if len(cells) > at and cells[at])
            detail = (
                f"{grid.path}, line {line}: column {at + 1} has no name and holds values, first in line "
                f"{first}; name it in the header or remove it"
            )
            tell(Violation("column without a name", detail, line=line))
    _tell_same_names(grid, line, names, tell)
    return names, surplus


def _filled(rows: Sequence[tuple[int, tuple[str, ...]]]) -> int:
    """Cells up to the last that holds anything in any row."""
    widest = max((len(cells) for _, cells in rows), default=0)
    if any(len(cells) == widest and cells[-1] for _, cells in rows):
        return widest
    return max((max(at for at, cell in enumerate(cells) if cell) + 1 for _, cells in rows), default=0)


def _counts_lines(rows: Sequence[tuple[int, tuple[str, ...]]]) -> bool:
    """Whether the first cells are 0, 1, 2, ... or 1, 2, 3, ..., as programs number the lines they write."""
    first = [cells[0] for _, cells in rows]
    return any(first == [str(start + at) for at in range(len(first))] for start in (0, 1))


def _tell_same_names(grid: Grid, line: int, names: Sequence[str], tell: Tell) -> None:
    """Tell of names that are there twice, or that differ in case or blanks alone."""
    first: dict[str, int] = {}
    for at, name in enumerate(names):
        key = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", name)).casefold()
        if name and key in first:
            other = names[first[key]]
            same = "is there twice" if name == other else f"and {other!r} differ in case or blanks alone"
            detail = (
                f"{grid.path}, line {line}: column {name!r} {same} (columns {first[key] + 1} and {at + 1}); "
                "rename or remove one"
            )
            tell(Violation("same column twice", detail, line=line, column=name))
        first.setdefault(key, at)


def _fits(grid: Grid, cells: Sequence[str], width: int) -> bool:
    """Whether a line is as long as the header, or of a workbook, which ends a line at its last cell."""
    return len(cells) == width or (not grid.separator and not any(cells[width:]))


def _odd_length(grid: Grid, line: int, found: int, expected: int) -> Violation:
    separator = NAMES_OF_SEPARATORS.get(grid.separator, repr(grid.separator))
    if found < expected:
        hint = f"the line is cut off or lacks {separator}s; complete it"
    else:
        decimal = ", such as a decimal comma," if grid.separator == "," else ""
        hint = f"put a cell that holds a {separator}{decimal} in quotation marks, or remove a {separator}"
    detail = f"{grid.path}, line {line}: {found} cells, expected the {expected} of the header; {hint}"
    return Violation("line of another length", detail, line=line)


def most_common(values: Sequence[str], most: int = 3) -> str:
    """The most frequent values with their counts, as ``'a' (3), 'b' (1)``."""
    return ", ".join(f"{value!r} ({count})" for value, count in Counter(values).most_common(most))
