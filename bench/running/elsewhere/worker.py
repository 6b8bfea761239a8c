"""The process of a method in an environment of its own: it imports little of the benchmark, by place.

    python -I worker.py PACKAGE PLACE MODULE:CLASS

``PACKAGE`` is the folder of the benchmark's package, ``PLACE`` that from which the method's module is
imported. Standard input has a request a line, as JSON; standard output has questions and one answer for each.
"""

import importlib
import importlib.util
import json
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO


class Wire:
    """The lines to and from the process that asks."""

    def __init__(self, heard: TextIO, said: TextIO) -> None:
        self.heard, self.said = heard, said

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The other side's answer to a question."""
        self.say(question)
        answer: dict[str, Any] = json.loads(self.heard.readline() or "{}")
        return answer

    def say(self, what: dict[str, Any]) -> None:
        """Write a line."""
        self.said.write(f"{json.dumps(what, default=_plain)}\n")
        self.said.flush()


def main(package: Path, place: Path, target: str) -> None:
    """Answer requests until there are none."""
    wire = _wire()
    _find_benchmark(package)
    _raise_fence()
    desk = Desk(wire, place, target)
    for line in wire.heard:
        try:
            wire.say({"done": desk.answer(json.loads(line))})
        except BaseException as error:  # a method may raise anything, or end its process
            wire.say(_failed(error))


class Desk:
    """Has one method do what is asked."""

    def __init__(self, wire: Wire, place: Path, target: str) -> None:
        self.wire, self.place, self.target = wire, place, target
        self.method: Any = None

    def answer(self, request: dict[str, Any]) -> Any:
        """Make, fit, predict, save, load, count or explain."""
        from bench.running.elsewhere.cases import distant_cases

        verb, described = request["do"], request["cases"]
        cases = {name: distant_cases(name, one, self.wire.ask) for name, one in described.items()}
        folder = Path(request["answers"])
        if verb == "make":
            self.method = self._class()(**_tuples(request["params"], request["tuples"]))
        elif verb == "fit":
            self._fit(cases, request["run"])
        elif verb == "predict":
            return _written(self.method.predict(cases["cohort"]), folder)
        elif verb == "save":
            self.method.save(Path(request["folder"]))
        elif verb == "load":
            self.method = self._class().load(Path(request["folder"]))
            return _fields(self.method)
        elif verb == "count":
            return int(self.method.count_parameters())
        elif verb == "explain":
            return _written({"": self.method.explain(cases["cohort"])}, folder)[""]
        return None

    def _fit(self, cases: dict[str, Any], told: dict[str, Any]) -> None:
        from bench.methods.method import Run
        from bench.methods.seeding import seed_global_generators

        seed_global_generators(told["seed"])
        run = Run(told["seed"], told["device"], told["threads"], Path(told["workdir"]), self._report)
        returned = self.method.fit(cases["train"], cases["val"], run)
        if returned is not self.method:
            raise TypeError(
                f"fit returned {type(returned).__name__}, expected the method itself (return self)"
            )

    def _report(self, step: int, total: int, score: float | None) -> None:
        self.wire.ask({"asks": "report", "step": step, "total": total, "score": score})

    def _class(self) -> Any:
        _find_module(self.place, self.target)
        module, _, name = self.target.partition(":")
        return getattr(importlib.import_module(module), name)


def _wire() -> Wire:
    """The pipes to the other side; what the method prints goes to the log instead."""
    heard, said = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    os.close(0)
    os.open(os.devnull, os.O_RDONLY)
    return Wire(os.fdopen(heard, encoding="utf-8"), os.fdopen(said, "w", encoding="utf-8"))


def _find_benchmark(package: Path) -> None:
    """Make the benchmark's package known by place, and none that is installed beside it."""
    spec = importlib.util.spec_from_file_location("bench", package / "__init__.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench"] = module
    spec.loader.exec_module(module)
    # Hooks were called by the process that asks; what marks them needs a library that may not be here.
    vars(module)["hookimpl"] = lambda function: function


def _raise_fence() -> None:
    """Python's fence as it holds the process that asks, which says so; the kernel's is inherited."""
    from bench.running.fence.audit import watch
    from bench.running.fence.reach import REACH, Reach

    if described := os.environ.get(REACH):
        places = json.loads(described)
        watch(Reach(*(tuple(map(Path, places[name])) for name in ("readable", "writable", "listed"))))


def _find_module(place: Path, target: str) -> None:
    """Let the method's module be imported from its place; of a folder with libraries its package alone."""
    top = target.partition(":")[0].partition(".")[0]
    if top in sys.modules:
        return
    if place.name not in ("site-packages", "dist-packages"):
        sys.path.insert(0, str(place))
        return
    inside = place / top / "__init__.py"
    file = inside if inside.is_file() else place / f"{top}.py"
    spec = importlib.util.spec_from_file_location(top, file)
    assert spec is not None and spec.loader is not None
    sys.modules[top] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[top])


def _tuples(params: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Hyperparameters as they were before JSON made lists of tuples."""
    return {**params, **{name: tuple(params[name]) for name in names}}


def _fields(method: Any) -> dict[str, Any]:
    from dataclasses import fields

    return {one.name: getattr(method, one.name) for one in fields(method) if one.init}


def _written(arrays: Any, folder: Path) -> dict[str, str]:
    """Files of arrays by task."""
    import numpy as np

    found = {}
    for at, (task, values) in enumerate(dict(arrays).items()):
        np.save(folder / f"{at}.npy", np.asarray(values), allow_pickle=False)
        found[task] = str(folder / f"{at}.npy")
    return found


def _failed(error: BaseException) -> dict[str, str]:
    return {"failed": type(error).__name__, "message": str(error), "traceback": traceback.format_exc()}


def _plain(value: Any) -> Any:
    """A value of NumPy as JSON has it."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
