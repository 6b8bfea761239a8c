"""All clauses of the contract, in the order of their codes."""

from bench.errors import unknown_name
from bench.methods.contract import honesty, labels, predicting, resources, saving
from bench.methods.contract.clause import Clause

CLAUSES: tuple[Clause, ...] = (
    *predicting.CLAUSES,
    *honesty.CLAUSES,
    *labels.CLAUSES,
    *saving.CLAUSES,
    *resources.CLAUSES,
)


def clause_named(code: str) -> Clause:
    """The clause of a code, in capitals or not; raises UsageError for an unknown one."""
    by_code = {clause.code: clause for clause in CLAUSES}
    if code.upper() not in by_code:
        raise unknown_name("clause", code, by_code)
    return by_code[code.upper()]
