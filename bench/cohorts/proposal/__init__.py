"""What `bench cohort init` makes of a user's own table: a cohort.toml and a cases.csv to be read."""

from bench.cohorts.proposal.columns import Column, propose_columns
from bench.cohorts.proposal.propose import Proposal, propose, write_proposal
from bench.cohorts.proposal.show import print_proposal, require_labels

__all__ = [
    "Column",
    "Proposal",
    "print_proposal",
    "propose",
    "propose_columns",
    "require_labels",
    "write_proposal",
]
