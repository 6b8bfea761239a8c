"""For authors of methods: the contract suite that ours pass too, and tiny synthetic cohorts."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.methods.contract.cohort import tiny_cohort
from bench.methods.contract.suite import CASES, contract_checks, distinct_faults, quick_codes
from bench.methods.local import local_method, own_parameters
from bench.methods.method import Method, MethodSpec
from bench.methods.registry import load_registry

__all__ = ["check_method", "tiny_cohort"]


def check_method(
    method: str | MethodSpec | Method,
    params: Mapping[str, Any] | None = None,
    plugins: Iterable[Path] = (),
    cases: int = CASES,
    quick: bool = False,
) -> None:
    """Assert that a method keeps every clause of the contract; for use in tests and notebooks.

    Parameters
    ----------
    method
        Name of a method, as ``bench methods`` lists it, a spec, or an instance of a class.
    params
        Hyperparameters; those that take long (``epochs``) are made small unless given here.
    plugins
        Local plugin files.
    cases
        Size of the synthetic cohort.
    quick
        Whether only the clauses are checked that ``bench run`` asks of methods from outside.

    Raises
    ------
    AssertionError
        Names every clause that is broken, and how.

    Examples
    --------
    >>> import bench
    >>> bench.check_method("constant")
    """
    spec, own = _spec(method, plugins)
    codes = quick_codes() if quick else ()
    checks = contract_checks(spec, {**own, **(params or {})}, cases, plugins, codes=codes)
    broken = [check for check in distinct_faults(checks) if not check.kept]
    assert not broken, "\n".join(
        f"{spec.name}: {check.code} {check.clause}: {check.detail}" for check in broken
    )


def _spec(method: str | MethodSpec | Method, plugins: Iterable[Path]) -> tuple[MethodSpec, Mapping[str, Any]]:
    """The spec and the hyperparameters that an instance holds."""
    if isinstance(method, str):
        return load_registry(plugins).spec(method), {}
    if isinstance(method, MethodSpec):
        return method, {}
    return local_method(type(method)), own_parameters(method)
