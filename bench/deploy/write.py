"""Write a bundle as a folder, in the layout of MONAI bundles."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import __version__
from bench.deploy.bundle import EMBEDDINGS, FILE, MODELS, Bundle
from bench.deploy.card import RESEARCH, model_card
from bench.errors import UsageError, parameter
from bench.files import writing

METADATA_SCHEMA = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
)


def write_bundle(bundle: Bundle, out: Path) -> None:
    """Write a bundle into a new or empty folder: models, ``bundle.json``, its card, and MONAI's metadata.

    The folder can be carried to a machine that has neither the cohort nor the store. It holds no image, label
    or case id; hashes of the training images are kept, by which a model knows what it has learned from.

    Raises
    ------
    UsageError
        The folder holds something already.
    BenchError
        It cannot be written.
    """
    require_empty(out)
    with writing(out, "the bundle", parameter("out")):
        placed = []
        for model in bundle.models:
            folder = Path(MODELS) / model.name
            shutil.copytree(model.folder, out / folder)
            placed.append(replace(model, folder=folder))
        written = replace(bundle, models=tuple(placed), embeddings_checksum=_write_embeddings(bundle, out))
        content = written.to_json()
        _write_json(out / FILE, content)
        _write_json(out / "configs" / "metadata.json", _metadata(bundle))
        _write_json(out / "configs" / "inference.json", _inference())
        _write_text(out / "docs" / "README.md", model_card(bundle))
        _write_text(
            out / "docs" / "data_license.txt", f"{bundle.licence or 'not stated'}\n{bundle.citation}\n"
        )


def _write_embeddings(bundle: Bundle, out: Path) -> str:
    """Write where training cases lie in the models' embeddings; SHA-256 of the file, empty without."""
    if not bundle.embeddings:
        return ""
    from safetensors.numpy import save

    content = save(
        {
            f"{model}/{name}": values
            for model, one in sorted(bundle.embeddings.items())
            for name, values in one.to_arrays().items()
        }
    )
    (out / EMBEDDINGS).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def require_empty(out: Path) -> None:
    """Raise UsageError unless a folder is empty or missing."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not an empty folder; name another with {parameter('out')}")


def _write_json(path: Path, content: Any) -> None:
    _write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _metadata(bundle: Bundle) -> dict[str, Any]:
    """What MONAI asks of a bundle's metadata."""
    tasks = ", ".join(task.name for task in bundle.tasks)
    return {
        "schema": METADATA_SCHEMA,
        "version": __version__,
        "changelog": {__version__: f"{bundle.label} on {bundle.cohort}, {bundle.split}"},
        "monai_version": bundle.versions.get("monai", "1.3.0"),
        "pytorch_version": bundle.versions.get("torch", ""),
        "numpy_version": bundle.versions.get("numpy", ""),
        "required_packages_version": {"dcebench": __version__},
        "name": bundle.label,
        "task": f"prediction of {tasks} from breast DCE-MRI",
        "description": f"{len(bundle.models)} models of {bundle.method}. {RESEARCH}",
        "authors": "see CITATION.cff of dcebench",
        "copyright": "the licence of the data is in docs/data_license.txt",
        "intended_use": RESEARCH,
        "data_source": bundle.cohort_title,
        "data_type": "synthetic" if bundle.synthetic else "breast DCE-MRI with the mask of a lesion",
        "network_data_format": {"inputs": {}, "outputs": {task.name: task.kind for task in bundle.tasks}},
    }


def _inference() -> dict[str, Any]:
    """A MONAI configuration that predicts one exam: image and mask are given on its command line."""
    return {
        "imports": ["$import pathlib", "$import bench.deploy.run as deploy"],
        "bundle_root": ".",
        "image": "image.nii.gz",
        "mask": "mask.nii.gz",
        "run": ["$print(deploy.predicted_text(*map(pathlib.Path, (@bundle_root, @image, @mask))))"],
    }
