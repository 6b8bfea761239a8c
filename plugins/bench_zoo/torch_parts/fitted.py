"""What all methods of one network have in common: crops, losses, training, predictions, files."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, Self

import torch
from safetensors.torch import load_file, save_file

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import Crop
from bench.methods.method import Predictions, Run
from bench.methods.search_space import Categorical, Float
from bench_zoo.hyperparameters import from_json, hyperparameters
from bench_zoo.targets import Target, targets_of
from bench_zoo.torch_parts.augmentation import apply_augmentation, draw_augmentation
from bench_zoo.torch_parts.examples import Examples, Inputs, crop_examples
from bench_zoo.torch_parts.heads import FlipAveraged, TaskNetworks, TasksNetwork
from bench_zoo.torch_parts.losses import balanced_loss
from bench_zoo.torch_parts.training import Part, Schedule, computing, fit_apart, outputs_of

SETTINGS, WEIGHTS = "network.json", "weights.safetensors"


@dataclass
class NetworkMethod:
    """A network on the crop round the lesion; a method adds what its network is made of.

    Input, losses, training and augmentation, with their defaults, are here and nowhere else, so that methods
    that differ by their network differ by nothing but their network.

    Parameters
    ----------
    size_mm, spacing_mm
        Edge and voxel of the crop.
    backbone
        Name of the encoder; the method says which there are.
    widths
        Channels of the compact encoder's stages, each half the resolution of the one before.
    tasks
        ``joint``: one network with a branch a task; ``single``: a network of its own for every task, trained
        apart, as if the cohort had no other task.
    balance
        ``fixed`` or ``uncertainty``: see :class:`bench_zoo.torch_parts.losses.BalancedLoss`.
    hidden, dropout
        Width of the layers behind the pooling, and share of pooled features dropped.
    epochs, batch_size, learning_rate, weight_decay, averaging, amp
        See :class:`bench_zoo.torch_parts.training.Schedule`.
    augmentation
        See :func:`bench_zoo.torch_parts.augmentation.draw_augmentation`; 0 switches it off.
    flips
        Average the outputs over a case's mirror images when predicting.
    """

    size_mm: float = 40.0
    spacing_mm: float = 2.0
    backbone: str = "compact"
    widths: tuple[int, ...] = (16, 32, 64)
    tasks: Literal["joint", "single"] = "joint"
    balance: Literal["fixed", "uncertainty"] = "fixed"
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
    network: TasksNetwork | None = field(default=None, init=False, repr=False)
    run: Run | None = field(default=None, init=False, repr=False)

    # Whether the network is handed core, rim and surround beside the crop.
    reads_regions: ClassVar[bool] = False

    @classmethod
    def search_space(cls) -> dict[str, Float | Categorical]:
        """How fast it learns, how much it is held back, and the widths that cost little time.

        The learning rate matters most (Bengio 2012, arXiv 1206.5533): a tenth of the default, up to where
        AdamW begins to diverge. Weight decay: a factor of about 15 either way. Dropout: none to half, the
        share of Srivastava et al. (JMLR 2014). Augmentation: none to double strength. Crop, backbone, epochs
        and batch are not searched: they set what a trial costs, and equal trials shall cost alike. Nor are
        the parts whose worth variants measure.
        """
        return {
            "learning_rate": Float(3e-4, 1e-2, log=True),
            "weight_decay": Float(1e-3, 0.3, log=True),
            "dropout": Float(0.0, 0.5),
            "augmentation": Float(0.0, 2.0),
            "hidden": Categorical((16, 32, 64)),
            "balance": Categorical(("fixed", "uncertainty")),
        }

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Train on ``train``; ``val`` picks the epoch of each network."""
        self.targets, self.run = targets_of(train), run
        self.network = self._start(run)
        augment = self._augment if self.augmentation > 0 else None
        parts = self._parts(self.network, self._examples(train), self._examples(val))
        fit_apart(parts, self._schedule(), run, augment)
        self.network.cpu().eval()
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
        """Read what :meth:`save` wrote; the method then predicts on the CPU."""
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        method = cls(**from_json(settings["params"]))
        method.targets = tuple(Target.from_json(row) for row in settings["targets"])
        method.run = Run(seed=0, device="cpu", threads=settings["threads"], workdir=folder)
        method.network = method._build(method.run)
        method.network.load_state_dict(load_file(folder / WEIGHTS))
        method.network.eval()
        return method

    def _network(self, priors: list[float]) -> TasksNetwork:
        """A network with one output a prior, untrained."""
        raise NotImplementedError(f"{type(self).__name__} does not say what its network is: define _network")

    def _crop(self) -> Crop:
        return Crop(self.size_mm, self.spacing_mm)

    def _start(self, run: Run) -> TasksNetwork:
        """What training starts from."""
        return self._build(run)

    def _build(self, run: Run) -> TasksNetwork:
        priors = [target.prior for target in self.targets]
        if self.tasks == "joint":
            with computing(run):
                return self._network(priors)
        networks = []
        for prior in priors:
            # Each from the run's seed, or a task's network would depend on how many tasks come before it.
            with computing(run):
                networks.append(self._network([prior]))
        return TaskNetworks(networks)

    def _parts(self, network: TasksNetwork, learn: Examples, judged: Examples) -> list[Part]:
        """What is trained apart: all tasks together, or every task's network on the labels of that task."""
        if not isinstance(network, TaskNetworks):
            return [self._part(network, learn, judged, self.targets)]
        return [
            self._part(its, learn.of_task(at), judged.of_task(at), self.targets[at : at + 1])
            for at, its in enumerate(network.networks)
        ]

    def _part(
        self, network: torch.nn.Module, learn: Examples, judged: Examples, targets: tuple[Target, ...]
    ) -> Part:
        loss = balanced_loss(targets, learn.targets, self.balance)
        return Part(network, loss, loss.judge, learn, judged)

    def _fitted(self) -> tuple[TasksNetwork, Run]:
        if self.network is None or self.run is None:
            raise RuntimeError("the network has not been fitted: call fit or load first")
        return self.network, self.run

    def _examples(self, cohort: Cohort) -> Examples:
        return crop_examples(cohort, self._crop(), self.targets, self.reads_regions)

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
        images, *others = inputs
        drawn = draw_augmentation(len(images), self.augmentation, generator)
        return apply_augmentation(drawn, images, others, generator)
