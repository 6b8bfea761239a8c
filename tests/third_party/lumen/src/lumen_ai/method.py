"""Training and prediction."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from bench import Cohort, Crop, Float, Int, Run, Task
from lumen_ai.network import Planes

CROP = Crop(size_mm=40, spacing_mm=2)


@dataclass
class LumenPlanes:
    """A small network, all tasks at once; a loss counts where the label is known."""

    width: int = 8
    epochs: int = 20
    learning_rate: float = 2e-3
    batch_size: int = 16

    @classmethod
    def search_space(cls) -> dict[str, Int | Float]:
        return {"width": Int(4, 32), "learning_rate": Float(1e-4, 1e-2, log=True)}

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        torch.set_num_threads(run.threads)
        torch.manual_seed(run.seed)
        draw = np.random.default_rng(run.seed)
        self.scales = np.array([scale_of(task, train.labels(task.name)) for task in train.tasks])
        self.network = Planes(len(CROP.channels), self._even_width, len(train.tasks)).to(run.device)
        crops, targets = train.crops(CROP), self._targets(train)
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=self.learning_rate)
        for epoch in range(self.epochs):
            order = draw.permutation(len(train))
            for first in range(0, len(order), self.batch_size):
                rows = order[first : first + self.batch_size]
                batch, target = torch.from_numpy(crops[rows]), torch.from_numpy(targets[rows])
                optimiser.zero_grad()
                torch.autograd.backward(self._loss(batch.to(run.device), target.to(run.device)))
                optimiser.step()
            run.report(epoch + 1, self.epochs, self._score(val, run.device))
        self.network.cpu().eval()
        return self

    def predict(self, cohort: Cohort) -> dict[str, np.ndarray]:
        with torch.no_grad():
            rows = [self.network(torch.from_numpy(crop)[None])[0] for crop in cohort.crops(CROP)]
        outputs = torch.stack(rows).double()
        binary, centre, spread = torch.from_numpy(self.scales).T
        values = torch.where(binary == 1, outputs.sigmoid(), centre + spread * outputs).numpy()
        return {task.name: values[:, at].clip(*task.bounds) for at, task in enumerate(cohort.tasks)}

    def explain(self, cohort: Cohort) -> np.ndarray:
        """How much each voxel of the image moves the first task, shape (case, z, y, x)."""
        maps = []
        for crop in cohort.crops(CROP):
            batch = torch.from_numpy(crop)[None].requires_grad_()
            (slope,) = torch.autograd.grad(self.network(batch)[0, 0], batch)
            maps.append((slope * batch)[0, 0].abs().detach().numpy())
        return np.stack(maps)

    def count_parameters(self) -> int:
        return sum(part.numel() for part in self.network.parameters())

    def save(self, folder: Path) -> None:
        chosen = {one.name: getattr(self, one.name) for one in fields(self)}
        (folder / "lumen.json").write_text(json.dumps({"chosen": chosen, "scales": self.scales.tolist()}))
        save_file(self.network.state_dict(), folder / "lumen.safetensors")

    @classmethod
    def load(cls, folder: Path) -> Self:
        saved = json.loads((folder / "lumen.json").read_text())
        method = cls(**saved["chosen"])
        method.scales = np.array(saved["scales"])
        method.network = Planes(len(CROP.channels), method._even_width, len(method.scales))
        method.network.load_state_dict(load_file(folder / "lumen.safetensors"))
        method.network.eval()
        return method

    @property
    def _even_width(self) -> int:
        return self.width + self.width % 2  # groups of the normalisation are two

    def _targets(self, cohort: Cohort) -> np.ndarray:
        """Shape (case, task): 0 or 1, or the label on the scale of the training cases; NaN where unknown."""
        labels = np.stack([cohort.labels(task.name) for task in cohort.tasks], axis=1)
        return ((labels - self.scales[:, 1]) / self.scales[:, 2]).astype(np.float32)

    def _loss(self, crops: Tensor, targets: Tensor) -> Tensor:
        outputs, known = self.network(crops), targets.isfinite()
        wanted, binary = targets.nan_to_num(), torch.from_numpy(self.scales[:, 0] == 1).to(crops.device)
        entropy = nn.functional.binary_cross_entropy_with_logits(outputs, wanted, reduction="none")
        losses = torch.where(binary, entropy, abs(outputs - wanted))
        return (losses * known).sum() / known.sum().clamp(min=1)

    def _score(self, val: Cohort, device: str) -> float | None:
        if not len(val):
            return None
        with torch.no_grad():
            crops = torch.from_numpy(val.crops(CROP)[:]).to(device)
            return -float(self._loss(crops, torch.from_numpy(self._targets(val)).to(device)))


def scale_of(task: Task, labels: np.ndarray) -> tuple[float, float, float]:
    """Whether a task is binary; middle and spread of its labels where it is not."""
    known = labels[np.isfinite(labels)]
    if task.kind == "binary" or not known.size:
        return float(task.kind == "binary"), 0.0, 1.0
    return 0.0, float(np.median(known)), float(known.std()) or 1.0
