"""No circle of files: what a file imports, at the top or inside a function, never leads back to it."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def modules() -> dict[str, Path]:
    found = {}
    for folder in (ROOT / "bench", ROOT / "plugins" / "bench_zoo"):
        for path in folder.rglob("*.py"):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


def imported(tree: ast.AST) -> Iterator[str]:
    """Names that a program imports while it runs; those for annotations alone are none."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imported(node)


def arrows(known: dict[str, Path]) -> dict[str, set[str]]:
    """The modules that each module imports."""
    graph: dict[str, set[str]] = {}
    for name, path in known.items():
        wanted = imported(ast.parse(path.read_text(encoding="utf-8")))
        places = {place if place in known else place.rpartition(".")[0] for place in wanted}
        graph[name] = {place for place in places if place in known and place != name}
    return graph


def test_no_file_imports_itself_in_a_circle() -> None:
    graph = arrows(modules())
    assert sum(map(len, graph.values())) > 500
    TopologicalSorter(graph).prepare()


def test_a_circle_through_a_function_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import b\n")
    (tmp_path / "b.py").write_text("def later():\n    from a import x\n    return x\n")
    with pytest.raises(CycleError):
        TopologicalSorter(arrows({name: tmp_path / f"{name}.py" for name in "ab"})).prepare()
