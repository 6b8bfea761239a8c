"""What the table and the headers say of one case, for somebody who looks at it."""

from collections.abc import Iterator, Mapping

import numpy as np
import SimpleITK as sitk

from bench.cohorts.cohort import Cohort
from bench.imaging.lesion import Lesion
from bench.imaging.volume import VolumeFile, open_file

MICROLITRES = 1000.0


def case_facts(cohort: Cohort, case_id: str) -> dict[str, str]:
    """Name to text: who the case is, its labels and covariates, the geometry of its image and the lesion.

    Columns of the role ``ignore`` are left out.

    Raises
    ------
    CohortError
        There is no such case, or no image.
    ImageError
        A file cannot be used.
    """
    row = cohort.take([case_id]).table.iloc[0]
    ignored = {name for name, role in cohort.roles.items() if role == "ignore"}
    facts = {str(name): _text(value) for name, value in row.items() if name not in ignored}
    source = cohort.crop_source()
    image_path, mask_path = source.paths(case_id)
    image, mask = open_file(case_id, "image", image_path), open_file(case_id, "mask", mask_path)
    lesion = mask.lesion(source.lesion_labels.get(case_id, ()))
    facts |= dict([*_geometry(image), *_lesion(mask, lesion)])
    others = [open_file(case_id, name, path) for name, path in source.others(case_id).items()]
    files = dict(zip(source.images, (image, *others), strict=True))
    return facts | (_phases(files, lesion) if others else {})


def _text(value: object) -> str:
    if value is None or value != value:
        return "unknown"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _geometry(image: VolumeFile) -> Iterator[tuple[str, str]]:
    """Grid and intensities of the image."""
    grid, voxels = image.grid, image.whole()
    low, middle, high = np.percentile(voxels, (0, 50, 100))
    yield "image size along x, y, z", " x ".join(map(str, grid.size.tolist()))
    yield "voxel, mm", " x ".join(f"{edge:.3g}" for edge in grid.spacing)
    cosines = grid.direction.ravel().tolist()
    yield "axes point to", sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(cosines)
    yield "voxels of type", str(voxels.dtype)
    yield "intensity, lowest, median, highest", f"{low:.4g}, {middle:.4g}, {high:.4g}"
    for number, note in enumerate(image.notes, start=1):
        yield f"note {number}", note


def _phases(files: Mapping[str, VolumeFile], lesion: Lesion) -> dict[str, str]:
    """How bright the lesion is in each of several images: before contrast it is darker than after it."""
    lower, size = lesion.first[::-1], np.array(lesion.inside.shape[::-1])
    means = {name: file.voxels(lower, size)[lesion.inside].mean() for name, file in files.items()}
    return {"mean in the lesion": ", ".join(f"{name} {mean:.4g}" for name, mean in means.items())}


def _lesion(mask: VolumeFile, lesion: Lesion) -> Iterator[tuple[str, str]]:
    spacing = mask.grid.spacing
    z, y, x = (int(length) for length in lesion.inside.shape)
    yield "lesion volume, ml", f"{lesion.inside.sum() * spacing.prod() / MICROLITRES:.3g}"
    extent = " x ".join(f"{count * edge:.3g}" for count, edge in zip((x, y, z), spacing, strict=True))
    yield "lesion extent, mm", extent
    yield "lesion slices", f"{lesion.first[0] + 1} to {lesion.first[0] + z} of {int(mask.grid.size[2])}"
