"""Radiomics with a penalty that sets weights to zero: LASSO and elastic net."""

from dataclasses import dataclass

from bench.methods.search_space import Float
from bench_zoo.radiomics.linear import LinearRadiomics
from bench_zoo.tabular.elastic_net import sparse_path
from bench_zoo.tabular.linear import Path


@dataclass
class RadiomicsElasticNet(LinearRadiomics):
    """Handcrafted features, of filtered images too, in a linear model that selects them.

    What most radiomics papers do: original, Laplacian-of-Gaussian and wavelet images
    (:mod:`bench_zoo.radiomics.extraction`); near-constant features and those that repeat others dropped
    (:class:`bench_zoo.radiomics.screen.Screen`, learnt from the training cases alone); LASSO or elastic net
    for what is left. Losses: :func:`bench_zoo.tabular.elastic_net.sparse_path`. Strength and L1 ratio are
    chosen on the validation cases, see :func:`bench_zoo.tabular.linear.fit_linear`. There is no randomness.

    Parameters
    ----------
    regions, spacing_mm, bin_width, surround_mm, image_types, radiomics_file
        See :class:`bench_zoo.radiomics.extraction.Settings`.
    most_correlated
        See :meth:`bench_zoo.radiomics.screen.Screen.of`.
    strengths
        L1 penalties to choose from. Scores have a spread of 1, so that above about 0.5 (binary) no weight
        is left.
    l1_ratios
        Shares of L1 in the penalty to choose from, above 0 and at most 1; ``(1.0,)`` is the LASSO.
    """

    image_types: tuple[str, ...] = ("original", "log", "wavelet")
    strengths: tuple[float, ...] = (0.3, 0.2, 0.14, 0.1, 0.07, 0.05, 0.035, 0.025, 0.018, 0.0125, 0.009)
    l1_ratios: tuple[float, ...] = (0.9, 0.5, 0.1)

    @classmethod
    def search_space(cls) -> dict[str, Float]:
        """The screen; strength and L1 ratio are chosen inside ``fit``, and the features are measured once."""
        return {"most_correlated": Float(0.6, 0.99)}

    def path(self, binary: bool) -> Path:
        """Sparse models, the strongest penalty first."""
        return sparse_path(binary, self.strengths, self.l1_ratios)
