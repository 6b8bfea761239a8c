"""Radiomics with a ridge penalty."""

from dataclasses import dataclass

from bench.methods.search_space import Categorical, Float
from bench_zoo.radiomics.linear import LinearRadiomics
from bench_zoo.tabular.linear import Path, ridge_path


@dataclass
class RadiomicsLR(LinearRadiomics):
    """Handcrafted features in a linear model with a ridge penalty.

    Features: :mod:`bench_zoo.radiomics.extraction`, measured once a cohort and setting and kept in the
    cache, so the first fold's time to fit holds their cost and the later ones' does not. What is kept of
    them and on which scale is learnt from the training cases (:class:`bench_zoo.radiomics.screen.Screen`);
    beyond that the penalty does the selecting. Losses: :func:`bench_zoo.tabular.linear.solve_ridge`. The
    penalty is chosen on the validation cases, see :func:`bench_zoo.tabular.linear.fit_linear`. There is no
    randomness.

    Parameters
    ----------
    regions, spacing_mm, bin_width, surround_mm, image_types, radiomics_file
        See :class:`bench_zoo.radiomics.extraction.Settings`.
    most_correlated
        See :meth:`bench_zoo.radiomics.screen.Screen.of`.
    penalties
        Ridge penalties to choose from.
    """

    penalties: tuple[float, ...] = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)

    @classmethod
    def search_space(cls) -> dict[str, Float | Categorical]:
        """Screen and bins; the penalty is chosen inside ``fit``.

        ``most_correlated``: from a screen that keeps a feature of each family to one that keeps nearly all.
        ``bin_width``: half and double the default, which leaves most lesions with the 30 to 130 bins that
        pyradiomics' documentation advises; three choices and no range, as each measures all cases anew.
        """
        return {"most_correlated": Float(0.6, 0.99), "bin_width": Categorical((2.5, 5.0, 10.0))}

    def path(self, binary: bool) -> Path:
        """Ridge models, the strongest penalty first."""
        return ridge_path(binary, self.penalties)
