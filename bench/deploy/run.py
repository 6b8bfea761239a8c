"""From a bundle's folder and an exam's files to text: what a MONAI configuration calls."""

from pathlib import Path

from bench.deploy.bundle import Bundle, open_bundle
from bench.deploy.exams import exam_of_files
from bench.deploy.predict import loaded_models, predict_exams
from bench.deploy.text import predictions_text
from bench.methods.registry import load_registry


def predicted_text(folder: Path, image: Path, mask: Path) -> str:
    """What the bundle in a folder says of one image with its mask.

    Raises as :func:`bench.deploy.bundle.open_bundle`, :func:`bench.deploy.predict.loaded_models` and
    :func:`bench.deploy.predict.predict_exams`.
    """
    bundle: Bundle = open_bundle(folder)
    exams = exam_of_files(image, mask, bundle, {})
    methods = loaded_models(bundle, load_registry().spec(bundle.method), exams)
    return predictions_text(bundle, predict_exams(bundle, methods, exams))
