"""Words that tables use for the columns and values of a cohort; what `bench cohort init` proposes from."""

import re
from collections.abc import Iterable

import numpy as np

AXES = ("x", "y", "z")
AXIS_WORDS = {"x": ("x", "column", "col"), "y": ("y", "row"), "z": ("z", "slice")}

IDENTITY_WORDS = {
    "case_id": (
        "case caseid casenumber caseno exam examid study studyid accession accessionnumber scan scanid "
        "lesionid id"
    ),
    "patient_id": (
        "patient patientid patientnumber patientnr patientno patientcode patientname pat patid patno patnr "
        "pid subject subjectid subjectnumber subjid usubjid participant participantid mrn recordid "
        "anonymizedid anonymisedid pseudonym"
    ),
    "site": (
        "site siteid sitename hospital hospitalid centre centreid center centerid clinic institution "
        "institute facility"
    ),
    "group": "group cohort cohortgroup set dataset partition subset",
}
TASK_WORDS = {
    "er": "er erstatus erpos erpositive estrogenreceptor oestrogenreceptor erstat",
    "pr": "pr pgr prstatus pgrstatus prpos prpositive progesteronereceptor prstat",
    "her2": "her2 her2status her2neu erbb2 her2pos her2positive her2stat",
    "hr": "hr hrstatus hormonereceptor hormonereceptorstatus",
    "ki67": "ki67 ki67index ki67percent ki67pct ki67score ki67fraction ki67value mib1 mib1index",
}
ROLE_WORDS = {
    "acquisition": (
        "vendor manufacturer scanner scannermodel model manufacturermodelname fieldstrength field tesla b0 "
        "magneticfieldstrength slicethickness slicethicknessmm spacing pixelspacing pixelmm resolution tr te "
        "repetitiontime echotime flipangle contrastagent contrast coil protocol sequence software "
        "fatsuppressed fatsuppression numphases acquisitionmatrix reconstructiondiameter"
    ),
    "clinical": (
        "age ageatdiagnosis ageyears agey sex gender menopause menopausal menopausalstatus bmi weight height "
        "ethnicity race raceandethnicity familyhistory brca parity density breastdensity smoking smoker"
    ),
    # Known only with the labels, or made from them: as a covariate they would give the answer away.
    "ignore": (
        "subtype molecularsubtype molsubtype tumorsubtype tumoursubtype tnbc triplenegative luminal "
        "grade tumorgrade "
        "tumourgrade nottinghamgrade histology histologictype pathology pcr recurrence survival "
        "treatment oncotypescore"
    ),
}
ROLE_REASONS = {
    "acquisition": "scanner or protocol",
    "clinical": "known before the biopsy",
    "ignore": "known only with the labels, or later",
}
INTERNAL = "internal int development dev discovery train training primary"
EXTERNAL = "external ext externalvalidation externaltest externaltesting"
POSITIVE = "1 1.0 + pos positive yes y true present"
NEGATIVE = "0 0.0 - neg negative no n false absent"
UNKNOWN = "nan na n/a none null unknown unk missing ? . nd notdone notavailable notassessed"
MASK_NAME = re.compile(r"mask|seg|label|(?<![a-z])roi(?![a-z])|contour|annotation")
VOLUME_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
BOX_PREFIXES = ("", "box", "bbox", "lesion")
POINT_PREFIXES = ("", "point", "centre", "center", "centroid", "lesion", "seed", "coord")
POINT_UNITS = {"mm": ("mm", "lps", "mmlps", "lpsmm"), "voxel": ("voxel", "vox", "index", "idx"), "": ("",)}


def plain(name: str) -> str:
    """Letters and digits of a name in lower case: ``Ki-67 (%)`` and ``ki67`` are the same word."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def word_for(name: str, words: dict[str, str]) -> str | None:
    """The key whose words have this name, or None."""
    return next((key for key, synonyms in words.items() if plain(name) in synonyms.split()), None)


def without_unit(name: str) -> str:
    """A name without what stands in brackets: ``Field Strength (Tesla)`` is ``Field Strength``."""
    return re.sub(r"\s*[(\[{][^)\]}]*[)\]}]?", "", name).strip()


def role_word(name: str) -> str | None:
    """The role whose words have this name, with the unit in brackets or without it."""
    return word_for(name, ROLE_WORDS) or word_for(without_unit(name), ROLE_WORDS)


def is_unknown(value: str) -> bool:
    """Whether a cell of a table says that the value is not known."""
    return not value.strip() or value.strip().lower().replace(" ", "") in UNKNOWN.split()


def is_volume(value: str) -> bool:
    """Whether a cell names an image file."""
    return value.strip().lower().endswith(VOLUME_ENDINGS)


def sounds_like_a_task(name: str) -> str | None:
    """The biomarker that a column is named after without being called its status, or None."""
    first = re.match(r"[a-z]+[0-9]*", re.sub(r"(?<=[a-z])[-_ ](?=[0-9])", "", name.lower()))
    known = word_for(first[0], TASK_WORDS) if first else None
    long = next((key for key in ("her2", "ki67", "pgr") if plain(name).startswith(key)), None)
    return known or {"pgr": "pr"}.get(long or "", long)


def names_a_mask(name: str) -> bool:
    """Whether a column or file is named as a mask."""
    return MASK_NAME.search(name.lower()) is not None


def binary_label(value: str) -> str | None:
    """``1``, ``0``, empty where unknown, or None where the value is not understood."""
    word = value.strip().lower()
    if is_unknown(value):
        return ""
    return "1" if word in POSITIVE.split() else "0" if word in NEGATIVE.split() else None


def number(value: str) -> float:
    """The number in a cell, with a decimal comma or a percent sign or without; NaN where there is none."""
    try:
        return float(value.replace("%", "").strip().replace(",", "."))
    except ValueError:
        return np.nan


def group_of(value: str) -> str | None:
    """``internal`` or ``external``, or None where the value is not understood."""
    word = plain(value)
    return "internal" if word in INTERNAL.split() else "external" if word in EXTERNAL.split() else None


def box_columns(names: Iterable[str]) -> dict[str, list[str]]:
    """Columns of the box under ``first`` and ``last``, order x, y, z; empty unless all six are there.

    The columns, rows and slices of an image are x, y and z.
    """
    names = list(names)
    return _box(names, "") or _box(names, "mm")


def box_unit(names: Iterable[str]) -> str:
    """``mm`` where the names of the box's columns say so, else ``voxel``."""
    names = list(names)
    return "mm" if not _box(names, "") and _box(names, "mm") else "voxel"


def _box(names: Iterable[str], unit: str) -> dict[str, list[str]]:
    by_word = {plain(name).removesuffix(unit): name for name in names if plain(name).endswith(unit)}
    ends = {"first": ("min", "start", "first"), "last": ("max", "end", "last", "stop")}
    found = {
        end: [_axis(by_word, BOX_PREFIXES, axis, endings) for axis in AXES] for end, endings in ends.items()
    }
    whole = {end: [name for name in axes if name is not None] for end, axes in found.items()}
    return whole if all(len(axes) == len(AXES) for axes in whole.values()) else {}


def point_columns(names: Iterable[str]) -> tuple[list[str], str]:
    """Columns of the point, in the order x, y, z, and its unit where their names say it; else empty."""
    by_word = {plain(name): name for name in names}
    for unit, endings in POINT_UNITS.items():
        found = [_axis(by_word, POINT_PREFIXES, axis, endings) for axis in AXES]
        if None not in found:
            return [name for name in found if name is not None], unit
    return [], ""


def _axis(by_word: dict[str, str], prefixes: Iterable[str], axis: str, endings: Iterable[str]) -> str | None:
    words = [
        f"{prefix}{pair}"
        for prefix in prefixes
        for end in endings
        for word in AXIS_WORDS[axis]
        for pair in (f"{word}{end}", f"{end}{word}")
    ]
    return next((by_word[word] for word in words if word in by_word), None)
