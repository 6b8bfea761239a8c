"""Small DICOM exams for tests, written slice by slice as scanners write them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

MR = "1.2.840.10008.5.1.4.1.1.4"
SHAPE = (8, 20, 24)
SPACING = (2.5, 0.8, 0.7)
TILT = (0.0, 0.8, -0.6, 0.0, 0.6, 0.8)


@dataclass(frozen=True)
class Exam:
    """A patient's exam: phases of SHAPE at minutes 0, 2, 4, ..., of which the lesion brightens."""

    patient: str = "BR-07"
    phases: int = 3
    one_series: bool = True
    orientation: tuple[float, ...] = (1, 0, 0, 0, 1, 0)
    study: str = field(default_factory=generate_uid)
    space: str = field(default_factory=generate_uid)
    header: Mapping[str, Any] = field(default_factory=dict)

    @property
    def normal(self) -> np.ndarray:
        row, column = np.array(self.orientation).reshape(2, 3)
        return np.cross(row, column)

    def position(self, slice_at: int) -> list[float]:
        return (np.array([-30.0, -20.0, 10.0]) + slice_at * SPACING[0] * self.normal).round(6).tolist()


def voxels(phase: int, seed: int = 0) -> np.ndarray:
    """Stored values of a phase, uint16, SHAPE; the lesion enhances most from 0 to 1."""
    found = np.random.default_rng((seed, phase)).integers(90, 110, SHAPE)
    found[2:6, 6:12, 8:16] += (0, 100, 120, 130, 135)[phase]
    return found.astype(np.uint16)


def lesion() -> np.ndarray:
    """The lesion of :func:`voxels`, bool, SHAPE."""
    inside = np.zeros(SHAPE, bool)
    inside[2:6, 6:12, 8:16] = True
    return inside


def slices(exam: Exam, seed: int = 0) -> list[Dataset]:
    """Every slice of an exam, phase by phase."""
    series = [generate_uid() for _ in range(exam.phases)]
    return [
        _slice(exam, phase, at, series[0 if exam.one_series else phase], voxels(phase, seed)[at])
        for phase in range(exam.phases)
        for at in range(SHAPE[0])
    ]


def _slice(exam: Exam, phase: int, at: int, series: str, pixels: np.ndarray) -> Dataset:
    data = blank(exam, MR, "MR")
    data.SeriesInstanceUID = series
    data.SeriesNumber = 1 if exam.one_series else 1 + phase
    data.SeriesDescription = "dyn T1 3D"
    data.ImageType = ["ORIGINAL", "PRIMARY"]
    data.InstanceNumber = phase * SHAPE[0] + at + 1
    data.AcquisitionTime = data.ContentTime = f"10{2 * phase:02d}00"
    data.AcquisitionDate = data.ContentDate = "20110501"
    data.ImagePositionPatient = exam.position(at)
    data.ImageOrientationPatient = list(exam.orientation)
    data.PixelSpacing, data.SliceThickness = list(SPACING[1:]), SPACING[0]
    data.Manufacturer, data.MagneticFieldStrength = "SIEMENS", 1.5
    data.RepetitionTime, data.EchoTime, data.FlipAngle = 5, 2.4, 10
    set_pixels(data, pixels)
    for name, value in exam.header.items():
        setattr(data, name, value)
    return data


def blank(exam: Exam, holds: str, modality: str) -> Dataset:
    """What every file of an exam has in its header."""
    data = Dataset()
    data.PatientID, data.PatientName, data.PatientBirthDate = exam.patient, "Doe^Jane", "19500203"
    data.StudyInstanceUID, data.StudyDate, data.StudyTime = exam.study, "20110501", "095900"
    data.FrameOfReferenceUID, data.Modality = exam.space, modality
    data.SOPClassUID, data.SOPInstanceUID = holds, generate_uid()
    data.SeriesInstanceUID, data.SeriesNumber = generate_uid(), 100
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = holds
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return data


def set_pixels(data: Dataset, pixels: np.ndarray) -> None:
    data.Rows, data.Columns = pixels.shape[-2:]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 8 * pixels.itemsize
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(pixels.dtype.kind == "i")
    data.PixelData = pixels.tobytes()
    data["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"


def segmentation(exam: Exam, inside: np.ndarray, labels: Sequence[str] = ("lesion",)) -> Dataset:
    """A fractional segmentation of the slices that hold anything; ``inside`` counts segments from 1."""
    data = blank(exam, "1.2.840.10008.5.1.4.1.1.66.4", "SEG")
    data.SegmentationType, data.SegmentationFractionalType = "FRACTIONAL", "PROBABILITY"
    data.MaximumFractionalValue = 200
    data.SegmentSequence = Items(
        [_item(SegmentNumber=number, SegmentLabel=label) for number, label in enumerate(labels, 1)]
    )
    described = [
        (number, at)
        for number in range(1, len(labels) + 1)
        for at in np.flatnonzero((inside == number).any((1, 2)))
    ]
    data.PerFrameFunctionalGroupsSequence = Items(
        [
            _item(
                PlanePositionSequence=Items([_item(ImagePositionPatient=exam.position(int(at)))]),
                SegmentIdentificationSequence=Items([_item(ReferencedSegmentNumber=number)]),
            )
            for number, at in described
        ]
    )
    data.SharedFunctionalGroupsSequence = Items([_shared(exam)])
    data.NumberOfFrames = len(described)
    frames = np.stack([(inside[at] == number) for number, at in described])
    set_pixels(data, np.where(frames, 120, 90).astype(np.uint8))
    return data


def _shared(exam: Exam) -> Dataset:
    measures = _item(PixelSpacing=list(SPACING[1:]), SliceThickness=SPACING[0])
    return _item(
        PlaneOrientationSequence=Items([_item(ImageOrientationPatient=list(exam.orientation))]),
        PixelMeasuresSequence=Items([measures]),
    )


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return item


def structure_set(exam: Exam, contours: Mapping[str, Sequence[tuple[int, np.ndarray]]]) -> Dataset:
    """A structure set: by ROI, slices with the corners (column, row) in pixels of a contour on it."""
    data = blank(exam, "1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT")
    data.StructureSetROISequence = Items(
        [
            _item(ROINumber=at, ROIName=name, ReferencedFrameOfReferenceUID=exam.space)
            for at, name in enumerate(contours, 1)
        ]
    )
    data.ROIContourSequence = Items(
        [
            _item(ReferencedROINumber=at, ContourSequence=Items([_contour(exam, *one) for one in of]))
            for at, of in enumerate(contours.values(), 1)
        ]
    )
    return data


def _contour(exam: Exam, at: int, corners: np.ndarray) -> Dataset:
    row, column = np.array(exam.orientation).reshape(2, 3)
    steps = corners * (SPACING[2], SPACING[1])
    points = np.array(exam.position(at)) + steps[:, :1] * row + steps[:, 1:] * column
    return _item(
        ContourGeometricType="CLOSED_PLANAR",
        NumberOfContourPoints=len(points),
        ContourData=[f"{value:.6f}" for value in points.ravel()],
    )


def enhanced(exam: Exam) -> Dataset:
    """The phases of an exam as frames of one enhanced multi-frame file, slice after slice."""
    data = blank(exam, "1.2.840.10008.5.1.4.1.1.4.1", "MR")
    data.SeriesDescription, data.ImageType = "dyn T1 3D", ["ORIGINAL", "PRIMARY", "DYNAMIC", "NONE"]
    data.Manufacturer = "Philips Medical Systems"
    order = [(phase, at) for at in range(SHAPE[0]) for phase in range(exam.phases)]
    data.SharedFunctionalGroupsSequence = Items([_shared(exam)])
    data.PerFrameFunctionalGroupsSequence = Items([_frame(exam, phase, at) for phase, at in order])
    data.NumberOfFrames = len(order)
    set_pixels(data, np.stack([voxels(phase)[at] for phase, at in order]))
    return data


def _frame(exam: Exam, phase: int, at: int) -> Dataset:
    content = _item(TemporalPositionIndex=phase + 1, FrameAcquisitionDateTime=f"2011050110{2 * phase:02d}00")
    scaling = _item(RescaleSlope=1 + phase, RescaleIntercept=0, RescaleType="normalized")
    scaling.private_block(0x2005, "Philips MR Imaging DD 001", create=True).add_new(0x0E, "FL", 0.5)
    return _item(
        FrameContentSequence=Items([content]),
        PlanePositionSequence=Items([_item(ImagePositionPatient=exam.position(at))]),
        PixelValueTransformationSequence=Items([scaling]),
    )


def write(folder: Path, files: Sequence[Dataset], shuffle: int | None = 0) -> Path:
    """Write files under names that say nothing, in an order of chance."""
    folder.mkdir(parents=True, exist_ok=True)
    order = (
        np.arange(len(files)) if shuffle is None else np.random.default_rng(shuffle).permutation(len(files))
    )
    for name, at in enumerate(order):
        files[at].save_as(folder / f"IM{name:04d}", enforce_file_format=True)
    return folder


def labels(folder: Path, *patients: str) -> Path:
    """A table of labels, the first patient ER positive, the next negative, and so on."""
    path = folder / "labels.csv"
    rows = [f"{patient},{'neg' if at % 2 else 'pos'}" for at, patient in enumerate(patients)]
    path.write_text("\n".join(["Patient ID,ER status", *rows]))
    return path
