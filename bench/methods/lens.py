"""Lenses: how a method sees cases, by what was learned from its training cases alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from bench.cohorts.cohort import Cohort
from bench.cohorts.radiomics import RadiomicsSettings
from bench.methods.method import MethodSpec

if TYPE_CHECKING:
    import pandas as pd

    from bench.imaging.crop import Crop
    from bench.imaging.volume import Volume


class Lens:
    """How a method sees cases; a subclass is a dataclass whose fields are its hyperparameters.

    It changes any of :meth:`features`, :meth:`radiomics` and :meth:`crops`; what it does not define stays.
    Cases that it is handed may be training, validation or test cases: what is learned comes from ``train``.
    Files that a method opens itself are not changed. Optional, found by its presence: the class method
    ``settle``, as of :class:`bench.Method`.

    Attributes
    ----------
    train
        The training cases; None in a lens that was loaded.
    asked
        Whether the method read anything that the lens changes.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import bench
    >>> @dataclass
    ... class Ranked(bench.Lens):
    ...     def features(self, cohort):
    ...         table = cohort.features().select_dtypes("number")
    ...         known = self.train.features()[table.columns]
    ...         return table.apply(lambda column: known[column.name].searchsorted(column) / len(known))
    """

    train: Cohort | None = None
    asked: bool = False

    def features(self, cohort: Cohort) -> "pd.DataFrame":
        """The feature table of these cases as the method sees it, shape (case, feature)."""
        return cohort.features()

    def radiomics(self, cohort: Cohort, settings: RadiomicsSettings) -> "pd.DataFrame":
        """Radiomics of these cases as the method sees them, shape (case, feature)."""
        return cohort.radiomics(settings)

    def crops(self, cohort: Cohort, crop: "Crop") -> Any:
        """Crops of these cases as the method sees them, indexed as :class:`bench.imaging.crops.Crops` is."""
        return cohort.crops(crop)

    def as_json(self) -> dict[str, Any]:
        """What was learned, as plain values."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what :meth:`as_json` gave, after JSON."""

    @classmethod
    def adapted(cls, spec: MethodSpec, specs: Mapping[str, MethodSpec]) -> MethodSpec:
        """The method that is seen through the lens where ``spec`` is asked for: itself, unless defined anew.

        Parameters
        ----------
        specs
            Every method by name.

        Raises
        ------
        UsageError
            The method reads nothing that the lens changes; the message completes "NAME+LENS cannot be: ...".
        """
        return spec

    def changes(self, what: str) -> bool:
        """Whether the lens defines ``features``, ``radiomics`` or ``crops`` anew."""
        return getattr(type(self), what) is not getattr(Lens, what)


@dataclass(frozen=True, eq=False)
class SeenCohort(Cohort):
    """Cases as a lens shows them.

    Parameters
    ----------
    lens
        What changes them.
    within
        The cohort that is seen; its table is taken from this one, so that taken and blind cases stay so.
    """

    lens: Lens = field(default_factory=Lens, repr=False)
    within: Cohort | None = field(default=None, repr=False)

    def features(self) -> "pd.DataFrame":
        """See :meth:`bench.Cohort.features`."""
        self.lens.asked |= self.lens.changes("features")
        return self.lens.features(self._plain())

    def radiomics(self, settings: RadiomicsSettings | None = None) -> "pd.DataFrame":
        """See :meth:`bench.Cohort.radiomics`."""
        self.lens.asked |= self.lens.changes("radiomics")
        return self.lens.radiomics(self._plain(), settings or RadiomicsSettings())

    def crops(self, crop: "Crop") -> Any:
        """See :meth:`bench.Cohort.crops`; a crop without an image stays as it is."""
        plain = self._plain()
        if not crop.image_channels(self.images):
            return plain.crops(crop)
        self.lens.asked |= self.lens.changes("crops")
        return self.lens.crops(plain, crop)

    def regions(self, crop: "Crop", *args: Any, **kwargs: Any) -> Any:
        """See :meth:`bench.Cohort.regions`."""
        return self._plain().regions(crop, *args, **kwargs)

    def volume(self, case_id: str) -> "Volume":
        """See :meth:`bench.Cohort.volume`; as it was measured."""
        return self._plain().volume(case_id)

    def _plain(self) -> Cohort:
        assert self.within is not None
        return replace(self.within, table=self.table)


def seen(lens: Lens, cohort: Cohort) -> SeenCohort:
    """The cases of a cohort through a lens."""
    own = {one.name: getattr(cohort, one.name) for one in fields(Cohort)}
    return SeenCohort(**own, lens=lens, within=cohort)
