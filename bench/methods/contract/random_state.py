"""What a fit draws from: the states of global generators, and generators with a constant for a seed."""

import ast
import pickle
import random
import sys

import numpy as np

from bench.methods.method import MethodSpec
from bench.methods.source import module_file

SEEDING = {"seed", "manual_seed", "default_rng", "RandomState", "Random"}
KEYWORDS = {"seed", "random_state"}


def generator_states() -> dict[str, bytes]:
    """The state of each global generator that is loaded, by its name."""
    states = {"random": pickle.dumps(random.getstate()), "numpy.random": pickle.dumps(np.random.get_state())}  # noqa: NPY002
    torch = sys.modules.get("torch")
    if torch is not None:
        states["torch"] = torch.get_rng_state().numpy().tobytes()
    return states


def constant_seeds(spec: MethodSpec) -> list[str]:
    """``file:line: code`` of every generator that the method's own file seeds with a constant."""
    file = module_file(spec)
    if file is None:
        return []
    tree = ast.parse(file.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _has_fixed_seed(node)]
    return [f"{file.name}:{call.lineno}: {ast.unparse(call)}" for call in calls]


def _has_fixed_seed(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = [keyword.value for keyword in call.keywords if keyword.arg in KEYWORDS]
    if name in SEEDING:
        given += call.args[:1]
    return any(isinstance(value, ast.Constant) and isinstance(value.value, int) for value in given)
