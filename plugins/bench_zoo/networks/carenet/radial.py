"""A 1D CNN over the radial profile, inspired by CaReNet-V1 (arXiv 2310.15094).

The source classifies infrared spectra of breast tissue by a 1D CNN over wavenumbers and explains it by a 1D
Grad-CAM. An MRI voxel has no spectrum. Taken over: the idea of a 1D CNN with Grad-CAM. Changed for this
input: what runs along the axis is the signed distance to the lesion's boundary, from 14 mm inside to 12 mm
outside, in shells of 2 mm; a shell's channels are mean and deviation of the intensity and of its local
detail, and the logarithm of the voxel count. Layers, kernels and losses are not stated in the abstract: three
convolutions of 16, 32 and 32 channels, 40 epochs (the profile is cheap), and the losses and the training of
all networks here. The source leaves open whether it split by patient or by pixel. No reproduction of
published numbers.
"""

from dataclasses import dataclass

import numpy as np
import torch

from bench.cohorts.cohort import Cohort
from bench.imaging.crop import CHANNELS, Crop
from bench_zoo.networks.carenet.profile import ProfileNetwork
from bench_zoo.torch_parts.designed import DesignedNetwork
from bench_zoo.torch_parts.training import computing


@dataclass
class CaReNet1D(DesignedNetwork):
    """A 1D CNN over shells of equal distance to the boundary.

    Parameters
    ----------
    inside_mm, outside_mm, shell_mm
        How deep and how far the profile reaches, and thickness of a shell; voxels beyond belong to no
        shell.
    widths
        Channels of the convolutions.
    """

    inside_mm: float = 14.0
    outside_mm: float = 12.0
    shell_mm: float = 2.0
    widths: tuple[int, ...] = (16, 32, 32)
    epochs: int = 40

    def explain(self, cohort: Cohort) -> np.ndarray:
        """Grad-CAM of the profile painted on each shell's voxels: (case, z, y, x), 0 to 1 (the peak)."""
        network, run = self._fitted()
        examples = self._examples(cohort)
        if not len(cohort):
            return np.empty((0, *self._crop().shape), dtype=np.float32)
        with computing(run):
            maps = [network.relevance(*examples.read(np.array([at])))[0] for at in range(len(cohort))]  # type: ignore[operator]
        heat = torch.stack(maps).numpy()
        return np.asarray(heat / np.maximum(heat.max(axis=(1, 2, 3), keepdims=True), 1e-12))

    def _crop(self) -> Crop:
        return Crop(self.size_mm, self.spacing_mm, CHANNELS)

    def _network(self, priors: list[float]) -> ProfileNetwork:
        shells = np.arange(-self.inside_mm, self.outside_mm + self.shell_mm / 2, self.shell_mm)
        return ProfileNetwork(shells.tolist(), self.widths, self.hidden, self.dropout, priors)
