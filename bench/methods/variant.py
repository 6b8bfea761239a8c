"""A method with its hyperparameters and code: what one row of a board is."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.methods.fingerprint import code_fingerprint
from bench.methods.identity import member_parts, parts_of
from bench.methods.local import LocalMethod
from bench.methods.local_code import local_fingerprint
from bench.methods.method import MethodSpec
from bench.methods.parameters import parameters
from bench.methods.search_space import SearchBudget
from bench.predictions.results import unisolated_label

# Characters of a value that a row's name shows.
MAX_LABEL_LENGTH = 60


@dataclass(frozen=True)
class Variant:
    """A method as chosen for a run: its spec, every hyperparameter, and the name of its row.

    Parameters
    ----------
    spec
        The method.
    params
        Every hyperparameter by name; with ``tuning`` those that are tried first.
    code
        Hash of the code of the method and of what it imports from its plugin.
    label
        Name of its row.
    tuning
        The budget of the search, None where the hyperparameters are fixed.
    parts
        What a method from outside the project depends on beside its code: see
        :func:`bench.methods.identity.parts_of`.
    contract
        Whether it passed the contract, known when it runs.

    Examples
    --------
    >>> import bench
    >>> tuned = bench.variant("radiomics_lr", spacing_mm=2.0)
    >>> tuned.label, tuned.spec.name
    ('radiomics_lr[spacing_mm=2.0]', 'radiomics_lr')
    """

    spec: MethodSpec
    params: Mapping[str, Any]
    code: str
    label: str
    tuning: SearchBudget | None = None
    parts: Mapping[str, Any] = field(default_factory=dict)
    contract: str = ""


def choose(spec: MethodSpec, overrides: Mapping[str, Any], tuning: SearchBudget | None = None) -> Variant:
    """Fix a method's hyperparameters; its label names those that differ from the spec's, and the budget."""
    params = parameters(spec, overrides)
    standard = parameters(spec)
    changed = {name: value for name, value in params.items() if value != standard[name]}
    mark = tuning.mark if tuning else {}
    label = row_label(spec.name, changed | mark)
    if isinstance(spec, LocalMethod):
        parts = member_parts(spec)
        return Variant(spec, params, local_fingerprint(spec.cls), unisolated_label(label), tuning, parts)
    return Variant(spec, params, code_fingerprint(spec), label, tuning, parts_of(spec))


def row_label(method: str, changed: Mapping[str, Any]) -> str:
    """``method`` or ``method[key=value,...]``."""
    if not changed:
        return method
    return f"{method}[{','.join(f'{name}={_short(value)}' for name, value in sorted(changed.items()))}]"


def _short(value: Any) -> str:
    """A value in a row's name; a long text, such as the content of a file, by its hash."""
    text = "+".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= MAX_LABEL_LENGTH else hashlib.sha256(text.encode()).hexdigest()[:8]
