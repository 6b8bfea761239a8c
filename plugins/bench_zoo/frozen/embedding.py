"""Features of a frozen encoder: a cohort is embedded once, and all heads and folds share it."""

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from filelock import FileLock
from torch import nn

from bench.cohorts.cohort import Cohort
from bench.files import cache_dir
from bench.imaging import PREPROCESSING_VERSION
from bench.imaging.crop import Crop
from bench.methods.method import Run
from bench_zoo.torch_parts.encoders import pooled_encoder
from bench_zoo.torch_parts.pretrained import load_pretrained
from bench_zoo.torch_parts.training import computing

# Raised whenever the features of unchanged crops change: part of a cached table's name.
EMBEDDING_VERSION = 1
# Cases between two writes of the table: the most that a kill can cost.
BATCH = 64
FOLDER = "embeddings"  # as the specs of its methods declare it

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """All that determines the features of a crop.

    Parameters
    ----------
    encoder, widths
        See :func:`bench_zoo.torch_parts.encoders.pooled_encoder`.
    weights
        Path of a file of weights; empty for an encoder as it is drawn from the seed.
    digest
        SHA-256 of that file.
    seed
        From which what the file lacks is drawn.
    size_mm, spacing_mm
        Edge and voxel of the crop.
    threads
        With which the features are computed: sums differ by their order.
    """

    encoder: str
    widths: tuple[int, ...]
    weights: str
    digest: str
    seed: int
    size_mm: float
    spacing_mm: float
    threads: int

    @property
    def crop(self) -> Crop:
        """What the encoder sees."""
        return Crop(self.size_mm, self.spacing_mm)

    @property
    def name(self) -> str:
        """Of the cached table: the path of the file counts for nothing, what it holds does."""
        recipe = {name: value for name, value in asdict(self).items() if name != "weights"}
        versions = [EMBEDDING_VERSION, PREPROCESSING_VERSION, version("torch")]
        return hashlib.sha256(json.dumps([recipe, versions]).encode()).hexdigest()[:16]


def frozen_encoder(settings: Settings, run: Run) -> nn.Module:
    """The encoder in evaluation mode, on the CPU; raises PluginError where the file does not fit it."""
    with computing(run):
        encoder, _ = pooled_encoder(
            settings.encoder, len(settings.crop.channels), settings.crop.shape, settings.widths
        )
    if settings.weights:
        load_pretrained(encoder, Path(settings.weights))
    return encoder.eval()


def embedded(cohort: Cohort, encoder: nn.Module, crop: Crop, run: Run) -> np.ndarray:
    """Features of the cases, shape (case, width); one by one, so that no case bears on another's."""
    crops = cohort.crops(crop)
    with computing(run), torch.inference_mode():
        encoder.to(run.device)
        rows = [
            encoder(torch.from_numpy(np.ascontiguousarray(crops[at : at + 1])).to(run.device))
            .cpu()
            .numpy()[0]
            for at in range(len(cohort))
        ]
    encoder.cpu()
    return np.stack(rows) if rows else np.zeros((0, 0))


def embedding_table(cohort: Cohort, settings: Settings, run: Run) -> pd.DataFrame:
    """Features of the cases in their order, a column a feature, from the disk or computed now.

    Cases that the table lacks are added to it batch by batch, under a lock, on the CPU or not at all: a GPU's
    sums are others, and are not kept.
    """
    if run.device != "cpu":
        return _table(cohort, embedded(cohort, frozen_encoder(settings, run), settings.crop, run))
    path = cache_dir() / FOLDER / cohort.fingerprint[:16] / f"{settings.name}.parquet"
    known = _read(path)
    if known is None or not set(cohort.case_ids) <= set(known.index):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            known = _completed(path, cohort, settings, run)
    return known.loc[list(cohort.case_ids)]


def _completed(path: Path, cohort: Cohort, settings: Settings, run: Run) -> pd.DataFrame:
    """The table with every case of the cohort; the caller holds the lock."""
    known = _read(path)
    missing = [case_id for case_id in cohort.case_ids if known is None or case_id not in known.index]
    encoder = frozen_encoder(settings, run) if missing else nn.Identity()
    for first in range(0, len(missing), BATCH):
        part = cohort.take(missing[first : first + BATCH])
        table = _table(part, embedded(part, encoder, settings.crop, run))
        known = table if known is None else pd.concat([known, table])
        _write(path, known)
        log.info("embedding of %s: %d of %d cases", cohort.name, first + len(part), len(missing))
    assert known is not None
    return known


def _table(cohort: Cohort, features: np.ndarray) -> pd.DataFrame:
    columns = [f"embedding_{at}" for at in range(features.shape[1])]
    return pd.DataFrame(features.astype(float), index=list(cohort.case_ids), columns=columns)


def _read(path: Path) -> pd.DataFrame | None:
    return pd.read_parquet(path) if path.is_file() else None


def _write(path: Path, table: pd.DataFrame) -> None:
    part = path.with_suffix(".part")
    table.to_parquet(part)
    part.replace(path)
