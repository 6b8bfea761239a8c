"""Models out of a store, and their predictions for new exams."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.opened import named_cohort, open_finished
from bench.cli.options import (
    CohortsOption,
    DropOption,
    FormatOption,
    IdMapOption,
    PluginOption,
    QuietOption,
    RuleOption,
    SkipOption,
    SplitOption,
    StoreOption,
    pairs,
)
from bench.errors import UsageError
from bench.files import refuse_folder, written
from bench.report.formats.format import Format

if TYPE_CHECKING:
    from bench.deploy.bundle import Bundle

RowOption = Annotated[str | None, typer.Option("--method", "-m", help="Row of the store.")]


def bundle(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Row of the store.")],
    split: SplitOption,
    out: Annotated[Path, typer.Option("--out", help="Folder to write, new or empty.")],
    cohort: CohortsOption = None,
    drop: DropOption = None,
    id_map: IdMapOption = None,
    store: StoreOption = Path("runs"),
    skip_broken: SkipOption = False,
    plugin: PluginOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write fitted models with their card, to be used elsewhere.

    The folder holds models, preprocessing, thresholds, what training covered and the test values, in the
    layout of MONAI bundles; no image and no label. `bench predict --bundle` reads it.
    """
    from bench.deploy.collect import bundle_of_store
    from bench.deploy.write import require_empty, write_bundle

    require_empty(out)
    opened = open_finished(named_cohort(cohort, drop, id_map), split, store, skip_broken, plugin)
    found = bundle_of_store(opened.cohort, opened.split, opened.store, method, quiet=quiet)
    write_bundle(found, out)
    print(f"{len(found.models)} models written to {out}; its card is docs/README.md", file=sys.stderr)


def predict(
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Folder of a bundle.")] = None,
    method: RowOption = None,
    split: Annotated[
        str | None, typer.Option("--split", help="Split that the models were fitted on.")
    ] = None,
    cohort: CohortsOption = None,
    store: StoreOption = Path("runs"),
    image: Annotated[Path | None, typer.Option("--image", help="Image of one exam.")] = None,
    mask: Annotated[Path | None, typer.Option("--mask", help="Mask of the lesion in it.")] = None,
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
    wanted: FormatOption = Format.table,
    out: Annotated[
        Path | None, typer.Option("--out", help="File instead of printing: .json or .txt.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Predict new exams with the models of a bundle or store.

    The mean over the models with their spread, decisions by their own thresholds, and a warning where an
    exam lies outside what training covered. For research use only.
    """
    if out is not None:
        refuse_folder(out, "the predictions", "--out")
    from bench.deploy.exams import exam_of_files, exams_of_folder
    from bench.deploy.predict import loaded_models, predict_exams
    from bench.deploy.text import predictions_json, predictions_text
    from bench.methods.registry import load_registry

    _require_exams(image, mask, exams)
    found = _bundle(bundle, method, split, cohort, store, plugin, quiet)
    if exams is not None:
        cases = exams_of_folder(exams, found.tasks)
    else:
        assert image is not None and mask is not None
        cases = exam_of_files(image, mask, found, pairs("--covariate", covariate or ()))
    methods = loaded_models(found, load_registry(plugin or ()).spec(found.method), cases)
    said = predict_exams(found, methods, cases, rule, subtypes)
    as_json = wanted is Format.json if out is None else out.suffix == ".json"
    text = json.dumps(predictions_json(found, said), indent=1) if as_json else predictions_text(found, said)
    if out is None:
        print(text)
        return
    with written(out, "the predictions", "--out") as place:
        place.write_text(text + "\n", encoding="utf-8")


def _require_exams(image: Path | None, mask: Path | None, exams: Path | None) -> None:
    if (exams is None) == (image is None and mask is None) or (image is None) != (mask is None):
        raise UsageError("name the exams: --image and --mask of one, or --exams with a cohort folder")


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

    named = named_cohort(cohort, None, None)
    opened = open_finished(named, split, store, skip_broken=False, plugins=plugins)
    return bundle_of_store(opened.cohort, opened.split, opened.store, method, quiet=quiet)
