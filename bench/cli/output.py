"""Where a command's table goes, settled before it is computed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.files import refuse_folder
from bench.report.formats.format import BoardFormat, board_format

if TYPE_CHECKING:
    from bench.report.table import Table


@dataclass(frozen=True)
class Output:
    """A format, and the file to write; no file means the terminal."""

    wanted: BoardFormat
    file: Path | None

    def show(self, table: "Table") -> None:
        """Print the table or write it; raises BenchError where the file cannot be written."""
        from bench.report.formats.printing import print_board, write_board

        if self.file is None:
            print_board(table, self.wanted)
        else:
            write_board(table, self.wanted, self.file)


def output(wanted: BoardFormat | None, out: Path | None) -> Output:
    """The output that ``--format`` and ``--out`` ask for.

    Raises
    ------
    UsageError
        The file is a folder, or no format is given and its name ends as no format's does.
    """
    if out is not None:
        refuse_folder(out, "the table", "--out")
    return Output(wanted or board_format(out), out)
