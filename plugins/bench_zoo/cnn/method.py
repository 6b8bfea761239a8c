"""The networks that a paper compares with: an encoder, global average pooling, no attention, no regions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop
from bench.method import Predictions, Run
from bench.search import Categorical, Float
from bench_zoo.augmentation import apply_augmentation, draw_augmentation
from bench_zoo.cnn.network import FlipAveraged, PlainNetwork, TaskNetworks, build_encoder
from bench_zoo.cnn.weights import load_pretrained
from bench_zoo.examples import MEMORY_LIMIT, Examples, Inputs
from bench_zoo.hyperparameters import from_json, hyperparameters
from bench_zoo.losses import BalancedLoss, masked_losses
from bench_zoo.targets import Target, encode, targets_of
from bench_zoo.training import Schedule, computing, fit_network, outputs_of

CHANNELS = ("image", "mask")
SETTINGS, WEIGHTS = "cnn.json", "weights.safetensors"


@dataclass
class PlainCNN:
    """A 3D convolutional network on the crop round the lesion.

    Input, losses, training and augmentation are those of :class:`bench_zoo.spatial_mtl.method.SpatialMTL`,
    so that a difference between the two is one of architecture.

    Parameters
    ----------
    tasks
        ``joint``: one encoder with a branch a task (``multi_task_cnn``); ``single``: a network of its own
        for every task (``single_task_cnn``).
    size_mm, spacing_mm
        Edge and voxel of the crop.
    backbone, widths
        See :func:`bench_zoo.cnn.network.build_encoder`.
    weights
        File of pretrained weights for the encoder, safetensors or a torch state dict; see
        :func:`bench_zoo.cnn.weights.load_pretrained`. Empty: none.
    hidden, dropout
        Width of the branches, and share of pooled features dropped.
    balance
        ``fixed`` or ``uncertainty``: see :class:`bench_zoo.losses.BalancedLoss`.
    epochs, batch_size, learning_rate, weight_decay, averaging, amp
        See :class:`bench_zoo.training.Schedule`.
    augmentation
        See :func:`bench_zoo.augmentation.draw_augmentation`; 0 switches it off.
    flips
        Average the outputs over a case's mirror images when predicting.
    """

    tasks: Literal["joint", "single"] = "joint"
    size_mm: float = 48.0
    spacing_mm: float = 2.0
    backbone: str = "compact"
    widths: tuple[int, ...] = (16, 32, 64)
    weights: str = ""
    hidden: int = 32
    dropout: float = 0.2
    balance: Literal["fixed", "uncertainty"] = "fixed"
    epochs: int = 32
    batch_size: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    averaging: float = 0.98
    amp: bool = False
    augmentation: float = 1.0
    flips: bool = True

    targets: tuple[Target, ...] = field(default=(), init=False, repr=False)
    network: PlainNetwork | TaskNetworks | None = field(default=None, init=False, repr=False)
    run: Run | None = field(default=None, init=False, repr=False)

    @classmethod
    def search_space(cls) -> dict[str, Float | Categorical]:
        """That of :meth:`bench_zoo.spatial_mtl.method.SpatialMTL.search_space`, as far as it applies."""
        return {
            "learning_rate": Float(3e-4, 1e-2, log=True),
            "weight_decay": Float(1e-3, 0.3, log=True),
            "dropout": Float(0.0, 0.5),
            "augmentation": Float(0.0, 2.0),
            "hidden": Categorical((16, 32, 64)),
            "balance": Categorical(("fixed", "uncertainty")),
        }

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Train on ``train``; ``val`` picks the epoch."""
        self.targets, self.run = targets_of(train), run
        with computing(run):
            self.network = self._build()
        if self.weights:
            for network in self.network.parts():
                load_pretrained(network.encoder, Path(self.weights))
        learn, judged = (self._examples(cohort) for cohort in (train, val))
        loss = self._loss(learn)
        augment = self._augment if self.augmentation > 0 else None
        fit_network(self.network, loss, loss.judge, learn, judged, self._schedule(), run, augment)
        return self

    def predict(self, cohort: Cohort) -> Predictions:
        """P(positive) or median value of every task, shape (case,)."""
        network, run = self._fitted()
        reader = FlipAveraged(network) if self.flips else network
        with computing(run):
            outputs = outputs_of(reader.to(run.device), self._examples(cohort), self._schedule(), run).numpy()
        network.cpu()
        return {target.task: target.decode(outputs[:, at]) for at, target in enumerate(self.targets)}

    def count_parameters(self) -> int:
        """Trained parameters of the network or, together, the networks."""
        network, _ = self._fitted()
        return sum(parameter.numel() for parameter in network.parameters())

    def save(self, folder: Path) -> None:
        """Write settings as JSON and weights as safetensors."""
        network, run = self._fitted()
        targets = [target.as_json() for target in self.targets]
        settings = {"params": hyperparameters(self), "targets": targets, "threads": run.threads}
        (folder / SETTINGS).write_text(json.dumps(settings, indent=1), encoding="utf-8")
        save_file({name: its.contiguous() for name, its in network.state_dict().items()}, folder / WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote; the method then reads cases on the CPU."""
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        method = cls(**from_json(settings["params"]))
        method.targets = tuple(Target.from_json(row) for row in settings["targets"])
        method.run = Run(seed=0, device="cpu", threads=settings["threads"], workdir=folder)
        with computing(method.run):
            method.network = method._build()
        method.network.load_state_dict(load_file(folder / WEIGHTS))
        method.network.eval()
        return method

    def _fitted(self) -> tuple[PlainNetwork | TaskNetworks, Run]:
        if self.network is None or self.run is None:
            raise RuntimeError("the network has not been fitted: call fit or load first")
        return self.network, self.run

    def _crop(self) -> Crop:
        return Crop(self.size_mm, self.spacing_mm, CHANNELS)

    def _build(self) -> PlainNetwork | TaskNetworks:
        priors = [target.prior for target in self.targets]
        if self.tasks == "joint":
            return self._network(priors)
        return TaskNetworks(self._network([prior]) for prior in priors)

    def _network(self, priors: list[float]) -> PlainNetwork:
        encoder, width = build_encoder(self.backbone, len(CHANNELS), self._crop().shape, tuple(self.widths))
        return PlainNetwork(encoder, width, self.hidden, self.dropout, priors)

    def _examples(self, cohort: Cohort) -> Examples:
        return image_examples(cohort, self._crop(), self.targets)

    def _loss(self, learn: Examples) -> BalancedLoss:
        binary = [target.binary for target in self.targets]
        priors = torch.tensor([target.prior for target in self.targets])
        reference = masked_losses(priors.expand(learn.targets.shape), learn.targets, binary)
        return BalancedLoss(binary, reference, self.balance)

    def _schedule(self) -> Schedule:
        return Schedule(
            self.epochs,
            self.batch_size,
            self.learning_rate,
            self.weight_decay,
            averaging=self.averaging,
            amp=self.amp,
        )

    def _augment(self, inputs: Inputs, generator: torch.Generator) -> Inputs:
        (images,) = inputs
        drawn = draw_augmentation(len(images), self.augmentation, generator)
        images, _ = apply_augmentation(drawn, images, images[:, :0], generator)
        return (images,)


def image_examples(cohort: Cohort, crop: Crop, targets: Sequence[Target]) -> Examples:
    """Crops (case, channel, z, y, x) float32 of a cohort, with its targets, NaN where it is blind."""
    crops = cohort.crops(crop)
    fits = int(np.prod(crops.shape)) * 4 <= MEMORY_LIMIT
    source = np.asarray(crops) if fits else crops

    def read(indices: np.ndarray) -> Inputs:
        return (torch.from_numpy(np.ascontiguousarray(source[indices])),)

    blind = np.full((len(cohort), len(targets)), np.nan, dtype=np.float32)
    return Examples(read, torch.from_numpy(blind if cohort.is_blind else encode(targets, cohort)))
