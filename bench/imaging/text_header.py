"""The text headers of NRRD and MetaImage files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.errors import ImageError

MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class TextHeader:
    """Fields of a header, NRRD's keys in small letters, and the byte at which what follows it begins."""

    format: str
    fields: Mapping[str, str]
    end: int

    def number(self, key: str, default: int) -> int:
        """A whole number; raises ImageError where the field holds something else."""
        try:
            return int(self.fields.get(key, default))
        except ValueError:
            raise ImageError(f"has {key} = {self.fields[key]!r}, expected a number; replace it") from None

    def numbers(self, key: str) -> list[float]:
        """All numbers of a field, empty where there is none; raises ImageError as :meth:`number`."""
        try:
            return [float(word) for word in self.fields.get(key, "").replace(",", " ").split()]
        except ValueError:
            raise ImageError(f"has {key} = {self.fields[key]!r}, expected numbers; replace it") from None

    def true(self, *keys: str) -> bool:
        """Whether any of these fields says true."""
        return any(self.fields.get(key, "")[:1] in ("T", "t", "1") for key in keys)


def read_text_header(path: Path) -> TextHeader:
    """Read the header of an NRRD or MetaImage file; raises ImageError where it has none."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES)
    nrrd = content.startswith(b"NRRD")
    fields: dict[str, str] = {}
    end = 0
    for line, after in _lines(content):
        end = after
        if nrrd and not line:
            break
        key, value = _field(line, ":" if nrrd else "=")
        key = key.lower() if nrrd else key
        if key in fields:
            raise ImageError(f"states {key!r} twice; keep one")
        if key:
            fields[key] = value
        if key == "ElementDataFile" or (nrrd and key in ("data file", "datafile") and value == "LIST"):
            break
    return TextHeader("NRRD" if nrrd else "MetaImage", fields, end)


def _lines(content: bytes) -> Iterator[tuple[str, int]]:
    """Lines without their ends, each with the byte at which the next one begins."""
    start = 0
    while start < len(content):
        stop = content.find(b"\n", start)
        stop = len(content) if stop < 0 else stop
        yield content[start:stop].decode("utf-8", "replace").rstrip("\r"), stop + 1
        start = stop + 1


def _field(line: str, separator: str) -> tuple[str, str]:
    """Key and value, both empty where the line is a comment, a magic number or a free ``key:=value``."""
    key, found, value = line.partition(separator)
    if not found or line.startswith("#") or ":=" in line:
        return "", ""
    return key.strip(), value.strip()


def detached_name(header: TextHeader) -> str | None:
    """The data file that a header names, None where the voxels follow it; raises ImageError for several."""
    keys = ("data file", "datafile") if header.format == "NRRD" else ("ElementDataFile",)
    name = next((header.fields[key] for key in keys if key in header.fields), None)
    if header.format == "MetaImage" and name is None:
        raise ImageError("has no ElementDataFile: it ends within its header; copy it again")
    if name is None or (header.format == "MetaImage" and name.upper() == "LOCAL"):
        return None
    if name.split()[:1] == ["LIST"] or "%" in name:
        raise ImageError("spreads its voxels over several files; save the volume as one file")
    return name
