"""Which files of a tree are DICOM, and to which patient and study each belongs."""

import importlib.util
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cohorts.importers.importer import StudyError
from bench.errors import UsageError

PREFIX_AT = 128
# Without the prefix: explicit or implicit little endian that begins with group 2 or 8.
BARE_STARTS = (b"\x02\x00", b"\x08\x00")
DEFLATED = "1.2.840.10008.1.2.1.99"
DICOMDIR = "1.2.840.10008.1.3.10"
LAST_OF_IDENTITY = 0x0020000D
TRANSFER_SYNTAX = 0x00020010


class Refused(StudyError):
    """A file, a series or a study that is not imported; the message says why and quotes no header.

    ``reason`` is the same for all that share it, where the message has numbers of its own.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message, reason or message)


@dataclass(frozen=True)
class Found:
    """A DICOM file of the tree: path, whose it is, and what it holds (a SOP class)."""

    path: str
    patient: str
    study: str
    holds: str
    date: str


def require_pydicom() -> None:
    """Raise UsageError where pydicom, which reads headers and pixels, is not installed."""
    if importlib.util.find_spec("pydicom") is None:
        raise UsageError("DICOM files are read with pydicom: pip install 'dcebench[dicom]'")


def found_files(root: Path) -> Iterator[Found | tuple[str, str]]:
    """The DICOM files of a tree in the order of their paths; ``(path, reason)`` where one cannot be read.

    Files that are not DICOM are passed over, links are not followed. Only the beginning of each file is
    read.
    """
    for folder, subfolders, names in os.walk(root):
        subfolders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_symlink() or not path.is_file() or not is_dicom(path):
                continue
            try:
                found = _identity(path)
            except Refused as refused:
                yield str(path), str(refused)
                continue
            if found is not None:
                yield found


def is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM does, with its prefix or, named ``.dcm``, without it."""
    try:
        with path.open("rb") as file:
            start = file.read(PREFIX_AT + 4)
    except OSError:
        return False
    bare = path.suffix.lower() == ".dcm" and start[:2] in BARE_STARTS
    return start[PREFIX_AT:] == b"DICM" or bare


def _identity(path: Path) -> Found | None:
    header = read_header(path, last=LAST_OF_IDENTITY)
    holds = text(header, "SOPClassUID")
    if not holds and text(header.file_meta, "MediaStorageSOPClassUID") == DICOMDIR:
        return None
    study, patient = text(header, "StudyInstanceUID"), text(header, "PatientID")
    return Found(str(path), patient, study, holds, text(header, "StudyDate"))


def read_header(path: Path, last: int | None = None) -> Any:
    """The header of a DICOM file up to its voxels, or up to the tag ``last``.

    Raises
    ------
    Refused
        The file is damaged, deflated (its size once unpacked cannot be told), or nested too deeply.
    """
    import pydicom
    from pydicom.filereader import read_partial

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _refuse_deflated(path)
            if last is None:
                return pydicom.dcmread(path, stop_before_pixels=True, force=True)
            with path.open("rb") as file:
                return read_partial(file, lambda tag, _vr, _length: int(tag) > last, force=True)
        except RecursionError:
            raise Refused("its header is nested too deeply; it is damaged, or made to harm") from None
        except Refused:
            raise
        except Exception as error:  # pydicom passes on whatever a damaged file makes of it
            raise Refused(f"its header cannot be read ({type(error).__name__}); copy the file anew") from None


def _refuse_deflated(path: Path) -> None:
    from pydicom.filereader import read_file_meta_info

    with path.open("rb") as file:
        prefixed = file.read(PREFIX_AT + 4)[PREFIX_AT:] == b"DICM"
    if prefixed and text(read_file_meta_info(path), "TransferSyntaxUID") == DEFLATED:
        raise Refused("it is deflated, which hides its size; unpack it with your viewer or dcmconv")


def text(header: Any, keyword: str) -> str:
    """A header's value as text, without blanks at its ends; empty where it has none or a damaged one."""
    try:
        value = header.get(keyword)
    except Exception:  # a damaged value fails only when it is asked for
        return ""
    return "" if value is None else str(value).strip("\0 ")


def number(header: Any, keyword: str) -> float | None:
    """A header's value as a finite number; None where it has none or a damaged one."""
    found = numbers(header, keyword)
    return found[0] if len(found) == 1 else None


def numbers(header: Any, keyword: str) -> tuple[float, ...]:
    """A header's values as finite numbers; none where it has none, or damaged ones."""
    try:
        value = header.get(keyword)
        several = value if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
        found = tuple(float(one) for one in several if one is not None)
    except Exception:  # a damaged value fails only when it is asked for
        return ()
    return found if all(abs(one) < float("inf") for one in found) else ()


def items(header: Any, keyword: str) -> list[Any]:
    """The items of a sequence; none where it is absent or damaged."""
    try:
        return list(header.get(keyword) or ())
    except Exception:  # a damaged sequence fails only when it is asked for
        return []
