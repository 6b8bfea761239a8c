"""An encoder that learned from the training crops without labels, and simple heads on what it pools.

``pretext_ridge`` is the linear probe of a masked-volume pretext (:mod:`bench_zoo.torch_parts.pretext`);
``deep_radiomics`` puts its features beside radiomics, as fusion papers do (e.g. BMC Med Imaging 26:80, 2026;
10.3389/fonc.2026.1776121). Taken over: pooled network features and radiomics, screened and selected together,
in one penalised model. Left open by the abstracts and chosen here: the compact encoder, crops of 40 mm at
2 mm, 12 epochs. Changed: those papers pool features of a network that ImageNet or the labels trained; no
weights ship here, and features of a network that was fitted to the labels of the training cases look better
on them than on new ones, so the encoder learns from the training crops alone, without labels. An epoch
costs .9 times that of ``multi_task_cnn``: 620 cases take about 45 CPU seconds at .07 a case; radiomics come
on top, once a cohort. No reproduction of published numbers.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pandas as pd
from safetensors.torch import load_file, save_file
from torch import nn

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop
from bench.methods.method import Run
from bench_zoo.classical.sources import RadiomicsTable
from bench_zoo.classical.table_model import TableModel
from bench_zoo.frozen.embedding import embedded
from bench_zoo.targets import targets_of
from bench_zoo.torch_parts.encoders import pooled_encoder
from bench_zoo.torch_parts.examples import crop_examples
from bench_zoo.torch_parts.pretext import pretrain
from bench_zoo.torch_parts.training import Schedule, computing

WEIGHTS, THREADS = "encoder.safetensors", "encoder.json"
BATCH, RATE, DECAY = 32, 3e-3, 0.02


@dataclass
class PretextEncoder(TableModel):
    """Features of an encoder that learned to fill in masked training crops, in one of nine families.

    Parameters
    ----------
    encoder, widths
        See :func:`bench_zoo.torch_parts.encoders.pooled_encoder`.
    epochs
        Of the pretext.
    crop_mm, voxel_mm
        Edge and voxel of the crop.
    """

    counts: tuple[int, ...] = (8, 32, 128)
    encoder: str = "compact"
    widths: tuple[int, ...] = (16, 32, 64)
    epochs: int = 12
    crop_mm: float = 40.0
    voxel_mm: float = 2.0

    network: nn.Module | None = field(default=None, init=False, repr=False)
    run: Run | None = field(default=None, init=False, repr=False)

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Train the encoder on the crops of ``train`` without labels, then fit the head."""
        self.run = run
        self.network, width = self._built()
        examples = crop_examples(train.blind(), self._crop(), targets_of(train), regions=False)
        schedule = Schedule(self.epochs, BATCH, RATE, DECAY)
        pretrain(self.network, width, self._crop().shape, examples, schedule, run)
        return super().fit(train, val, run)

    def measure(self, cohort: Cohort) -> pd.DataFrame:
        """Pooled features, shape (case, width)."""
        if self.network is None or self.run is None:
            raise RuntimeError("the encoder has not been trained: call fit or load first")
        features = embedded(cohort, self.network, self._crop(), self.run)
        columns = [f"embedding_{at}" for at in range(features.shape[1])]
        return pd.DataFrame(features.astype(float), index=list(cohort.case_ids), columns=columns)

    def save(self, folder: Path) -> None:
        """Write the encoder as safetensors beside the head."""
        super().save(folder)
        if self.network is None or self.run is None:
            raise RuntimeError("the encoder has not been trained: call fit first")
        tensors = {name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        save_file(tensors, folder / WEIGHTS)
        (folder / THREADS).write_text(json.dumps(self.run.threads), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote; the method then predicts on the CPU."""
        method = super().load(folder)
        threads = json.loads((folder / THREADS).read_text(encoding="utf-8"))
        method.run = Run(method.seed, "cpu", threads, folder)
        method.network, _ = method._built()
        method.network.load_state_dict(load_file(folder / WEIGHTS))
        method.network.eval()
        return method

    def _crop(self) -> Crop:
        return Crop(self.crop_mm, self.voxel_mm)

    def _built(self) -> tuple[nn.Module, int]:
        """The encoder as it is drawn from the seed, and the number of features."""
        assert self.run is not None
        crop = self._crop()
        with computing(self.run):
            return pooled_encoder(self.encoder, len(crop.channels), crop.shape, self.widths)


@dataclass
class DeepRadiomics(PretextEncoder, RadiomicsTable):
    """Features of such an encoder and radiomics, screened and selected together."""

    def measure(self, cohort: Cohort) -> pd.DataFrame:
        """Radiomics by their names, and pooled features."""
        return pd.concat([RadiomicsTable.measure(self, cohort), PretextEncoder.measure(self, cohort)], axis=1)
