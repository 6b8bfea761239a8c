"""The images that a DICOM file holds: one, or a frame each of an enhanced multi-frame file."""

import re
from pathlib import Path
from typing import Any

from bench.cohorts.importers.dicom.files import Refused, items, number, numbers, read_header, text
from bench.cohorts.importers.dicom.image import Image, Rescaling

MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = ("1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4")
PHILIPS = "Philips MR Imaging DD 001"
PHILIPS_SCALE = 0x0E
MAX_PIXELS = 4096 * 4096
MAX_VOXELS = 2**28
MAX_FRAMES = 20_000
TOO_MANY = "more pixels than any exam has"
VENDORS = {"ge": "GE", "siemens": "Siemens", "philips": "Philips", "toshiba": "Canon", "canon": "Canon"}
NO_CONTRAST = ("", "none", "no", "n/a", "na", "without", "unenhanced")


def read_images(path: Path) -> list[Image]:
    """The images of an MR file, in the order in which it holds them.

    Raises
    ------
    Refused
        The file is damaged, is no MR image, or lacks what places it in the patient.
    """
    header = read_header(path)
    holds = text(header, "SOPClassUID")
    if holds != MR and holds not in ENHANCED_MR:
        raise Refused(f"it holds no MR images ({kind_of(holds)})")
    require_size(header, path, bits=(8, 16, 32))
    if holds == MR:
        return [_image(header, path, 0, [header], None)]
    shared = (items(header, "SharedFunctionalGroupsSequence") or [None])[0]
    frames = items(header, "PerFrameFunctionalGroupsSequence")
    count = int(number(header, "NumberOfFrames") or 1)
    if len(frames) != count:
        raise Refused(f"it claims {count} frames and describes {len(frames)}", "other frames than claimed")
    return [
        _image(header, path, at, levels_of(header, shared, frames[at]), frames[at]) for at in range(count)
    ]


def kind_of(holds: str) -> str:
    """The name of a SOP class, such as ``CT Image Storage``."""
    from pydicom.uid import UID

    name = UID(holds).name if holds else ""
    return name if name and name != holds else "of an unknown kind"


def require_size(header: Any, path: Path, bits: tuple[int, ...]) -> None:
    """Raise Refused for colour, and for claims of more pixels than memory, or than the file, can hold.

    ``bits`` are the numbers of bits a pixel that are understood.
    """
    rows, columns = number(header, "Rows") or 0, number(header, "Columns") or 0
    frames, allocated = number(header, "NumberOfFrames") or 1, number(header, "BitsAllocated") or 0
    if (number(header, "SamplesPerPixel") or 1) != 1:
        raise Refused("it is a colour picture, not intensities")
    if rows < 1 or columns < 1 or allocated not in bits:
        raise Refused(f"it has no pixels, or none of {' or '.join(map(str, bits))} bits")
    total = rows * columns * frames
    if rows * columns > MAX_PIXELS or frames > MAX_FRAMES or total > MAX_VOXELS:
        claim = f"{frames:g} frames of {rows:g} x {columns:g} pixels"
        raise Refused(f"it claims {claim}, {TOO_MANY}", f"it claims {TOO_MANY}")
    if not _is_compressed(header) and total * allocated / 8 > path.stat().st_size:
        raise Refused("it is cut short: it holds fewer pixels than it claims; copy the file anew")


def _is_compressed(header: Any) -> bool:
    syntax = getattr(header.file_meta, "TransferSyntaxUID", None)
    # pydicom raises for an identifier that it does not know as a transfer syntax.
    if syntax is None or syntax.is_private or not syntax.is_transfer_syntax:
        return False
    return bool(syntax.is_compressed)


def levels_of(header: Any, shared: Any, frame: Any) -> list[Any]:
    """Where a frame's values stand, nearest first: groups of the frame, groups of all frames, the file."""
    groups = [
        item
        for level in (frame, shared)
        if level is not None
        for element in level
        if element.VR == "SQ"
        for item in element.value
    ]
    return [*groups, header]


def _image(header: Any, path: Path, frame: int, levels: list[Any], group: Any) -> Image:
    position, orientation = (
        several(levels, "ImagePositionPatient"),
        several(levels, "ImageOrientationPatient"),
    )
    spacing = several(levels, "PixelSpacing")
    if len(position) != 3 or len(orientation) != 6 or not is_straight(orientation):
        raise Refused("it does not say where it lies in the patient (position and orientation)")
    if len(spacing) != 2 or min(spacing) <= 0:
        raise Refused("it does not say how large its pixels are")
    return Image(
        path=str(path),
        frame=frame,
        uid=f"{text(header, 'SOPInstanceUID') or path}:{frame}",
        series=text(header, "SeriesInstanceUID"),
        series_number=int(number(header, "SeriesNumber") or 0),
        rows=int(number(header, "Rows") or 0),
        columns=int(number(header, "Columns") or 0),
        position=position,
        orientation=orientation,
        spacing=spacing,
        moments=_moments(header, levels, group),
        seconds=_seconds(header, levels),
        rescaling=_rescaling(levels),
        kind=_kind(levels),
        description=f"{text(header, 'SeriesDescription')} {text(header, 'ProtocolName')}".strip(),
        contrast=_contrast(header),
        acquisition=_acquisition(header, levels),
        burnt_in=text(header, "BurnedInAnnotation").upper() == "YES",
        space=text(header, "FrameOfReferenceUID"),
        laterality=(text(header, "ImageLaterality") or text(header, "Laterality")).upper(),
    )


def several(levels: list[Any], keyword: str) -> tuple[float, ...]:
    """Values of a keyword at the nearest level that has it; none where none does."""
    return next((found for level in levels if (found := numbers(level, keyword))), ())


def _one(levels: list[Any], keyword: str) -> float | None:
    return next((found for level in levels if (found := number(level, keyword)) is not None), None)


def is_straight(orientation: tuple[float, ...]) -> bool:
    """Whether the directions of rows and columns have length 1 and are at right angles."""
    row, column = orientation[:3], orientation[3:]
    lengths = [sum(value * value for value in axis) for axis in (row, column)]
    product = sum(a * b for a, b in zip(row, column, strict=True))
    return all(abs(length - 1) < 1e-2 for length in lengths) and abs(product) < 1e-2


def _kind(levels: list[Any]) -> tuple[str, ...]:
    words: list[str] = []
    for keyword in ("ImageType", "FrameType"):
        for level in levels:
            value = level.get(keyword) or ()
            words += [value] if isinstance(value, str) else [str(one) for one in value]
    return tuple(dict.fromkeys(word.strip().upper() for word in words))


def _moments(header: Any, levels: list[Any], group: Any) -> dict[str, float]:
    """The entries of MOMENTS that the header has."""
    frame = group if group is not None else header
    times = {
        "trigger time": _one(levels, "TriggerTime"),
        "acquisition time": _clock(
            levels, ("AcquisitionDateTime", "FrameAcquisitionDateTime"), "Acquisition"
        ),
        "content time": _clock(levels, (), "Content"),
    }
    temporal, acquisition = _one(levels, "TemporalPositionIndex"), _one(levels, "FrameAcquisitionNumber")
    counted = {
        "temporal position": _one(levels, "TemporalPositionIdentifier") if temporal is None else temporal,
        "acquisition number": number(frame, "AcquisitionNumber") if acquisition is None else acquisition,
        "instance number": number(header, "InstanceNumber") if group is None else None,
    }
    if times["trigger time"] is None:
        times["trigger time"] = _one(levels, "NominalCardiacTriggerDelayTime")
    return {name: value for name, value in {**counted, **times}.items() if value is not None}


def _seconds(header: Any, levels: list[Any]) -> float | None:
    acquired = _clock(levels, ("FrameAcquisitionDateTime", "AcquisitionDateTime"), "Acquisition")
    if acquired is None:
        acquired = _clock([header], (), "Content")
    return acquired if acquired is not None else _clock([header], (), "Series")


def _clock(levels: list[Any], keywords: tuple[str, ...], pair: str) -> float | None:
    """Seconds since the day 0 of a date and time in one value, or in ``<pair>Date`` and ``<pair>Time``."""
    for level in levels:
        for keyword in keywords:
            found = re.match(r"(\d{8})(\d{2,6}(?:\.\d+)?)", text(level, keyword))
            if found:
                return _days(found[1]) * 86400 + _of_day(found[2])
        time = re.match(r"\d{2,6}(?:\.\d+)?", text(level, f"{pair}Time").replace(":", ""))
        if time:
            return _days(text(level, f"{pair}Date")) * 86400 + _of_day(time[0])
    return None


def _of_day(digits: str) -> float:
    padded = f"{digits.split('.')[0]:0<6}"
    fraction = float(f"0.{digits.split('.')[1]}") if "." in digits else 0.0
    return int(padded[:2]) * 3600 + int(padded[2:4]) * 60 + int(padded[4:6]) + fraction


def _days(date: str) -> int:
    from datetime import date as calendar

    try:
        return calendar.fromisoformat(date[:8]).toordinal()
    except ValueError:
        return 0


def _contrast(header: Any) -> bool | None:
    """Whether a contrast agent is named; None where the header has no such field."""
    if "ContrastBolusAgent" not in header and "ContrastBolusAgentSequence" not in header:
        return None
    agent = text(header, "ContrastBolusAgent").lower()
    return agent not in NO_CONTRAST or bool(items(header, "ContrastBolusAgentSequence"))


def _rescaling(levels: list[Any]) -> Rescaling:
    slope = _one(levels, "RescaleSlope")
    intercept = _one(levels, "RescaleIntercept")
    divisor = next((found for level in levels if (found := _philips_divisor(level, slope or 1.0))), 1.0)
    return Rescaling(slope or 1.0, intercept or 0.0, divisor)


def _philips_divisor(level: Any, slope: float) -> float:
    """Rescale slope times Philips' scale slope; 0 where the level does not have it."""
    try:
        value = float(level.private_block(0x2005, PHILIPS)[PHILIPS_SCALE].value)
    except Exception:  # absent, or of a type that is no number
        return 0.0
    return slope * value if 0 < value < float("inf") else 0.0


def _acquisition(header: Any, levels: list[Any]) -> dict[str, str]:
    """Scanner and protocol as covariates: numbers, and the vendor as one of a fixed list."""
    maker = text(header, "Manufacturer").lower()
    vendor = next(
        (name for word, name in VENDORS.items() if maker.startswith(word)), "other" if maker else ""
    )
    tesla = _one(levels, "MagneticFieldStrength") or 0.0
    values = {
        "field_strength": tesla / 1e4 if tesla > 100 else tesla,
        "repetition_time": _one(levels, "RepetitionTime") or 0.0,
        "echo_time": _one(levels, "EchoTime") or _one(levels, "EffectiveEchoTime") or 0.0,
        "flip_angle": _one(levels, "FlipAngle") or 0.0,
        "slice_thickness": _one(levels, "SliceThickness") or 0.0,
    }
    return {"vendor": vendor, **{name: f"{value:g}" if value else "" for name, value in values.items()}}
