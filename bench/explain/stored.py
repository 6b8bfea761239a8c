"""The heat maps of a folder that ``bench explain`` wrote, for who shows them elsewhere."""

import json
from collections.abc import Iterable
from pathlib import Path

from bench.errors import UsageError
from bench.explain.write import FACTS


def stored_heats(folders: Iterable[Path], cohort: str) -> dict[str, dict[str, Path]]:
    """Case id to the name of each of its maps, method and task, to the map's file.

    Parameters
    ----------
    cohort
        Name of the cohort that the maps must be of.

    Raises
    ------
    UsageError
        A folder holds no explanations, or those of another cohort.
    """
    found: dict[str, dict[str, Path]] = {}
    for folder in folders:
        path = folder / FACTS
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            if facts["cohort"] != cohort:
                raise UsageError(f"{folder} explains cases of {facts['cohort']}, expected {cohort}")
            for case in facts["cases"]:
                maps = found.setdefault(case["case"], {})
                files = {task: said["file"] for task, said in case["tasks"].items() if "file" in said}
                for task, file in files.items():
                    own = len(files) > 1 and len(set(files.values())) == 1
                    maps[facts["method"] if own else f"{facts['method']}, {task}"] = folder / file
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{path} cannot be read ({type(error).__name__}: {error}); `bench explain` writes it"
            ) from error
    return found
