"""The DICOM tree of Duke-Breast-Cancer-MRI: boxes on numbered images, phases as the collection maps them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.cohorts.importers.dicom.choice import MIN_RISE, Chosen, mean_intensity, minutes_of
from bench.cohorts.importers.dicom.exams import DicomImporter, Exam, acquisition_of, images_of, tree_of
from bench.cohorts.importers.dicom.files import Found, Refused
from bench.cohorts.importers.dicom.image import Image
from bench.cohorts.importers.dicom.marks import marked_lesions
from bench.cohorts.importers.dicom.masks import Lesion, Lesions
from bench.cohorts.importers.dicom.phases import Phase, phases_of
from bench.cohorts.importers.dicom.study import Dynamic
from bench.cohorts.importers.dicom.volume import grid_of, read_phase, same_pixels
from bench.cohorts.importers.importer import Case, Excluded, Study
from bench.cohorts.importers.sheet import streamed
from bench.errors import UsageError
from bench.imaging.volume import as_image

UID, ORIGINAL = "sop_instance_UID", "original_path_and_filename"
# DICOM_Images/Breast_MRI_001/post_1/..._022.dcm: patient, scan, number of the image in its scan.
PLACE = re.compile(r"(Breast_MRI_\d+)/([^/]+)/[^/]*?(\d+)\.dcm$")
PRE = "pre"
FAINT = "the box is not brighter after contrast than before: look whether it lies on the lesion"


@dataclass(frozen=True)
class Mapped:
    """What the collection's file mapping says of one image: its scan and its number there, from 1."""

    scan: str
    number: int


def scan_of(phase: str) -> str:
    """The collection's name of a phase: ``pre``, ``post_1``, ``post_2``, ...

    Raises UsageError where the phase is named by minutes.
    """
    if phase == "first-post":
        return "post_1"
    if phase == PRE or phase == "0":
        return PRE
    number = re.fullmatch(r"(?:post)?(\d+)", phase)
    if number is None:
        raise UsageError(f"phase: the file mapping names no {phase!r}; write pre, post1, post2, ...")
    return f"post_{number[1]}"


def read_mapping(path: Path, scan: str) -> dict[str, dict[str, Mapped]]:
    """The images of the scan before contrast and of ``scan``, by patient and by UID.

    Raises
    ------
    UsageError
        There is no such file or column, or it names no image of the scan.
    """
    found: dict[str, dict[str, Mapped]] = {}
    for uid, original in streamed(path, (UID, ORIGINAL)):
        place = PLACE.search(original.replace("\\", "/"))
        if place and place[2] in (PRE, scan):
            found.setdefault(place[1], {})[uid] = Mapped(place[2], int(place[3]))
    if not any(image.scan == scan for images in found.values() for image in images.values()):
        raise UsageError(f"{path} names no image of the scan {scan!r}")
    return found


def files_by_patient(root: Path) -> tuple[dict[str, list[Found]], list[tuple[str, str]]]:
    """The DICOM files of each patient, and those that cannot be read with the reason."""
    tree, unread = tree_of(root)
    files = {patient: [file for found in of.values() for file in found] for patient, of in tree.items()}
    return files, unread


def dicom_cases(
    exam: Exam, study: Study, reader: DicomImporter, mapping: Mapping[str, Mapped]
) -> Iterator[Case | Excluded]:
    """The case of a patient: phase and image numbers by the mapping, by the headers where there is none."""
    if not mapping:
        yield from reader.cases(replace(study, content=exam))
        return
    scan = scan_of(reader.phase)
    images, _ = images_of(exam)
    dynamic = _mapped_phases(images, mapping, scan)
    place = len(dynamic.phases) - 1
    phase = dynamic.phases[place]
    numbers = {uid: image.number for uid, image in mapping.items()}
    grid = grid_of(phase.images)
    (lesion,) = marked_lesions(exam.marks, phase.images, grid, Lesions.LARGEST, numbers)
    voxels = read_phase(phase)
    chosen = Chosen(scan, place, minutes_of(dynamic.phases)[place], "by the collection's file mapping")
    image = as_image(voxels, grid)
    (line,) = exam.lines
    yield Case(
        study.key,
        study.patient,
        site=line.site,
        labels=line.labels,
        covariates={**line.covariates, **acquisition_of(dynamic, chosen)},
        image=image,
        mask=as_image(lesion.inside.astype("uint8"), grid),
        evidence={
            "phase": f"{scan}, {chosen.evidence}",
            "mask": f"published {lesion.evidence}",
            **_flag(dynamic, lesion, mean_intensity(voxels, lesion.inside)),
        },
    )


def _mapped_phases(images: Sequence[Image], mapping: Mapping[str, Mapped], scan: str) -> Dynamic:
    """The scan before contrast, where it is there and whole, and the one that is wanted."""
    phases: list[Phase] = []
    for name in dict.fromkeys((PRE, scan)):
        uids = {uid for uid, image in mapping.items() if image.scan == name}
        own = [image for image in images if image.uid.rpartition(":")[0] in uids]
        missing = len(uids) - len({image.uid for image in own})
        whole = _one_phase(own, missing)
        if name == scan and whole is None:
            raise Refused(
                f"{missing} of {len(uids)} images of the scan {name} are missing",
                "images of the mapped scan are missing",
            )
        phases += [] if whole is None else [whole]
    return Dynamic(tuple(phases), (), ())


def _one_phase(images: Sequence[Image], missing: int) -> Phase | None:
    if missing or not images:
        return None
    found, _ = phases_of(images, same_pixels)
    return found[0] if len(found) == 1 else None


def _flag(dynamic: Dynamic, lesion: Lesion, after: float) -> dict[str, str]:
    """A warning where the box enhances less than any lesion does, as a box on wrong slices would."""
    before, phase = dynamic.phases[0], dynamic.phases[-1]
    if before is phase or before.fault or len(before.images) != len(phase.images):
        return {}
    rise = after / max(mean_intensity(read_phase(before), lesion.inside), 1e-9) - 1
    return {} if rise >= MIN_RISE else {"flag": FAINT}
