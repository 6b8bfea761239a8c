"""Files of a source stay inside the folder that the user named."""

from pathlib import Path


def leaves(path: Path, folder: Path) -> bool:
    """Whether a path, links followed, lies outside the folder: a link, or an id such as ``../x``."""
    return not path.resolve().is_relative_to(folder.resolve())
