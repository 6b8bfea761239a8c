"""The voxels of an image file as its header describes them: where they begin, how they are coded."""

import bz2
import gzip
import io
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from isal import igzip, isal_zlib

from bench.errors import ImageError
from bench.imaging.grid import Grid

PIECE_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
CUT_SHORT = "ends before its last voxel; copy it again"

# More than any MRI volume has, and more than deflate can pack into a byte.
MAX_VOXELS = 2**32
MAX_PACKED = 1032

SURPLUS = (
    "is {} bytes longer than its header says: size, number type or the place of its first voxel may be wrong"
)

Coding = Literal["raw", "gzip", "zlib", "bzip2", "text", "hex"]


@dataclass(frozen=True, eq=False)
class VoxelData:
    """Voxels of one volume in a file, x running fastest.

    Parameters
    ----------
    path
        The file that holds them.
    size
        Voxels along x, y, z, shape (3,).
    number
        Their number type with its byte order.
    first_byte
        Where they begin: in the decoded bytes of a file that is one gzip stream, in the file else.
    coding
        How they are coded from there on; ``gzip`` is a whole file of one or several gzip members where
        ``wrapped``, else a stream that begins at ``first_byte``.
    wrapped
        Whether the whole file is gzip, header included.
    slope, intercept
        What makes values of the stored numbers.
    """

    path: Path
    size: np.ndarray
    number: np.dtype
    first_byte: int
    coding: Coding = "raw"
    wrapped: bool = False
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def bytes_needed(self) -> int:
        """Bytes of all voxels, decoded."""
        return int(np.prod(self.size)) * self.number.itemsize

    def read(self, lower: np.ndarray, size: np.ndarray) -> np.ndarray:
        """The block of ``size`` from index ``lower`` (x, y, z) on, shape (z, y, x), in native byte order.

        Raises ImageError where the file ends early or is damaged; a coded file is read to its end, as its
        checksum stands there.
        """
        self._require_possible()
        x, y, _ = self.size
        row = int(x * y) * self.number.itemsize
        content = self._content(int(lower[2]) * row, int(size[2]) * row)
        block = np.frombuffer(content, self.number).reshape(size[2], y, x)
        block = block[:, lower[1] : lower[1] + size[1], lower[0] : lower[0] + size[0]]
        if self.slope != 1 or self.intercept != 0:
            return (block.astype(np.float64) * self.slope + self.intercept).astype(np.float32)
        return block if self.number.isnative else block.astype(self.number.newbyteorder("="))

    def length_notes(self) -> tuple[str, ...]:
        """A note where the file goes on after its last voxel; ImageError where raw voxels end early."""
        self._require_possible()
        if self.coding == "raw":
            surplus = self.path.stat().st_size - self.first_byte - self.bytes_needed
        elif self.coding == "gzip" and self.wrapped:
            surplus = _last_member_bytes(self.path) - (self.first_byte + self.bytes_needed)
            surplus = surplus if 0 < surplus < self.bytes_needed else 0  # of several members it says nothing
        else:
            return ()
        if surplus < 0 or self.first_byte < 0:
            raise ImageError(CUT_SHORT)
        return (SURPLUS.format(surplus),) if surplus else ()

    def _require_possible(self) -> None:
        """Raise ImageError where the header claims more voxels than the file can hold, before any is read."""
        voxels = math.prod(int(count) for count in self.size)
        size = self.path.stat().st_size
        deflated = self.coding in ("gzip", "zlib")
        if voxels > MAX_VOXELS or (deflated and voxels * self.number.itemsize > MAX_PACKED * size):
            raise ImageError(
                f"ends before its last voxel: its header claims {voxels:,} voxels, which a file of {size:,} "
                "bytes cannot hold; copy it again or leave the case out"
            )

    def _content(self, start: int, count: int) -> bytes:
        """``count`` bytes of the voxels from byte ``start`` of them on."""
        if self.coding == "raw":
            content = self._stored(self.first_byte + start, count)
        elif self.coding == "gzip":
            content = self._inflated(start, count)
        else:
            content = self._decoded()[start : start + count]
        if len(content) != count:
            raise ImageError(CUT_SHORT)
        return content

    def _stored(self, start: int, count: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(count)

    def _inflated(self, start: int, count: int) -> bytes:
        with self.path.open("rb") as file, reported():
            if self.wrapped:
                start += self.first_byte
            else:
                file.seek(self.first_byte)
            with igzip.IGzipFile(fileobj=file) as stream:  # type: ignore[no-untyped-call]
                _skip(stream, start)
                content = bytes(stream.read(count))
                while stream.read(PIECE_BYTES):
                    pass
        return content

    def _decoded(self) -> bytes:
        """All voxels of a coding that is decoded whole."""
        with self.path.open("rb") as file, reported():
            file.seek(self.first_byte)
            coded = file.read()
            if self.coding == "zlib":
                return _inflated_zlib(coded)
            if self.coding == "bzip2":
                return bz2.decompress(coded)
            if self.coding == "hex":
                return bytes.fromhex(coded.decode("ascii"))
            values = coded.replace(b",", b" ").split()
            return np.array(values[: int(np.prod(self.size))], np.float64).astype(self.number).tobytes()


@dataclass(frozen=True, eq=False)
class Opened:
    """What a header says of its one volume; ``notes`` are what other programs may read otherwise."""

    grid: Grid
    data: VoxelData
    notes: tuple[str, ...] = ()


def is_gzip(path: Path) -> bool:
    """Whether the file's content is gzip, whatever its name."""
    with path.open("rb") as file:
        return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC


def first_bytes(path: Path, count: int) -> bytes:
    """The first bytes of the file's content, inflated where it is gzip; fewer where the file is shorter."""
    if not is_gzip(path):
        with path.open("rb") as file:
            return file.read(count)
    with reported(), igzip.IGzipFile(path) as stream:  # type: ignore[no-untyped-call]
        return bytes(stream.read(count))


@contextmanager
def reported() -> Iterator[None]:
    """Tell what decoders raise as ImageError."""
    try:
        yield
    except EOFError as error:
        raise ImageError(CUT_SHORT) from error
    except (gzip.BadGzipFile, isal_zlib.error, zlib.error) as error:  # type: ignore[misc]  # a class
        raise ImageError(f"is damaged ({error}): its checksum or coding is wrong; copy it again") from error
    except (ValueError, OSError) as error:
        raise ImageError(f"cannot be read ({error}); replace it or leave the case out") from error


def _last_member_bytes(path: Path) -> int:
    """Length that the last member of a gzip file gives as that of its content, modulo 2^32."""
    with path.open("rb") as file:
        file.seek(-4, 2)
        return int.from_bytes(file.read(4), "little")


def _skip(stream: io.BufferedIOBase, count: int) -> None:
    while count > 0:
        piece = stream.read(min(count, PIECE_BYTES))
        if not piece:
            raise ImageError(CUT_SHORT)
        count -= len(piece)


def _inflated_zlib(coded: bytes) -> bytes:
    """The content of one zlib or gzip stream, its checksum compared."""
    inflate = isal_zlib.decompressobj(wbits=31 if coded[:2] == GZIP_MAGIC else 15)
    content = inflate.decompress(coded)
    if not inflate.eof:
        raise EOFError
    return bytes(content)
