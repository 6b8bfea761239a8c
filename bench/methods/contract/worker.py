"""The process that a method is checked in: an empty line when it is ready, one of JSON for each clause."""

import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any

from bench.methods.contract.catalogue import clause_named
from bench.methods.contract.judge import Order, judged_clauses, predicted_alone, subject_of
from bench.methods.contract.subject import Origin
from bench.methods.registry import load_registry


def main(task: str, order: Path, answer: Path) -> None:
    """Check what ``order`` asks for, or predict it; ``answer`` is a descriptor or a file."""
    content = pickle.loads(order.read_bytes())
    if task == "check":
        _check(content, answer)
    else:
        _find_modules(content[-1])
        answer.write_bytes(pickle.dumps(predicted_alone(*content)))


def _check(order: Order, answer: Path) -> None:
    _find_modules(order.origin)
    with answer.open("w", encoding="utf-8", buffering=1) as lines, subject_of(order) as subject:
        lines.write("\n")
        for check in judged_clauses(map(clause_named, order.codes), subject):
            lines.write(json.dumps(check.as_json()) + "\n")


def _find_modules(origin: Origin) -> None:
    sys.path[:] = origin.path
    load_registry(map(Path, origin.plugins))


def _arguments(words: list[str]) -> tuple[Any, ...]:
    task, order, answer = words
    return task, Path(order), Path(answer)


if __name__ == "__main__":
    os.setsid()
    main(*_arguments(sys.argv[1:]))
