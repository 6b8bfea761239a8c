"""What kind of file an image is, by its content: names lie about format and compression."""

import struct
from pathlib import Path
from typing import Literal

from bench.errors import ImageError
from bench.imaging.voxel_data import first_bytes, is_gzip

Kind = Literal["NIfTI", "NRRD", "MetaImage"]

HEADER_BYTES = 348
NIFTI2_BYTES = 540
METAIMAGE_KEYS = (b"ObjectType", b"NDims", b"Comment", b"ObjectSubType", b"TransformType", b"Name")
TEXT_ENDINGS: dict[Kind, tuple[str, ...]] = {"NRRD": (".nrrd", ".nhdr"), "MetaImage": (".mha", ".mhd")}
DICOM_REMEDY = (
    "convert the series of one phase to one volume, with dcm2niix or with SimpleITK: reader = "
    "sitk.ImageSeriesReader(); reader.SetFileNames(reader.GetGDCMSeriesFileNames('FOLDER')); "
    "sitk.WriteImage(reader.Execute(), 'image.nii.gz')"
)
# DICOM without its preamble begins with an element of group 2 or 8.
BARE_DICOM = tuple(bytes.fromhex(tag) for tag in ("02000000", "02001000", "08000000", "08000500", "08001600"))
# What else was met under the names of images, by its first bytes, with the remedy.
OTHERS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "fetch it with `git lfs pull`"),
    (b"<", "a page of HTML or XML", "download the file again"),
    (b"PK\x03\x04", "a zip archive", "unpack it"),
    (b"BZh", "bzip2", "unpack it"),
    (b"\xfd7zXZ", "xz", "unpack it"),
    (b"\x28\xb5\x2f\xfd", "zstandard", "unpack it"),
    (b"\x89PNG", "a PNG picture", "save the volume as NIfTI"),
    (b"\xff\xd8\xff", "a JPEG picture", "save the volume as NIfTI"),
    (b"II*\x00", "TIFF, which holds no place in the patient", "save the volume as NIfTI"),
    (b"MM\x00*", "TIFF, which holds no place in the patient", "save the volume as NIfTI"),
    (b"\x89HDF", "HDF5 (MINC 2 or MATLAB)", "save the volume as NIfTI"),
    (b"CDF", "MINC", "convert it to NIfTI (mnc2nii)"),
    (b"MATLAB", "a MATLAB file", "save the volume as NIfTI"),
    (b"\x93NUMPY", "a NumPy array without a place in the patient", "save the volume as NIfTI"),
    (b"\x00\x00\x00\x01\x00\x00", "MGH (FreeSurfer)", "convert it to NIfTI (mri_convert)"),
)


def kind_of(path: Path) -> Kind:
    """Format of an image file; raises ImageError, with what the file is instead, where it is no such."""
    start = first_bytes(path, NIFTI2_BYTES)
    if start[:4] == b"NRRD":
        return _text_kind("NRRD", path)
    if start.lstrip().startswith(METAIMAGE_KEYS) and b"=" in start:
        return _text_kind("MetaImage", path)
    lengths = {struct.unpack(f"{order}i", start[:4])[0] for order in "<>"} if len(start) >= 4 else set()
    if NIFTI2_BYTES in lengths:
        raise ImageError(
            "is NIfTI-2, expected NIfTI-1; save it with nibabel: image = nib.load(path); "
            "nib.save(nib.Nifti1Image(image.get_fdata(dtype='float32'), image.affine), 'image.nii.gz')"
        )
    if HEADER_BYTES in lengths and len(start) >= HEADER_BYTES:
        return "NIfTI"
    raise ImageError(_something_else(path, start))


def _text_kind(kind: Kind, path: Path) -> Kind:
    """``kind``, where the name says so: what a text header may point at is looked up by name."""
    if is_gzip(path):
        raise ImageError(f"is {kind} packed with gzip as a whole; unpack it (gunzip)")
    if path.suffix.lower() not in TEXT_ENDINGS[kind]:
        raise ImageError(f"is {kind} under another name; rename it to end in {TEXT_ENDINGS[kind][0]}")
    return kind


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM, with or without the preamble."""
    with path.open("rb") as file:
        start = file.read(132)
    return start[128:] == b"DICM" or start.startswith(BARE_DICOM)


def _something_else(path: Path, start: bytes) -> str:
    """What a file is that is none of the formats, and the remedy."""
    if not start:
        return "is empty; copy it again"
    if is_dicom(path):
        return f"is one DICOM file, expected a volume; {DICOM_REMEDY}"
    for magic, what, remedy in OTHERS:
        if start.startswith(magic):
            return f"cannot be read (it is {what}, expected NIfTI, NRRD or MetaImage); {remedy}"
    return (
        "cannot be read (it is neither NIfTI, NRRD nor MetaImage); replace it or leave the case out, and "
        "give an .img file beside its .hdr"
    )
