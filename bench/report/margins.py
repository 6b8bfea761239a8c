"""The column of a comparison that says whether a margin is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.report.table import Column, Table, TableCell
from bench.scoring.comparison import Comparison
from bench.scoring.margins import MARGIN, within_margin

NOTE = (
    "Margin: equivalent where the 95 % interval of the difference lies within the margin on both sides, not "
    "inferior where it lies above the lower side (one-sided 2.5 %), inferior where it lies below it. A "
    "margin is fixed before the data are seen; pairs are not corrected for each other."
)


def with_margins(table: Table, comparisons: Sequence[Comparison], margins: Mapping[str, float]) -> Table:
    """The table with the column, in front of the verdict."""
    said = [within_margin(comparison, margins) for comparison in comparisons]
    named = ", ".join(f"{task} {margin:g}" for task, margin in margins.items())
    note = f"{NOTE} Margins: {named}."
    return replace(
        table,
        columns=(*table.columns[:-1], Column(MARGIN, "Margin", "left"), table.columns[-1]),
        rows=tuple({**row, MARGIN: TableCell(word)} for row, word in zip(table.rows, said, strict=True)),
        records=tuple(
            {**record, MARGIN: margins.get(one.task.name), "within_margin": word}
            for record, one, word in zip(table.records, comparisons, said, strict=True)
        ),
        csv_columns=(*table.csv_columns, MARGIN, "within_margin"),
        brief=(*table.brief, note),
        notes=(*table.notes, note),
    )
