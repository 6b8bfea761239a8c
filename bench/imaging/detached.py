"""Images whose header and voxels lie in two files: which files, and that they stay inside the cohort."""

import re
from pathlib import Path

from bench.errors import ImageError
from bench.imaging.text_header import detached_name, read_text_header

PAIR = re.compile(r"\.(hdr|img)(\.gz)?$", re.IGNORECASE)
TEXT = (".mhd", ".mha", ".nhdr", ".nrrd")
# Kinds of violation that leave an image unread.
MISSING, OUTSIDE = "missing file", "path outside the folder"
OTHER_HALF = {"hdr": "img", "img": "hdr"}


def data_file(path: Path) -> Path | None:
    """The file beside ``path`` that holds the other half of the image, None where one file holds all.

    Raises ImageError where a header names several files, an absolute path, or a file that is missing.
    """
    if PAIR.search(path.name):
        return other_half(path)
    if path.suffix.lower() not in TEXT:
        return None
    name = detached_name(read_text_header(path))
    if name is None:
        return None
    if Path(name).is_absolute() or re.match(r"[A-Za-z]:|\\", name):
        raise ImageError(
            f"names its data file by an absolute path ({name!r}); write it from the header", OUTSIDE
        )
    if not (path.parent / name).is_file():
        raise ImageError(f"names the data file {name!r}, which is missing; copy it too", MISSING)
    return path.parent / name


def other_half(path: Path) -> Path | None:
    """The .img of a .hdr or the .hdr of an .img, packed or not; None where there is none."""
    wanted = OTHER_HALF[PAIR.search(path.name)[1].lower()]  # type: ignore[index]  # the caller has matched
    stem = PAIR.sub("", path.name)
    for ending in (wanted, wanted.upper(), f"{wanted}.gz"):
        if (path.parent / f"{stem}.{ending}").is_file():
            return path.parent / f"{stem}.{ending}"
    return None


def require_inside(path: Path, data: Path, folder: Path) -> None:
    """Raise ImageError where a header's data file lies neither in the cohort's folder nor beside the header.

    Links are followed: a folder of images may be a link as a whole, a data file may not lead out alone.
    """
    real = data.resolve()
    if not (real.is_relative_to(folder.resolve()) or real.is_relative_to(path.resolve().parent)):
        raise ImageError(
            f"has its voxels in {str(data)!r}, outside the cohort folder; move the file inside and "
            "correct the header",
            OUTSIDE,
        )
