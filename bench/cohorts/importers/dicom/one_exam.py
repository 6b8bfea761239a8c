"""One exam of a DICOM folder without labels: its phase, its lesion, and what its headers say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from bench.cohorts.importers.dicom.choice import FIRST_POST, choose_phase, mean_intensity
from bench.cohorts.importers.dicom.exams import (
    IMAGES,
    Exam,
    acquisition_of,
    evidence_of,
    images_of,
    marked_on_grid,
    tree_of,
)
from bench.cohorts.importers.dicom.files import (
    LAST_OF_IDENTITY,
    Found,
    Refused,
    is_dicom,
    read_header,
    require_pydicom,
    text,
)
from bench.cohorts.importers.dicom.image import Image
from bench.cohorts.importers.dicom.masks import MARKERS, Lesion, Lesions
from bench.cohorts.importers.dicom.side import BOTH_BREASTS_MM, cut_to_side, side_of
from bench.cohorts.importers.dicom.study import dynamic_of
from bench.cohorts.importers.dicom.volume import read_phase, same_pixels
from bench.errors import CohortError, parameter
from bench.imaging.grid import Grid
from bench.imaging.volume import as_image

# Of the voxels of a mask, the share in a breast from which on a lesion lies there.
IN_A_BREAST = 0.05


@dataclass(frozen=True)
class Choice:
    """Which phase, series and segment of an exam are taken, as :class:`DicomImporter` names them."""

    phase: str = FIRST_POST
    series: str = ""
    segment: str = ""
    side: bool = False


@dataclass(frozen=True, eq=False)
class OneExam:
    """An exam as a method reads it.

    ``image`` and ``mask`` lie on one grid; ``images`` are the slices that ``image`` was stacked of;
    ``acquisition`` is what the headers say of it; ``evidence`` says why that phase and that lesion.
    """

    image: sitk.Image
    mask: sitk.Image
    images: tuple[Image, ...]
    acquisition: Mapping[str, str | float | None]
    evidence: Mapping[str, object]


def read_exam(folder: Path, mask: Path | None = None, choice: Choice = Choice()) -> OneExam:
    """The one exam of a folder of DICOM files, whatever its files are called.

    Parameters
    ----------
    mask
        A NIfTI or NRRD file, a DICOM segmentation or a structure set; those in the folder where not given.
    choice
        Of several phases, series and segments, which.

    Raises
    ------
    CohortError
        The folder holds no exam or several, or it is unclear which phase, series or lesion is meant; the
        message says how to name it.
    UsageError
        pydicom is not installed, or ``choice`` names no phase.
    """
    require_pydicom()
    if not folder.is_dir():
        raise CohortError(f"there is no folder {folder}; correct {parameter('dicom')}")
    try:
        return _read(folder, mask, choice)
    except Refused as refused:
        raise CohortError(f"{folder}: {refused}{_remedy(str(refused), choice)}") from refused


def _read(folder: Path, mask: Path | None, choice: Choice) -> OneExam:
    files = _files_of_one_study(folder)
    images, refused = images_of(Exam(tuple((one.path, one.holds) for one in files), "", (), ()))
    dynamic = dynamic_of(images, same_pixels, choice.series)
    grid, lesions = marked_on_grid(dynamic, _marked(files, mask), choice.segment, Lesions.EACH)
    lesion, among = lesions[0], f", the largest of {len(lesions)}" if len(lesions) > 1 else ""
    _require_one_breast(lesions, grid, dynamic.phases[0].first)
    chosen = choose_phase(
        dynamic.phases,
        choice.phase,
        lambda place: mean_intensity(read_phase(dynamic.phases[place]), lesion.inside),
    )
    phase = dynamic.phases[chosen.place]
    image, drawn = as_image(read_phase(phase), grid), as_image(lesion.inside.astype(np.uint8), grid)
    evidence = evidence_of(dynamic, chosen, lesion, refused)
    evidence["mask"] = f"{evidence['mask']}{among}"
    if choice.side:
        cut = cut_to_side(lesion.inside, grid)
        image, drawn, evidence["side"] = cut.of(image), cut.of(drawn), cut.evidence
    return OneExam(image, drawn, phase.images, acquisition_of(dynamic, chosen), evidence)


def _files_of_one_study(folder: Path) -> list[Found]:
    """The files of the one study with MR images; segmentations may be stored as a study of their own."""
    tree, _ = tree_of(folder)
    studies = [files for of in tree.values() for files in of.values()]
    imaged = [files for files in studies if any(one.holds in IMAGES for one in files)]
    if not imaged:
        raise Refused("no MR image in DICOM files")
    if len(imaged) > 1:
        patients = len({files[0].patient for files in imaged})
        raise Refused(f"{len(imaged)} studies of {patients} patient(s); name the folder of one study")
    others = [one for files in studies if files is not imaged[0] for one in files if one.holds in MARKERS]
    return [*imaged[0], *others]


def _marked(files: Sequence[Found], mask: Path | None) -> list[tuple[str, str]]:
    """Path and SOP class of what marks the lesion."""
    if mask is None:
        return [(one.path, one.holds) for one in files if one.holds in MARKERS]
    if not mask.is_file():
        raise Refused(f"the mask {mask} is missing; correct its path")
    if not is_dicom(mask):
        return [(str(mask), "")]
    holds = text(read_header(mask, last=LAST_OF_IDENTITY), "SOPClassUID")
    if holds not in MARKERS:
        raise Refused(f"the mask {mask} is DICOM, but neither a segmentation nor a structure set")
    return [(str(mask), holds)]


def _require_one_breast(lesions: Sequence[Lesion], grid: Grid, image: Image) -> None:
    """Refuse lesions in both breasts: which one is meant changes every prediction."""
    if np.ptp(grid.corners()[:, 0]) < BOTH_BREASTS_MM:
        return
    left = sum(_left(lesion.inside, grid) for lesion in lesions)
    share = left / sum(lesion.voxels for lesion in lesions)
    if {side_of(lesion.inside, grid, image) for lesion in lesions} == {"L", "R"} or (
        IN_A_BREAST < share < 1 - IN_A_BREAST and _apart(lesions[0].inside, grid)
    ):
        raise Refused("its mask marks lesions in both breasts")


def _left(inside: np.ndarray, grid: Grid) -> int:
    """How many of the voxels lie left of the middle."""
    places = grid.points(np.argwhere(inside)[:, ::-1].astype(float))
    return int((places[:, 0] > grid.corners()[:, 0].mean()).sum())


def _apart(inside: np.ndarray, grid: Grid) -> bool:
    """Whether a mask has pieces of some size in each half that do not touch each other."""
    pieces = sitk.GetArrayFromImage(sitk.ConnectedComponent(as_image(inside.astype(np.uint8), grid), True))
    sizes = np.bincount(pieces.ravel())[1:]
    large = [pieces == number for number, size in enumerate(sizes, 1) if size > IN_A_BREAST * sizes.sum()]
    return len({_left(piece, grid) > piece.sum() / 2 for piece in large}) == 2


def _remedy(said: str, choice: Choice) -> str:
    """How to say what is meant, where the message leaves it open."""
    if said == "no mask":
        return f": {parameter('mask')} names the file that marks the lesion"
    if "both breasts" in said:
        return f"; name one with {parameter('segment')}, or give a mask of one with {parameter('mask')}"
    if "choose" in said and "phase" in said:
        return f": {parameter('phase', 1)} is the second in time"
    if "no such phase" in said or f"no {choice.phase}" in said:
        return f"; name another with {parameter('phase')}"
    return ""
