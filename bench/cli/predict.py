"""Predictions of fitted models for new exams."""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.opened import named_cohort, open_finished
from bench.cli.options import CohortsOption, PluginOption, QuietOption, RuleOption, StoreOption, pairs
from bench.errors import UsageError
from bench.files import refuse_folder, writing, written

if TYPE_CHECKING:
    from bench.cohorts.cohort import Cohort
    from bench.cohorts.importers.dicom.one_exam import Choice, OneExam
    from bench.deploy.bundle import Bundle
    from bench.deploy.many import Question
    from bench.deploy.predict import ExamPrediction


class Written(StrEnum):
    """How predictions are written."""

    text = "text"
    json = "json"
    sr = "sr"


ENDINGS = {".txt": Written.text, ".json": Written.json, ".dcm": Written.sr}
NO_EXAMS = (
    "name the exams: --image and --mask of one, --dicom with its folder, or --exams with a cohort folder"
)


@dataclass(frozen=True)
class _Asked:
    """Which exams are asked for, and what of a DICOM folder is taken."""

    image: Path | None
    mask: Path | None
    dicom: Path | None
    exams: Path | None
    choice: "Choice"
    covariates: Mapping[str, str]


def predict(
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Folder of a bundle.")] = None,
    method: Annotated[str | None, typer.Option("--method", "-m", help="Row of the store.")] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="Split that the models were fitted on.")
    ] = None,
    cohort: CohortsOption = None,
    store: StoreOption = Path("runs"),
    image: Annotated[Path | None, typer.Option("--image", help="Image of one exam.")] = None,
    mask: Annotated[
        Path | None, typer.Option("--mask", help="Mask of the lesion in it; of DICOM also a SEG or RTSTRUCT.")
    ] = None,
    dicom: Annotated[
        Path | None, typer.Option("--dicom", help="Folder with the DICOM files of one exam.")
    ] = None,
    phase: Annotated[
        str, typer.Option("--phase", help="Of --dicom: first-post, pre, post2, a number from 0, or 2min.")
    ] = "first-post",
    series: Annotated[
        str, typer.Option("--series", help="Of --dicom: a regular expression of the series' description.")
    ] = "",
    segment: Annotated[
        str, typer.Option("--segment", help="Of --dicom: a regular expression of the lesion's segment.")
    ] = "",
    side: Annotated[
        bool, typer.Option("--side", help="Of --dicom: cut both breasts to the side with the lesion.")
    ] = False,
    exams: Annotated[
        Path | None, typer.Option("--exams", help="Cohort folder, with labels or without: they are not read.")
    ] = None,
    covariate: Annotated[
        list[str] | None,
        typer.Option("--covariate", help="Of that exam: age=52; may be given several times."),
    ] = None,
    rule: RuleOption = "youden",
    subtypes: Annotated[str, typer.Option("--subtypes", help="Rule of the subtypes.")] = "receptor_only",
    plugin: PluginOption = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes that predict many exams.")] = 1,
    wanted: Annotated[
        Written | None,
        typer.Option("--format", help="Text, JSON or a DICOM Structured Report; by the ending of --out."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File instead of printing: .txt, .json or .dcm.")
    ] = None,
    explained: Annotated[
        Path | None,
        typer.Option("--explain", help="Folder for heat maps or feature tables of the exams."),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Predict new exams with the models of a bundle or store.

    The mean over the models with their spread, decisions by their own thresholds, and a warning where an
    exam lies outside what training covered. For research use only.
    """
    if out is not None:
        refuse_folder(out, "the predictions", "--out")
    from bench.cohorts.importers.dicom.one_exam import Choice

    asked = _Asked(
        *(image, mask, dicom, exams),
        Choice(phase, series, segment, side),
        pairs("--covariate", covariate or ()),
    )
    form = _form(wanted, out)
    _require_exams(asked, form, out)
    from bench.deploy.many import Question

    found = _bundle(bundle, method, split, cohort, store, plugin, quiet)
    with _opened(asked, found) as (cases, exam):
        question = Question(found, rule, subtypes, tuple(plugin or ()))
        said = _predicted(question, cases, jobs, quiet)
        if explained is not None:
            _explain(question, cases, explained, quiet)
    if form is not Written.sr:
        _write_text(form, found, said, exam, out)
        return
    from bench.deploy.structured_report import structured_report

    assert exam is not None and out is not None
    report = structured_report(found, said[0], exam.images, exam.evidence, rule, subtypes)
    with written(out, "the structured report", "--out") as place:
        report.save_as(place)


def _form(wanted: Written | None, out: Path | None) -> Written:
    """As asked for, else by the ending of the file; text where neither says."""
    return wanted or (Written.text if out is None else ENDINGS.get(out.suffix.lower(), Written.text))


def _require_exams(asked: _Asked, form: Written, out: Path | None) -> None:
    if [asked.image, asked.dicom, asked.exams].count(None) != 2:
        raise UsageError(NO_EXAMS)
    if (asked.image is not None and asked.mask is None) or (asked.exams is not None and asked.mask):
        raise UsageError(NO_EXAMS)
    if asked.dicom is None and asked.choice != type(asked.choice)():
        raise UsageError("--phase, --series, --segment and --side choose in a DICOM folder; give --dicom")
    if form is not Written.sr:
        return
    if asked.dicom is None or out is None:
        raise UsageError(
            "a structured report refers to DICOM images and is a file; give --dicom and --out, or another "
            "--format"
        )
    from bench.deploy.structured_report import require_highdicom

    require_highdicom()


@contextmanager
def _opened(asked: _Asked, bundle: "Bundle") -> Iterator[tuple["Cohort", "OneExam | None"]]:
    """The exams as a cohort, and the exam as it was read where it lay in DICOM files."""
    from bench.deploy.exams import exam_of_files, exams_of_folder

    if asked.exams is not None:
        yield exams_of_folder(asked.exams, bundle.tasks), None
    elif asked.dicom is None:
        assert asked.image is not None and asked.mask is not None
        yield exam_of_files(asked.image, asked.mask, bundle, asked.covariates), None
    else:
        from bench.cohorts.importers.dicom.one_exam import read_exam
        from bench.deploy.dicom import exam_of_dicom

        exam = read_exam(asked.dicom, asked.mask, asked.choice)
        with tempfile.TemporaryDirectory() as scratch:
            name = asked.dicom.resolve().name or "exam"
            yield exam_of_dicom(exam, name, bundle, asked.covariates, Path(scratch)), exam


def _predicted(question: "Question", exams: "Cohort", jobs: int, quiet: bool) -> "tuple[ExamPrediction, ...]":
    """Predictions for all exams; a Ctrl-C says what is kept of them."""
    from bench.deploy.many import kept_exams, predict_many

    try:
        return predict_many(question, exams, jobs, quiet)
    except KeyboardInterrupt:
        kept = kept_exams(question, exams)
        if kept:
            print(f"{kept} of {len(exams)} exams are kept; the same command goes on there", file=sys.stderr)
        raise


def _explain(question: "Question", exams: "Cohort", out: Path, quiet: bool) -> None:
    """Write where the models look in the exams; synthetic where what they were fitted on is."""
    from bench.explain.models import models_of_bundle
    from bench.explain.run import explain_into
    from bench.explain.way import Way
    from bench.methods.registry import load_registry
    from bench.progress import progress_bar

    bundle = question.bundle
    cases = replace(exams, synthetic=exams.synthetic or bundle.synthetic)
    models = models_of_bundle(bundle, cases, load_registry(question.plugins))
    with writing(out, "the explanations", "--explain"), progress_bar("explaining exams", quiet) as advance:
        explain_into(out, models, cases, cases.case_ids, bundle.tasks, Way.auto, False, advance)


def _write_text(
    form: Written,
    bundle: "Bundle",
    said: "tuple[ExamPrediction, ...]",
    exam: "OneExam | None",
    out: Path | None,
) -> None:
    from bench.deploy.text import predictions_json, predictions_text

    read = {} if exam is None else dict(exam.evidence)
    if form is Written.json:
        text = json.dumps(predictions_json(bundle, said, read), indent=1)
    else:
        text = predictions_text(bundle, said, read)
    if out is None:
        print(text)
        return
    with written(out, "the predictions", "--out") as place:
        place.write_text(text + "\n", encoding="utf-8")


def _bundle(
    folder: Path | None,
    method: str | None,
    split: str | None,
    cohort: list[str] | None,
    store: Path,
    plugins: list[Path] | None,
    quiet: bool,
) -> "Bundle":
    if folder is not None:
        if method or split or cohort:
            raise UsageError(
                "--bundle names models and what they were fitted on; leave --method, --split and --cohort out"
            )
        from bench.deploy.bundle import open_bundle

        return open_bundle(folder)
    if not (method and split):
        raise UsageError("name the models: --bundle, or --method and --split of a store")
    from bench.deploy.collect import bundle_of_store
    from bench.methods.registry import load_registry

    named = named_cohort(cohort, None, None)
    opened = open_finished(named, split, store, skip_broken=False, plugins=plugins)
    registry = load_registry(plugins or ())
    return bundle_of_store(opened.cohort, opened.split, opened.store, method, registry, quiet=quiet)
