"""What `bench cohort init` shows of a proposal."""

import shutil
import textwrap

from bench.cohorts.proposal.propose import Proposal

SHOWN_LINES = 5
NOT_RECOGNISED = "not recognised"


def print_proposal(proposal: Proposal) -> None:
    """Show what would be written, and what to look at before it is."""
    wide = shutil.get_terminal_size().columns
    shown = [column for column in proposal.columns if column.why != NOT_RECOGNISED]
    width = min(max((len(column.source) for column in shown), default=0), wide // 3)
    for column in shown:
        name = f" {column.name}" if column.use == "task" else ""
        _print(
            f"{column.source.ljust(width)}  ->  {column.use}{name} ({column.why})", wide, " " * (width + 6)
        )
    unknown = [column.source for column in proposal.columns if column.why == NOT_RECOGNISED]
    if unknown:
        _print(f"{len(unknown)} columns are {NOT_RECOGNISED} and ignored: {', '.join(unknown)}", wide, "    ")
    print(f"\n--- cohort.toml\n{proposal.toml}")
    print(f"--- cases.csv, first of {len(proposal.cases)} lines")
    for line in proposal.cases.head(SHOWN_LINES).to_csv(index=False, lineterminator="\n").splitlines():
        print(line if len(line) <= wide else f"{line[: wide - 3]}...")
    print()
    for note in proposal.notes:
        _print(f"look at this: {note}", wide, "    ")


def _print(text: str, width: int, indent: str) -> None:
    lines = textwrap.wrap(
        text,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
    print("\n".join(lines))
