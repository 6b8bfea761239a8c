"""A table as a notebook wants it: shown as HTML, turned into a data frame, Markdown or LaTeX."""

from dataclasses import dataclass, fields

import pandas as pd

from bench.report import table as report
from bench.report.formats.html import to_html
from bench.report.formats.latex import to_latex
from bench.report.formats.text import to_markdown


@dataclass(frozen=True, eq=False)
class Table(report.Table):
    """A board, a comparison or another table; a notebook shows it as HTML.

    Its fields are those of :class:`bench.report.table.Table`.

    Examples
    --------
    >>> import bench
    >>> cohort = bench.open_cohort("phantom-tiny", quiet=True)
    >>> split = bench.make_split(cohort, "internal_cv")
    >>> board = bench.evaluate("constant", cohort, split)
    >>> board.to_frame().query("task == 'er'")["value"].tolist()
    [0.5]
    >>> board.to_markdown().splitlines()[0]
    '# constant: phantom-tiny, internal_cv'
    """

    def to_frame(self) -> pd.DataFrame:
        """The numbers behind the cells, one row per row of the table; None or NaN where there is none."""
        return pd.DataFrame.from_records(list(self.records))

    def to_markdown(self) -> str:
        """GitHub-flavoured Markdown with the notes below; see :mod:`bench.report.formats.text`."""
        return to_markdown(self)

    def to_latex(self) -> str:
        """LaTeX that needs the package booktabs; see :mod:`bench.report.formats.latex`."""
        return to_latex(self)

    def _repr_html_(self) -> str:
        return to_html(self)


def shown(table: report.Table) -> Table:
    """The same table in the form for notebooks."""
    return Table(**{field.name: getattr(table, field.name) for field in fields(table)})
