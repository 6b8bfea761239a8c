"""Where the code of a method stands, for messages that point at a line."""

import importlib.util
import inspect
import sys
import traceback
from pathlib import Path

from bench.methods.method import MethodSpec


def module_file(spec: MethodSpec) -> Path | None:
    """The Python file that defines the class of a method, None where there is none."""
    name = spec.target.partition(":")[0]
    loaded = sys.modules.get(name)
    found = getattr(loaded, "__file__", None)
    if found is None:
        try:
            place = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        found = place.origin if place else None
    return Path(found) if found and found.endswith(".py") else None


def definition_of(cls: type, function: str) -> str:
    """``file.py:12``: where a function of a method's class begins, else the class; or nothing."""
    for part in (getattr(cls, function, None), cls):
        try:
            file, (_, line) = inspect.getsourcefile(part), inspect.getsourcelines(part)  # type: ignore[arg-type]
        except (TypeError, OSError):
            continue
        return f"{Path(file or '').name}:{line}"
    return ""


def place_of(error: BaseException, spec: MethodSpec) -> str:
    """``file.py:12`` of the last line of the method's own folder that the error went through; or nothing."""
    file = module_file(spec)
    if file is None:
        return ""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(file.parent)
    ]
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
