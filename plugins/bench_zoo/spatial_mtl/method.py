"""Spatial multi-task learning of biomarkers, re-implemented from the abstract of arXiv 2601.07001.

The abstract names the parts: multi-scale 3D features, spatial attention, weighting of tumour core, rim and
surrounding tissue, a shared trunk with one branch a biomarker. There was no more to work from, so this claims
no reproduction of the paper's numbers. What the abstract leaves open, and what is chosen here:

* Input: a cube round the lesion, intensity and lesion mask as channels. The defaults suit a CPU; the preset
  ``gpu`` is 1 mm in a 96 mm cube with a residual backbone.
* Scales: every stage of the encoder (1/2, 1/4, 1/8 of the resolution). At full resolution four fixed maps of
  the image take the place of learnt features, which would cost ten times as much there.
* Attention: at each learnt scale one map in [0, 1] for all tasks, from receptive fields of 1, 3 and 5 voxels.
  It weights voxels in the pooling and does not feed back into the encoder, so any backbone can carry it.
* Regions: core, rim and surround from the signed distance to the lesion's boundary. Each is pooled to mean
  and standard deviation of every feature (the deviation is how texture survives pooling) and the logarithm of
  its volume, since pooling forgets size. The fixed maps are pooled in layers of depth within each region: a
  profile across the boundary is lost in a region's mean. Trained on phantom@1 and read on phantom@2, and the
  other way round, this recovers .552 of the signal; without layers and without the fifth fixed map (the
  coarse one) it was .534, so the two are not told apart.
* Trunk and branches: pooled features are standardised over the training batches and mixed region by region in
  the shared trunk; a task weights the regions by a softmax and has a hidden layer of its own, and a linear
  path from the fixed maps' statistics, without which the few cases do not suffice to learn them anew.
* Losses: cross-entropy of a logit; absolute error of the standardised logit of a continuous label, so that
  the median is predicted. Missing labels do not count. Each loss is divided by that of the constant
  prediction, or weighted by learnt uncertainty.
* Training: see :func:`bench_zoo.training.fit_network`.
"""

import dataclasses
import json
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
from bench_zoo.examples import Examples, Inputs, crop_examples
from bench_zoo.losses import BalancedLoss, masked_losses
from bench_zoo.spatial_mtl.network import Design, FlipAveraged, SpatialNetwork, TaskNetworks
from bench_zoo.targets import Target, targets_of
from bench_zoo.training import Schedule, computing, fit_network, outputs_of

CHANNELS = ("image", "mask", "distance")
SETTINGS, WEIGHTS = "spatial_mtl.json", "weights.safetensors"


@dataclass
class SpatialMTL:
    """Spatial multi-task network; every part is a switch, so that an ablation is a variant.

    Parameters
    ----------
    size_mm, spacing_mm
        Edge and voxel of the crop.
    backbone
        ``compact``, or any timm_3d model with ``features_only``.
    widths
        Channels of the compact encoder's stages, each half the resolution of the one before.
    attention
        Spatial attention in the pooling; without it every voxel of a region counts alike.
    roi_weighting
        Pooling by region with weights learnt a task; without it the whole crop is one region.
    regions
        Which of ``core``, ``rim`` and ``surround``.
    layers
        Layers of equal thickness that each region is cut into for the fixed maps.
    tasks
        ``joint``: one network; ``single``: a network of its own for every task.
    balance
        ``fixed`` or ``uncertainty``: see :class:`bench_zoo.losses.BalancedLoss`.
    pooled
        Mixtures of its features that each scale hands to the pooling.
    hidden, dropout
        Width of trunk and branches, and share of pooled features dropped.
    epochs, batch_size, learning_rate, weight_decay, averaging, amp
        See :class:`bench_zoo.training.Schedule`.
    augmentation
        See :func:`bench_zoo.augmentation.draw_augmentation`; 0 switches it off.
    flips
        Average the outputs over a case's mirror images when predicting.
    """

    size_mm: float = 40.0
    spacing_mm: float = 2.0
    backbone: str = "compact"
    widths: tuple[int, ...] = (16, 32, 64)
    attention: bool = True
    roi_weighting: bool = True
    regions: tuple[str, ...] = ("core", "rim", "surround")
    layers: int = 4
    tasks: Literal["joint", "single"] = "joint"
    balance: Literal["fixed", "uncertainty"] = "fixed"
    pooled: int = 4
    hidden: int = 32
    dropout: float = 0.1
    epochs: int = 24
    batch_size: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    averaging: float = 0.98
    amp: bool = False
    augmentation: float = 1.0
    flips: bool = True

    targets: tuple[Target, ...] = field(default=(), init=False, repr=False)
    network: SpatialNetwork | TaskNetworks | None = field(default=None, init=False, repr=False)
    run: Run | None = field(default=None, init=False, repr=False)

    @classmethod
    def search_space(cls) -> dict[str, Float | Categorical]:
        """How fast it learns, how much it is held back, and the widths that cost little time.

        The learning rate matters most (Bengio 2012, arXiv 1206.5533): a tenth of the default, up to where
        AdamW begins to diverge. Weight decay: a factor of about 15 either way. Dropout: none to half, the
        share of Srivastava et al. (JMLR 2014). Augmentation: none to double strength. Crop, backbone, epochs
        and batch are not searched: they set what a trial costs, and equal trials shall cost alike. Nor are
        the parts whose worth the variants measure.
        """
        return {
            "learning_rate": Float(3e-4, 1e-2, log=True),
            "weight_decay": Float(1e-3, 0.3, log=True),
            "dropout": Float(0.0, 0.5),
            "augmentation": Float(0.0, 2.0),
            "hidden": Categorical((16, 32, 64)),
            "pooled": Categorical((2, 4, 8, 16)),
            "balance": Categorical(("fixed", "uncertainty")),
        }

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Train on ``train``; ``val`` picks the epoch."""
        self.targets, self.run = targets_of(train), run
        with computing(run):
            self.network = self._build()
        learn, judged = (crop_examples(cohort, self._crop(), self.targets) for cohort in (train, val))
        loss = self._loss(learn)
        augment = self._augment if self.augmentation > 0 else None
        fit_network(self.network, loss, loss.judge, learn, judged, self._schedule(), run, augment)
        return self

    def predict(self, cohort: Cohort) -> Predictions:
        """P(positive) or median value of every task, shape (case,)."""
        network, run = self._fitted()
        examples = crop_examples(cohort, self._crop(), self.targets)
        reader = FlipAveraged(network) if self.flips else network
        with computing(run):
            outputs = outputs_of(reader.to(run.device), examples, self._schedule(), run).numpy()
        network.cpu()
        return {target.task: target.decode(outputs[:, at]) for at, target in enumerate(self.targets)}

    def explain(self, cohort: Cohort) -> np.ndarray:
        """Where each case's outputs come from: (case, z, y, x) on the crop grid, 0 to 1 (the case's peak).

        See :meth:`bench_zoo.spatial_mtl.network.SpatialNetwork.relevance`.
        """
        network, run = self._fitted()
        examples = crop_examples(cohort, self._crop(), self.targets)
        with computing(run):
            maps = [_heat(network.to(run.device), examples, case, run.device) for case in range(len(cohort))]
        network.cpu()
        return np.stack(maps) if maps else np.empty((0, *self._crop().shape), dtype=np.float32)

    def count_parameters(self) -> int:
        """Trained parameters of the network."""
        network, _ = self._fitted()
        return sum(parameter.numel() for parameter in network.parameters())

    def save(self, folder: Path) -> None:
        """Write settings as JSON and weights as safetensors."""
        network, run = self._fitted()
        params = {its.name: getattr(self, its.name) for its in dataclasses.fields(self) if its.init}
        targets = [target.as_json() for target in self.targets]
        settings = {"params": params, "targets": targets, "threads": run.threads}
        (folder / SETTINGS).write_text(json.dumps(settings, indent=1), encoding="utf-8")
        save_file(network.state_dict(), folder / WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote; the method then reads cases on the CPU."""
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        method = cls(**settings["params"])
        method.targets = tuple(Target.from_json(row) for row in settings["targets"])
        method.run = Run(seed=0, device="cpu", threads=settings["threads"], workdir=folder)
        with computing(method.run):
            method.network = method._build()
        method.network.load_state_dict(load_file(folder / WEIGHTS))
        method.network.eval()
        return method

    def _fitted(self) -> tuple[SpatialNetwork | TaskNetworks, Run]:
        if self.network is None or self.run is None:
            raise RuntimeError("spatial_mtl has not been fitted: call fit or load first")
        return self.network, self.run

    def _crop(self) -> Crop:
        return Crop(self.size_mm, self.spacing_mm, CHANNELS)

    def _build(self) -> SpatialNetwork | TaskNetworks:
        design = Design(
            self.backbone,
            tuple(self.widths),
            self.attention,
            self.roi_weighting,
            tuple(self.regions),
            self.layers,
            self.pooled,
            self.hidden,
            self.dropout,
        )
        kind = SpatialNetwork if self.tasks == "joint" else TaskNetworks
        return kind(design, tuple(target.prior for target in self.targets))

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
        images, regions = inputs
        drawn = draw_augmentation(len(images), self.augmentation, generator)
        return apply_augmentation(drawn, images, regions, generator)


def _heat(network: SpatialNetwork | TaskNetworks, examples: Examples, case: int, device: str) -> np.ndarray:
    """Relevance of one case over its peak, shape (z, y, x)."""
    inputs = (tensor.to(device) for tensor in examples.read(np.array([case])))
    heat = network.relevance(*inputs)[0].cpu().numpy()
    return np.asarray(heat / max(float(heat.max()), 1e-12))
