"""Finding pickles: in files, whatever packs them, and in the calls of a function."""

import base64
import binascii
import bz2
import gzip
import io
import lzma
import pickle
import pickletools
import re
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

UNPACKING = (gzip.decompress, bz2.decompress, lzma.decompress, zlib.decompress)
UNPACKING_ERRORS = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)
BASE64 = re.compile(rb"[A-Za-z0-9+/_=-]{24,}")
NPY_OBJECTS = re.compile(rb"\x93NUMPY.{2,10}\{[^}]*'descr': '\|O", re.DOTALL)
MIN_OPCODES = 4
DEEPEST = 4


@contextmanager
def noting_pickles() -> Iterator[list[str]]:
    """Collect the calls of the pickle module, in C or Python, that this thread makes."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and _is_of_pickle(called):
            calls.append(f"pickle.{called.__name__}")
        elif event == "call" and frame.f_code.co_filename == pickle.__file__:
            calls.append(f"pickle.{frame.f_code.co_name}")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def _is_of_pickle(called: Any) -> bool:
    owner = type(getattr(called, "__self__", None))
    return getattr(called, "__module__", None) == "_pickle" or any(
        kind.__module__ == "_pickle" for kind in owner.__mro__
    )


def pickled_file(folder: Path) -> str | None:
    """Name of the first file below a folder that holds a pickle, None where none does."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return next((str(path.relative_to(folder)) for path in files if holds_pickle(path.read_bytes())), None)


def holds_pickle(content: bytes, depth: int = 0) -> bool:
    """Whether bytes are a pickle or pack one: archived, compressed, in base64, or as objects of NumPy."""
    if _is_pickle(content) or NPY_OBJECTS.match(content):
        return True
    return depth < DEEPEST and any(holds_pickle(inner, depth + 1) for inner in _packed(content))


def _is_pickle(content: bytes) -> bool:
    """Whether the bytes are instructions of pickle, of any protocol, up to their stop."""
    try:
        opcodes = [opcode.name for opcode, _, _ in pickletools.genops(content)]
    except Exception:  # any other file is refused in many ways
        return False
    return len(opcodes) >= MIN_OPCODES or opcodes[0] == "PROTO"


def _packed(content: bytes) -> Iterator[bytes]:
    """What the bytes pack."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as bundle:
            members = (bundle.extractfile(member) for member in bundle.getmembers() if member.isfile())
            yield from (member.read() for member in members if member is not None)
        return
    except tarfile.TarError:
        pass
    for unpack in UNPACKING:
        try:
            yield unpack(content)
        except UNPACKING_ERRORS:
            continue
    for found in BASE64.finditer(content):
        try:
            yield base64.b64decode(found[0], validate=True)
        except binascii.Error:
            continue
