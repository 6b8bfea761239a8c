"""Voxels of a phase: each image decoded, rescaled as its header says, and stacked by geometry."""

import tempfile
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from bench.cohorts.importers.dicom.files import Refused
from bench.cohorts.importers.dicom.headers import MAX_VOXELS
from bench.cohorts.importers.dicom.image import Image
from bench.cohorts.importers.dicom.phases import Phase
from bench.imaging.grid import Grid

UNDECODED = "an image cannot be decoded"
DESCRIBE_PIXELS = (
    *("SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored"),
    *("HighBit", "PixelRepresentation"),
)


def grid_of(images: Sequence[Image]) -> Grid:
    """The grid of a volume from the geometry of its slices: oblique orientations stay as they are.

    The axis from slice to slice is the line through the first and the last slice's position, which is the
    normal up to rounding.
    """
    first, last = images[0], images[-1]
    row, column = np.array(first.orientation).reshape(2, 3)
    row, column = row / np.linalg.norm(row), column / np.linalg.norm(column)
    distance = (last.height - first.height) / (len(images) - 1)
    return Grid(
        np.array([first.columns, first.rows, len(images)]),
        np.array([first.spacing[1], first.spacing[0], distance]),
        np.array(first.position),
        np.stack([row, column, first.normal], axis=1),
    )


def is_sheared(images: Sequence[Image]) -> bool:
    """Whether the slices are shifted against each other within their planes, as by a tilted gantry."""
    across = np.array(images[-1].position) - np.array(images[0].position)
    sideways = across - (across @ images[0].normal) * images[0].normal
    return bool(np.linalg.norm(sideways) > max(images[0].spacing))


def read_phase(phase: Phase) -> np.ndarray:
    """Intensities of a phase, float32, shape (slice, row, column).

    Raises
    ------
    Refused
        The phase has a fault, or an image cannot be decoded.
    """
    if phase.fault:
        raise Refused(phase.detail, phase.fault)
    if is_sheared(phase.images):
        raise Refused("its slices are shifted against each other (a sheared volume)")
    first = phase.first
    if len(phase.images) * first.rows * first.columns > MAX_VOXELS:
        raise Refused("a phase of more voxels than any exam has")
    voxels = np.empty((len(phase.images), first.rows, first.columns), np.float32)
    for at, image in enumerate(phase.images):
        voxels[at] = intensities(image)
    if not np.isfinite(voxels).all():
        raise Refused("it has voxels that are not finite")
    return voxels


def same_pixels(a: Image, b: Image) -> bool:
    """Whether two images show the same, and not one value alone; False where one cannot be decoded."""
    try:
        here = intensities(a)
        return bool(np.ptp(here)) and np.array_equal(here, intensities(b))
    except Refused:
        return False


def intensities(image: Image) -> np.ndarray:
    """One image as its scanner meant it, float32, shape (row, column)."""
    stored = stored_pixels(image).astype(np.float64)
    if stored.shape != (image.rows, image.columns):
        raise Refused("an image holds other pixels than its header says; copy the exam anew")
    rescaling = image.rescaling
    values = (stored * rescaling.slope + rescaling.intercept) / rescaling.divisor
    return np.asarray(values, np.float32)


def stored_pixels(image: Image) -> np.ndarray:
    """The numbers that the file holds for one image, shape (row, column)."""
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.pixels.utils import pixel_array
    from pydicom.uid import UID, ImplicitVRLittleEndian

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            file = _file(image.path)
            syntax = UID(str(getattr(file.file_meta, "TransferSyntaxUID", ImplicitVRLittleEndian)))
            if syntax.is_compressed and not get_decoder(syntax).is_available:
                return _decoded_by_itk(file, image.frame)
            return np.asarray(pixel_array(file, index=image.frame, raw=True))
        except Exception as error:  # decoders pass on whatever a damaged file makes of them
            kind = type(error).__name__
            raise Refused(f"{UNDECODED} ({kind}); copy the exam anew", UNDECODED) from None


@lru_cache(maxsize=1)
def _file(path: str) -> Any:
    """A file whole; kept, as the frames of one are asked for one after another."""
    import pydicom

    return pydicom.dcmread(path, force=True)


def _decoded_by_itk(file: Any, frame: int) -> np.ndarray:
    """Pixels of a compressed image, decoded from a copy that holds nothing else.

    SimpleITK would apply the rescaling of some headers and not of others; the copy has none.
    """
    from pydicom.encaps import encapsulate, get_frame

    frames = int(file.get("NumberOfFrames", 1) or 1)
    bare = _bare_copy(file, encapsulate([get_frame(file.PixelData, frame, number_of_frames=frames)]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "frame.dcm")
        bare.save_as(path, enforce_file_format=True)
        pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    return np.asarray(pixels[0] if pixels.ndim == 3 else pixels)


def _bare_copy(header: Any, pixels: bytes) -> Any:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import SecondaryCaptureImageStorage, generate_uid

    bare = Dataset()
    for keyword in DESCRIBE_PIXELS:
        if keyword in header:
            setattr(bare, keyword, header.get(keyword))
    bare.SOPClassUID, bare.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    bare.PixelData = pixels
    bare["PixelData"].VR = "OB"
    bare["PixelData"].is_undefined_length = True
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = header.file_meta.TransferSyntaxUID
    bare.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    bare.file_meta.MediaStorageSOPInstanceUID = bare.SOPInstanceUID
    return bare
