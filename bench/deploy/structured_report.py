"""Predictions for one exam as a DICOM Structured Report (TID 1500) that refers to the images it is of."""

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import __version__
from bench.deploy.bundle import Bundle
from bench.deploy.card import RESEARCH
from bench.deploy.predict import ExamPrediction, TaskPrediction
from bench.deploy.text import SYNTHETIC
from bench.errors import UsageError
from bench.task import Task

if TYPE_CHECKING:
    from highdicom.sr import ComprehensiveSR, Measurement, MeasurementsAndQualitativeEvaluations
    from pydicom.dataset import Dataset

    from bench.cohorts.importers.dicom.image import Image

SCHEME = "99DCEBENCH"
MODULE = "dcebench"
# Lengths of DICOM's LO and SH values.
LO, SH = 64, 16
# What a report takes over from the images, and images need not have.
INHERITED = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber"),
    *("StudyID", "StudyDate", "StudyTime"),
)
DECISIONS = {True: "positive", False: "negative", None: "no decision"}


def require_highdicom() -> None:
    """Raise UsageError where highdicom, which writes the reports, is not installed."""
    if importlib.util.find_spec("highdicom") is None:
        raise UsageError("structured reports are written with highdicom: pip install 'dcebench[dicom]'")


def structured_report(
    bundle: Bundle,
    said: ExamPrediction,
    images: Sequence["Image"],
    evidence: Mapping[str, object],
    rule: str,
    subtypes: str,
) -> "ComprehensiveSR":
    """A Comprehensive SR: a group of measurements a task, one for the exam; unverified, for research.

    Codes are of the private scheme :data:`SCHEME` where DICOM's own have no word.

    Parameters
    ----------
    images
        The slices that were read; patient and study are theirs.
    evidence
        Why that phase and that lesion.
    rule, subtypes
        Of the decisions and of the subtype.

    Raises
    ------
    UsageError
        highdicom is not installed.
    """
    require_highdicom()
    import highdicom as hd
    from highdicom import sr
    from pydicom.sr.codedict import codes

    sources = _sources(images)
    device = sr.DeviceObserverIdentifyingAttributes(uid=hd.UID(), name=MODULE, model_name=bundle.label[:LO])
    observer = sr.ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device)
    groups = [
        _of_exam(bundle, said, evidence, subtypes, sources),
        *(_of_task(bundle, *pair, rule) for pair in zip(bundle.tasks, said.tasks, strict=True)),
    ]
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=codes.SCT.MagneticResonanceImagingOfBreast,
        imaging_measurements=groups,
    )
    return sr.ComprehensiveSR(
        evidence=[header for header, _ in sources],
        content=report,
        series_instance_uid=hd.UID(),
        series_number=1000,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MODULE,
        manufacturer_model_name=bundle.label[:LO],
        software_versions=__version__,
        series_description=_series_description(bundle),
        content_qualification="RESEARCH",
        coding_schemes=[_scheme()],
    )


def _series_description(bundle: Bundle) -> str:
    synthetic = "SYNTHETIC models, " if bundle.synthetic else ""
    return f"RESEARCH USE ONLY: {synthetic}{bundle.label}"[:LO]


def _scheme() -> Any:
    from highdicom.coding_schemes import CodingSchemeIdentificationItem

    return CodingSchemeIdentificationItem(
        SCHEME, name="Words of dcebench, see its page on new exams", responsible_organization=MODULE
    )


def _sources(images: Sequence["Image"]) -> list[tuple["Dataset", list[int] | None]]:
    """Each file of the images: the header with all that a report takes over, and which frames, from 1."""
    import pydicom

    found: list[tuple[Dataset, list[int] | None]] = []
    for path in dict.fromkeys(image.path for image in images):
        header = pydicom.dcmread(Path(path), stop_before_pixels=True, force=True)
        for name in INHERITED:
            if name not in header:
                setattr(header, name, "")
        frames = sorted(image.frame + 1 for image in images if image.path == path)
        found.append((header, frames if "NumberOfFrames" in header else None))
    return found


def _of_exam(
    bundle: Bundle,
    said: ExamPrediction,
    evidence: Mapping[str, object],
    subtypes: str,
    sources: Sequence[tuple["Dataset", list[int] | None]],
) -> "MeasurementsAndQualitativeEvaluations":
    """What is said of the exam as a whole: method, use, subtype, warnings, and the images."""
    from highdicom import UID, sr
    from pydicom.sr.codedict import codes

    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(UID(), "exam"),
        finding_type=codes.SCT.Lesion,
        finding_sites=[sr.FindingSite(codes.SCT.Breast)],
        algorithm_id=_algorithm(bundle),
        qualitative_evaluations=[
            sr.QualitativeEvaluation(_code("subtype", f"subtype by {subtypes}"), _word(said.subtype))
        ],
        source_images=[
            sr.SourceImageForMeasurementGroup(header.SOPClassUID, header.SOPInstanceUID, frames)
            for header, frames in sources
        ],
    )
    for text in _comments(bundle, said, evidence):
        group[0].ContentSequence.append(_comment(text))
    return group


def _comments(bundle: Bundle, said: ExamPrediction, evidence: Mapping[str, object]) -> Iterator[str]:
    yield RESEARCH
    if bundle.synthetic:
        yield SYNTHETIC
    yield f"Subtype: {said.subtype}"
    yield from (f"Warning: {warning}" for warning in said.warnings)
    yield from (f"{name}: {value}" for name, value in evidence.items())


def _of_task(
    bundle: Bundle, task: Task, said: TaskPrediction, rule: str
) -> "MeasurementsAndQualitativeEvaluations":
    """Mean and spread over the models, the decision and the thresholds that it was made by."""
    from highdicom import UID, sr

    binary = task.kind == "binary"
    decided = [sr.QualitativeEvaluation(_code("decision", "decision"), _word(DECISIONS[said.positive]))]
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(UID(), task.name),
        algorithm_id=_algorithm(bundle),
        measurements=list(_numbers(task, said)),
        qualitative_evaluations=decided if binary else [],
    )
    if binary:
        why = f"no decision: {said.reason}" if said.positive is None else f"by the rule {rule} of thresholds"
        group[0].ContentSequence.append(_comment(f"{task.title or task.name}: {why}"))
    return group


def _numbers(task: Task, said: TaskPrediction) -> Iterator["Measurement"]:
    from highdicom import sr
    from pydicom.sr.codedict import codes

    units = codes.UCUM.Percent if task.unit in ("%", "percentage points") else codes.UCUM.NoUnits
    title = task.title or task.name
    quantity = f"probability of {title} positive" if task.kind == "binary" else f"predicted {title}"
    for derivation, value in ((codes.SCT.Mean, said.value), *_spread(said, codes)):
        yield sr.Measurement(_code("prediction", quantity), value, units, derivation=derivation)
    if said.thresholds is not None:
        for derivation, value in zip((codes.SCT.Minimum, codes.SCT.Maximum), said.thresholds, strict=True):
            yield sr.Measurement(
                _code("threshold", f"threshold of {title}"), value, units, derivation=derivation
            )


def _spread(said: TaskPrediction, codes: Any) -> tuple[tuple[Any, float], ...]:
    if said.models == 1:
        return ()
    return ((codes.SCT.Minimum, said.low), (codes.SCT.Maximum, said.high))


def _algorithm(bundle: Bundle) -> Any:
    from highdicom import sr

    fitted = [f"models={len(bundle.models)}", f"cohort={bundle.cohort}", f"split={bundle.split}"]
    params = [f"{name}={value}" for name, value in bundle.params.items()]
    synthetic = ["fitted to synthetic phantoms"] if bundle.synthetic else []
    return sr.AlgorithmIdentification(
        bundle.label, f"{MODULE} {__version__}, code {bundle.code[:12]}", [*fitted, *synthetic, *params]
    )


def _word(text: str) -> Any:
    """A value in words, such as a subtype, as a code of its own."""
    return _code(text, text)


def _code(value: str, meaning: str) -> Any:
    from highdicom.sr import CodedConcept

    return CodedConcept(value.replace(" ", "_")[:SH], SCHEME, meaning[:LO])


def _comment(text: str) -> Any:
    from highdicom import sr
    from pydicom.sr.codedict import codes

    return sr.TextContentItem(codes.DCM.Comment, text, sr.RelationshipTypeValues.CONTAINS)
