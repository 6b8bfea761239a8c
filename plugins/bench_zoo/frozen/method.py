"""An encoder that is not trained here, and a simple head on what it pools.

What papers on foundation models report as frozen features with a linear probe (MRI-CORE, arXiv 2506.12186;
Triad, arXiv 2502.14064; OpenMind, arXiv 2412.17041; Med3D, arXiv 1904.00625). Taken over: the encoder stays
as it is, its features are pooled, a penalised linear model reads them. Left open by those papers for this
input and chosen here: crops of 40 mm at 2 mm, intensity and mask; features are screened and selected as
radiomics are; any of the nine families as head. Changed: no weights ship with the benchmark and none are
fetched, so ``frozen`` wants a local file and is skipped without; the first layer keeps what matches of two
channels and draws the rest. ``random_encoder`` is the floor: the same with an encoder that nobody trained.
620 cases take about 12 CPU seconds with the compact encoder, 60 with a ResNet-18, once a cohort. No
reproduction of published numbers.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pandas as pd

from bench.cohorts.cohort import Cohort
from bench.methods.method import Run
from bench_zoo.classical.table_model import TableModel
from bench_zoo.frozen.embedding import Settings, embedding_table

FILE = "frozen.json"


@dataclass
class FrozenEncoder(TableModel):
    """Pooled features of a frozen encoder in one of nine families.

    Parameters
    ----------
    encoder
        ``compact``, ``monai:NAME`` or a timm_3d model, see
        :func:`bench_zoo.torch_parts.encoders.pooled_encoder`.
    widths
        Channels of the compact encoder's stages.
    weights
        Path of a file of weights, safetensors or a torch state dict; empty for an untrained encoder.
    digest
        SHA-256 of that file, filled in; it names the cell.
    size_mm, spacing_mm
        Edge and voxel of the crop.
    """

    counts: tuple[int, ...] = (8, 32, 128)
    encoder: str = "compact"
    widths: tuple[int, ...] = (16, 32, 64)
    weights: str = ""
    digest: str = ""
    size_mm: float = 40.0
    spacing_mm: float = 2.0

    run: Run | None = field(default=None, init=False, repr=False)

    @classmethod
    def settle(cls, params: Mapping[str, Any]) -> dict[str, Any]:
        """The hash of the file of weights beside its path."""
        path = Path(params["weights"])
        if not params["weights"] or not path.is_file():
            return dict(params)
        return {**params, "digest": hashlib.sha256(path.read_bytes()).hexdigest()}

    def fit(self, train: Cohort, val: Cohort, run: Run) -> Self:
        """Embed the cases, then fit the head."""
        self.run = run
        return super().fit(train, val, run)

    def measure(self, cohort: Cohort) -> pd.DataFrame:
        """Features of the frozen encoder, from the cache that all heads share."""
        if self.run is None:
            raise RuntimeError("the head has not been fitted: call fit or load first")
        settings = Settings(
            self.encoder,
            self.widths,
            self.weights,
            self.digest,
            self.run.seed,
            self.size_mm,
            self.spacing_mm,
            self.run.threads,
        )
        return embedding_table(cohort, settings, self.run)

    def save(self, folder: Path) -> None:
        """Write the head; the encoder is the file's, or drawn from the seed."""
        super().save(folder)
        threads = 1 if self.run is None else self.run.threads
        (folder / FILE).write_text(json.dumps({"threads": threads}), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote; reading cases takes the file of weights still."""
        method = super().load(folder)
        threads = json.loads((folder / FILE).read_text(encoding="utf-8"))["threads"]
        method.run = Run(method.seed, "cpu", threads, folder)
        return method
