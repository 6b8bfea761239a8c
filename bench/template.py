"""Writing a new method from the shipped template."""

import keyword
from pathlib import Path
from string import Template

from bench.errors import UsageError
from bench.files import writing

TEMPLATES = Path(__file__).parent / "templates"


def write_method(name: str, folder: Path) -> tuple[Path, Path]:
    """Write ``NAME.py``, a complete one-file plugin, and ``test_NAME.py``; the two paths.

    Raises
    ------
    UsageError
        The name is not a lower-case Python name, or a file of that name is there.
    BenchError
        The folder cannot be written.
    """
    if not name.isidentifier() or keyword.iskeyword(name) or name != name.lower():
        raise UsageError(f"a method's name is a lower-case Python name such as mean_rim, got {name!r}")
    words = {"name": name, "cls": "".join(part.capitalize() for part in name.split("_"))}
    targets = (folder / f"{name}.py", folder / f"test_{name}.py")
    for target in targets:
        if target.exists():
            raise UsageError(f"{target} is there already; choose another name or folder")
    with writing(folder, "the method", "--folder"):
        folder.mkdir(parents=True, exist_ok=True)
        for target, source in zip(targets, ("method.py.txt", "test_method.py.txt"), strict=True):
            text = (TEMPLATES / source).read_text(encoding="utf-8")
            target.write_text(Template(text).substitute(words), encoding="utf-8")
    return targets
