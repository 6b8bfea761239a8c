"""A hospital's DICOM export and its table of labels: one case a study and lesion."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from bench.cohorts.columns import FILES, IDENTITY
from bench.cohorts.importers.dicom.choice import (
    FIRST_POST,
    Chosen,
    choose_phase,
    mean_intensity,
    require_phase,
)
from bench.cohorts.importers.dicom.files import Found, Refused, found_files, require_pydicom
from bench.cohorts.importers.dicom.headers import ENHANCED_MR, MR, read_images
from bench.cohorts.importers.dicom.image import Image
from bench.cohorts.importers.dicom.labels import (
    Columns,
    LabelTable,
    Line,
    joined,
    line_of,
    normalised,
    read_labels,
)
from bench.cohorts.importers.dicom.marks import BoxUnit, Mark, marked_lesions, read_marks
from bench.cohorts.importers.dicom.masks import MARKERS, Lesion, Lesions, lesions_of
from bench.cohorts.importers.dicom.phases import Phase
from bench.cohorts.importers.dicom.several import choose_phases, image_names
from bench.cohorts.importers.dicom.side import Cut, cut_to_side, side_of
from bench.cohorts.importers.dicom.study import Dynamic, dynamic_of
from bench.cohorts.importers.dicom.volume import grid_of, read_phase, same_pixels
from bench.cohorts.importers.importer import Card, Case, Excluded, Study, StudyError, option
from bench.cohorts.importers.inside import leaves
from bench.cohorts.proposal.synonyms import VOLUME_ENDINGS
from bench.errors import UsageError, parameter
from bench.imaging.grid import Grid
from bench.imaging.volume import as_image

IMAGES = (MR, *ENHANCED_MR)
NOT_IN_TABLE, NO_IMAGES = "not in the table", "no images"
# What stands behind the id in the name of a mask.
MASK_WORD = r"[-_ ]*(mask|seg|segmentation|label|roi|lesion)s?[-_ ]*\d*$"
BURNT_IN = "burnt-in annotation: a header says that its pixels hold text"
ACQUISITION = (
    "vendor",
    "field_strength",
    "repetition_time",
    "echo_time",
    "flip_angle",
    "slice_thickness",
    "minutes_after_first_phase",
)
RESERVED = (*IDENTITY, *FILES, *ACQUISITION, "exam_day")


@dataclass(frozen=True)
class Exam:
    """What a worker gets of a study: its files by SOP class, mask files and marks beside it, the lines."""

    files: tuple[tuple[str, str], ...]
    date: str
    masks: tuple[str, ...]
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class DicomImporter:
    """Dynamic studies of any folder tree, whatever its files are called, with the labels of a table."""

    root: Path = option("Folder of DICOM files, in any order and with any names.", argument=True)
    labels: Path = option("Table of the labels: .xlsx, .csv, .tsv, a line a patient.")
    label: tuple[str, ...] = option("How a label is made, as for cohort init.", (), whole=True)
    sheet: str = option("Worksheet of a workbook; the one whose columns are known best.", "")
    patient: str = option("Column of the patient ids; recognised by its name.", "")
    site: str = option("Column of the centres; recognised by its name.", "")
    group: str = option("Column that says internal or external; recognised by its name.", "")
    side_column: str = option("Column that says left or right, where a patient has a line for each.", "")
    covariates: tuple[str, ...] = option("Columns of clinical covariates, such as age.", ())
    phase: str = option("first-post, pre, post2, a number from 0, or minutes such as 2min.", FIRST_POST)
    phases: tuple[str, ...] = option("Several phases to keep side by side, such as post1,post2,pre.", ())
    side: bool = option("Cut volumes of both breasts to the side with the lesion.", False)
    series: str = option("Only series whose description matches this regular expression.", "")
    masks: Path | None = option("Folder of masks as NIfTI or NRRD, named by patient.", None)
    boxes: Path | None = option("Table of the lesions' boxes or points, a line a lesion.", None)
    box_unit: BoxUnit = option("In what boxes are given; as their columns are named.", BoxUnit.AUTO)
    segment: str = option("Only segments and contours whose name matches this regular expression.", "")
    lesions: Lesions = option("What becomes of several lesions.", Lesions.LARGEST)
    name: str = option("Name of the cohort.", "dicom")
    licence: str = option("Licence of the data.", "")
    citation: str = option("What to cite.", "")

    def card(self) -> Card:
        """Labels as the table has them, the acquisition as the headers say it."""
        require_pydicom()
        require_phase(self.phase)
        if self.phases and self.phase != FIRST_POST:
            raise UsageError(f"give {parameter('phase')} or {parameter('phases')}, not both")
        images = tuple(image_names(self.phases))
        _require_patterns(self)
        for folder, of in ((self.root, "ROOT"), (self.masks, parameter("masks"))):
            if folder is not None and not folder.is_dir():
                raise UsageError(f"there is no folder {folder}; correct {of}")
        table = _table(self)
        _require_free([*self.covariates], [*RESERVED, *images, *(task.name for task in table.tasks)])
        return Card(
            name=self.name,
            tasks=table.tasks,
            licence=self.licence,
            citation=self.citation,
            roles=dict.fromkeys(ACQUISITION, "acquisition") | dict.fromkeys(self.covariates, "clinical"),
            categorical=table.categorical,
            label_rule=table.rule,
            images=images,
        )

    def studies(self) -> Iterator[Study | Excluded]:
        """A study each that the table names, then what is left out: of the images, then of the table."""
        tree, unread = tree_of(self.root)
        table = _table(self).lines
        ids = joined(sorted(tree), sorted(table))
        masks = {} if self.masks is None else mask_files(self.masks)
        marks = {} if self.boxes is None else read_marks(self.boxes, self.patient, self.box_unit)
        for patient, studies in sorted(tree.items()):
            lines = table[ids[patient]] if patient in ids else ()
            for found in _studies_of(patient, studies, masks, lines):
                yield _with_marks(found, marks)
        for path, reason in unread:
            yield Excluded(f"file {path}", "", reason)
        for name in sorted(set(table) - set(ids.values())):
            yield Excluded(name, name, NO_IMAGES, unjoined="table")

    def cases(self, study: Study) -> Iterator[Case | Excluded]:
        """A case a lesion."""
        exam: Exam = study.content
        images, refused = images_of(exam)
        dynamic = dynamic_of(images, same_pixels, self.series)
        grid, lesions = _lesions(self, exam, dynamic)
        kept = _kept(self, dynamic, lesions[0])
        chosen = next(iter(kept.values()))
        volumes = {name: as_image(read_phase(dynamic.phases[one.place]), grid) for name, one in kept.items()}
        for at, lesion in enumerate(lesions, 1):
            key = study.key if len(lesions) == 1 else f"{study.key}-L{at}"
            try:
                line = line_of(exam.lines, side_of(lesion.inside, grid, dynamic.phases[chosen.place].first))
            except StudyError as error:
                yield Excluded(key, study.patient, error.reason)
                continue
            cut = cut_to_side(lesion.inside, grid) if self.side else None
            image, *others = (_cut(volume, cut) for volume in volumes.values())
            yield Case(
                key,
                study.patient,
                site=line.site,
                group=line.group,
                labels=line.labels,
                covariates={**line.covariates, **acquisition_of(dynamic, chosen)},
                image=image,
                mask=_cut(as_image(lesion.inside.astype(np.uint8), grid), cut),
                exam_date=_day(exam.date),
                evidence={
                    **evidence_of(dynamic, chosen, lesion, refused),
                    **(_of_several(kept, volumes, lesion) if self.phases else {}),
                    **({} if cut is None else {"side": cut.evidence}),
                },
                others=dict(zip([*volumes][1:], others, strict=True)),
            )


def _kept(importer: DicomImporter, dynamic: Dynamic, lesion: Lesion) -> dict[str, Chosen]:
    """The phases that are kept by name, the first one first."""

    def brightness(place: int) -> float:
        return mean_intensity(read_phase(dynamic.phases[place]), lesion.inside)

    if importer.phases:
        return choose_phases(dynamic.phases, image_names(importer.phases), brightness)
    return {importer.phase: choose_phase(dynamic.phases, importer.phase, brightness)}


def _cut(volume: sitk.Image, cut: Cut | None) -> sitk.Image:
    return volume if cut is None else cut.of(volume)


def _of_several(
    kept: Mapping[str, Chosen], volumes: Mapping[str, sitk.Image], lesion: Lesion
) -> dict[str, object]:
    """Of each phase that is kept: its number, its minutes, why it is that, and how bright the lesion is."""
    return {
        "kept": {
            name: {
                "phase_number": one.place,
                "minutes": None if one.minutes is None else round(one.minutes, 2),
                "evidence": one.evidence,
                "mean_in_mask": round(
                    mean_intensity(sitk.GetArrayViewFromImage(volumes[name]), lesion.inside), 1
                ),
            }
            for name, one in kept.items()
        }
    }


def _require_patterns(importer: DicomImporter) -> None:
    for name, pattern in (("series", importer.series), ("segment", importer.segment)):
        try:
            re.compile(pattern)
        except re.error as error:
            raise UsageError(f"{name}: {pattern!r} is no regular expression ({error}); correct it") from None


def _require_free(covariates: Sequence[str], taken: Sequence[str]) -> None:
    for name in covariates:
        if name in taken:
            raise UsageError(f"covariate {name}: a column of that name is written already; rename it")


@lru_cache(maxsize=1)
def _table(importer: DicomImporter) -> LabelTable:
    named = Columns(
        importer.patient, importer.site, importer.group, importer.side_column, importer.covariates
    )
    return read_labels(importer.labels, importer.sheet, importer.label, named)


Tree = dict[str, dict[str, list[Found]]]


def tree_of(root: Path) -> tuple[Tree, list[tuple[str, str]]]:
    """The files of each patient by study, and those that cannot be read with the reason."""
    tree: Tree = {}
    unread = []
    for found in found_files(root):
        if not isinstance(found, Found):
            unread.append(found)
        elif not found.patient or not found.study:
            unread.append((found.path, "no patient id or no study in its header"))
        else:
            tree.setdefault(found.patient, {}).setdefault(found.study, []).append(found)
    return tree, unread


def _with_marks(found: Study | Excluded, marks: Mapping[str, tuple[Mark, ...]]) -> Study | Excluded:
    own = marks.get(normalised(found.key), ())
    if isinstance(found, Excluded) or not own:
        return found
    return replace(found, content=replace(found.content, marks=own))


def _studies_of(
    patient: str,
    studies: Mapping[str, list[Found]],
    masks: Mapping[str, tuple[str, ...]],
    lines: tuple[Line, ...],
) -> Iterator[Study | Excluded]:
    """The studies of a patient in the order of their dates."""
    ordered = sorted(studies.items(), key=lambda entry: (entry[1][0].date, entry[0]))
    imaged = [(uid, files) for uid, files in ordered if any(file.holds in IMAGES for file in files)]
    if not imaged:
        yield Excluded(patient, patient, "no MR image" if lines else NOT_IN_TABLE, "" if lines else "images")
    for at, (uid, files) in enumerate(imaged, 1):
        key = patient if len(imaged) == 1 else f"{patient}-{at}"
        if not lines:
            yield Excluded(key, patient, NOT_IN_TABLE, unjoined="images")
            continue
        # Segmentations are often stored as a study of their own.
        others = [file for other, of in ordered if other != uid for file in of if file.holds in MARKERS]
        found = [*files, *(others if len(imaged) == 1 else [])]
        beside = masks.get(normalised(key), ())
        exam = Exam(tuple((file.path, file.holds) for file in found), files[0].date, beside, lines)
        yield Study(key, patient, exam)


def mask_files(folder: Path) -> dict[str, tuple[str, ...]]:
    """Mask files by normalised id: that of their name without a word such as mask, and of their folder."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.rglob("*")):
        if path.name.lower().endswith(VOLUME_ENDINGS) and not leaves(path, folder):
            ending = max((end for end in VOLUME_ENDINGS if path.name.lower().endswith(end)), key=len)
            stem = path.name[: -len(ending)]
            names = {normalised(re.sub(MASK_WORD, "", stem, flags=re.IGNORECASE))}
            names |= set() if path.parent == folder else {normalised(path.parent.name)}
            for name in names:
                found[name] = (*found.get(name, ()), str(path))
    return found


def images_of(exam: Exam) -> tuple[list[Image], list[str]]:
    """The images of a study, and why how many of its files hold none; raises Refused where none does."""
    images: list[Image] = []
    refused: Counter[str] = Counter()
    for path, holds in exam.files:
        if holds in MARKERS:
            continue
        try:
            images += read_images(Path(path))
        except Refused as error:
            refused[error.reason] += 1
    if not images:
        raise Refused(f"no readable MR image ({'; '.join(sorted(refused))})")
    return images, [f"{count} file(s): {reason}" for reason, count in refused.items()]


def _lesions(importer: DicomImporter, exam: Exam, dynamic: Dynamic) -> tuple[Grid, list[Lesion]]:
    """The grid of the phases, and the lesions on it."""
    if exam.marks:
        sound = sound_phase(dynamic)
        grid = grid_of(sound.images)
        return grid, marked_lesions(exam.marks, sound.images, grid, importer.lesions)
    marked = [(path, holds) for path, holds in exam.files if holds in MARKERS]
    marked += [(path, "") for path in exam.masks]
    return marked_on_grid(dynamic, marked, importer.segment, importer.lesions)


def sound_phase(dynamic: Dynamic) -> Phase:
    """The first phase that can be used; raises Refused where there is none."""
    for phase in dynamic.phases:
        if not phase.fault:
            return phase
    raise Refused(dynamic.phases[0].detail, dynamic.phases[0].fault)


def marked_on_grid(
    dynamic: Dynamic, marked: Sequence[tuple[str, str]], segment: str, which: Lesions
) -> tuple[Grid, list[Lesion]]:
    """The grid of the phases, and the lesions on it that files mark; see :func:`lesions_of`."""
    sound = sound_phase(dynamic)
    grid = grid_of(sound.images)
    return grid, lesions_of(marked, grid, sound.first.space, segment, which)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:8])
    except ValueError:
        return None


def acquisition_of(dynamic: Dynamic, chosen: Chosen) -> dict[str, str | float | None]:
    """The columns of ACQUISITION."""
    said = dynamic.phases[chosen.place].first.acquisition
    minutes = None if chosen.minutes is None else round(chosen.minutes, 2)
    return {**{name: said.get(name) or None for name in ACQUISITION[:-1]}, ACQUISITION[-1]: minutes}


def evidence_of(
    dynamic: Dynamic, chosen: Chosen, lesion: Lesion, refused: Sequence[str]
) -> dict[str, object]:
    """Why that phase, in what the lesion was found, and what of the study was left out or noticed."""
    burnt = any(image.burnt_in for image in dynamic.phases[chosen.place].images)
    faults = [f"phase {at}: {one.detail}" for at, one in enumerate(dynamic.phases) if one.fault]
    notes = [*dynamic.notes, *faults]
    return {
        "phase": f"{chosen.name}: {chosen.evidence}",
        "phase_number": chosen.place,
        "phases": len(dynamic.phases),
        "mask": lesion.evidence,
        **({"left_out": [*dynamic.left_out, *refused]} if dynamic.left_out or refused else {}),
        **({"notes": notes} if notes else {}),
        **({"flag": BURNT_IN} if burnt else {}),
    }
