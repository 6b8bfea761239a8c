"""Radiomics features of a cohort's cases: what is measured, and who measures it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from bench.errors import CohortError, UsageError
from bench.imaging.regions import REGIONS

if TYPE_CHECKING:
    import pandas as pd

    from bench.cohorts.cohort import Cohort

# What measures images stands beside the benchmark, in a package that uses it.
GROUP, NAME = "bench.features", "radiomics"
IMAGE_TYPES = ("original", "log", "wavelet")
PREFIX, FILE = "radiomics_", "radiomics_file"


class FeatureSource(Protocol):
    """The module that measures: an entry point of the group ``bench.features``."""

    def feature_rows(self, cohort: "Cohort", settings: "RadiomicsSettings") -> "pd.DataFrame":
        """Features of the cases, a row a case, from the cache or measured now."""

    def parameters_of(self, text: str) -> str:
        """What a parameter file holds, checked, as JSON with its keys in order."""


@dataclass(frozen=True)
class RadiomicsSettings:
    """What pyradiomics measures, see :meth:`bench.Cohort.radiomics`.

    The defaults are those of ``radiomics_lr``; what one method has had measured is there for all.

    Parameters
    ----------
    regions
        Any of ``lesion``, ``core``, ``rim`` and ``surround``.
    spacing_mm
        Edge of a voxel of the isotropic grid, mm.
    bin_width
        Width of a grey level of the original image, per cent of the normalised intensity.
    surround_mm
        From where to where outside the boundary the surround reaches, mm.
    image_types
        Any of ``original``, ``log`` (Laplacian of Gaussian of 2 and 4 mm) and ``wavelet`` (eight bands).
    radiomics_file
        Parameter file of pyradiomics, YAML or JSON: its path, or what it holds. It takes the place of grid,
        bins and image types: image and mask reach pyradiomics as they are.

    Raises
    ------
    CohortError
        A region or an image type is none of these.

    Examples
    --------
    >>> import bench
    >>> bench.RadiomicsSettings(regions=("lesion",)).spacing_mm
    1.5
    """

    regions: tuple[str, ...] = ("lesion", "surround")
    spacing_mm: float = 1.5
    bin_width: float = 5.0
    surround_mm: tuple[float, float] = (1.0, 9.0)
    image_types: tuple[str, ...] = ("original",)
    radiomics_file: str = ""

    def __post_init__(self) -> None:
        known = {"regions": ("lesion", *REGIONS), "image_types": IMAGE_TYPES}
        for name, words in known.items():
            asked = getattr(self, name)
            if not asked or isinstance(asked, str) or set(asked) - set(words):
                raise CohortError(
                    f"radiomics: {name} is {asked!r}, expected a tuple of any of {', '.join(words)}"
                )

    @classmethod
    def of(cls, method: Any) -> Self:
        """The settings among a method's fields: ``radiomics_regions``, ``radiomics_bin_width`` and so on.

        A parameter file is the field ``radiomics_file``. What the method has no field for has its default.

        Examples
        --------
        >>> from types import SimpleNamespace
        >>> import bench
        >>> bench.RadiomicsSettings.of(SimpleNamespace(radiomics_bin_width=10.0)).bin_width
        10.0
        """
        names = {one.name: f"{PREFIX}{one.name.removeprefix(PREFIX)}" for one in fields(cls)}
        return cls(**{name: getattr(method, own) for name, own in names.items() if hasattr(method, own)})

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """Settings that went through JSON, which has no tuples."""
        return cls(
            tuple(map(str, said["regions"])),
            float(said["spacing_mm"]),
            float(said["bin_width"]),
            (float(said["surround_mm"][0]), float(said["surround_mm"][1])),
            tuple(map(str, said["image_types"])),
            str(said[FILE]),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the content of the parameter file in place of its path.

        So who measures opens no file that a method names.
        """
        return asdict(replace(self, radiomics_file=content_of(self.radiomics_file)))


def content_of(given: str) -> str:
    """What a parameter file holds; a text that is no path stays. CohortError where there is no file."""
    if is_content(given):
        return given
    try:
        return f"{Path(given).read_text(encoding='utf-8')}\n"
    except (OSError, UnicodeDecodeError) as error:
        raise CohortError(
            f"{FILE}: {given} cannot be read ({error}); expected the path of a parameter file of pyradiomics"
        ) from error


def is_content(given: str) -> bool:
    """Whether a text is what a parameter file holds, rather than its path."""
    return not given or "\n" in given or given.lstrip().startswith("{")


def radiomics_parameters(given: str) -> str:
    r"""What a parameter file of pyradiomics holds, checked, as JSON text; '' stays.

    A method with a field ``radiomics_file`` has this in its ``settle``, so that the content of the file, not
    its path, names the cell.

    Parameters
    ----------
    given
        Path of a YAML or JSON file, or what it holds.

    Raises
    ------
    UsageError
        The file cannot be read, or pyradiomics does not accept it.

    Examples
    --------
    >>> import bench
    >>> bench.radiomics_parameters("setting:\n  binCount: 32\n")  # doctest: +SKIP
    '{"setting": {"binCount": 32}}'
    """
    if not given:
        return given
    try:
        return _source().parameters_of(content_of(given))
    except CohortError as error:
        raise UsageError(str(error)) from error


def measured(cohort: "Cohort", settings: RadiomicsSettings) -> "pd.DataFrame":
    """Features of the cases, from files as they were loaded; see :meth:`bench.Cohort.radiomics`."""
    content = replace(settings, radiomics_file=content_of(settings.radiomics_file))
    files = cohort.crop_source()
    as_loaded = replace(cohort, files=files.files, lesion_labels=files.lesion_labels)
    return _source().feature_rows(as_loaded, content)


def described_rows(table: "pd.DataFrame") -> dict[str, Any]:
    """Names of the rows and columns of a table of features."""
    return {"case_ids": list(map(str, table.index)), "columns": list(map(str, table.columns))}


def recipe_name(settings: RadiomicsSettings) -> str:
    """A name for these settings that a file can have."""
    return hashlib.sha256(json.dumps(settings.to_json()).encode()).hexdigest()[:16]


def _source() -> FeatureSource:
    """What measures; raises CohortError where it is not installed."""
    found = entry_points(group=GROUP, name=NAME)
    if not found:
        raise CohortError(
            f"nothing that measures radiomics is installed (entry point {NAME!r} of the group {GROUP!r}); "
            "install dcebench anew, in a clone by `uv sync`"
        )
    source: FeatureSource = next(iter(found)).load()
    return source
