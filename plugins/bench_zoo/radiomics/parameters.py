"""Parameters of pyradiomics itself: read, checked by pyradiomics' own schema, and kept as text."""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from bench.errors import UsageError

FIELD = "radiomics_file"
# What a parameter file says instead.
REPLACED = ("spacing_mm", "bin_width", "image_types")
HELP = "see 'Parameter File' in pyradiomics' documentation"


def settle_parameters(method: type, params: Mapping[str, Any]) -> dict[str, Any]:
    """The hyperparameters with the content of the parameter file in place of its path.

    So the content, and not the path, is what names a cell and a table of features, and what is kept.

    Parameters
    ----------
    method
        Class of the method.
    params
        All its hyperparameters.

    Raises
    ------
    UsageError
        The file cannot be read, pyradiomics does not accept it, or what it replaces is set as well.
    """
    given = params[FIELD]
    if not given or importlib.util.find_spec("radiomics") is None:
        return dict(params)
    defaults = {field.name: field.default for field in fields(method)}
    doubled = [name for name in REPLACED if params[name] != defaults[name]]
    if doubled:
        raise UsageError(
            f"{FIELD} and {doubled[0]} were both set, but resampling, bins and image types are the file's: "
            f"leave {doubled[0]} out"
        )
    return {**params, FIELD: parameters_text(given)}


def parameters_text(given: str | Mapping[str, Any]) -> str:
    """Parameters of pyradiomics as JSON, keys in order.

    Parameters
    ----------
    given
        Path of a YAML or JSON file, or what such a file holds.

    Raises
    ------
    UsageError
        One line: what is wrong with which file, and the remedy.
    """
    place, content = _read(given)
    _check(place, content)
    try:
        return json.dumps(content, sort_keys=True)
    except TypeError as error:
        raise UsageError(f"{place}: {error}, expected numbers, texts, lists and maps; {HELP}") from error


def _read(given: str | Mapping[str, Any]) -> tuple[str, Any]:
    """How to call the parameters in a message, and what they hold."""
    if isinstance(given, Mapping):
        return FIELD, dict(given)
    path = Path(given)
    if not given.lstrip().startswith("{"):
        if not path.is_file():
            raise UsageError(
                f"{FIELD}: no such file: {given}; expected the path of a parameter file of pyradiomics (YAML "
                "or JSON), or what it holds as {setting: {binCount: 32}}"
            )
        return f"{FIELD} {given}", _parsed(
            f"{FIELD} {given}", path.read_text(encoding="utf-8", errors="replace")
        )
    return FIELD, _parsed(FIELD, given)


def _parsed(place: str, text: str) -> Any:
    from pykwalify.compat import yml  # as pyradiomics reads it; JSON is YAML too

    try:
        return yml.load(text)
    except Exception as error:  # the parser has many kinds of error
        reason = " ".join(str(error).split())
        raise UsageError(f"{place}: neither YAML nor JSON ({reason}); {HELP}") from error


def _check(place: str, content: Any) -> None:
    """Raise UsageError where pyradiomics refuses the parameters, or they ask for what a cohort decides."""
    if not isinstance(content, dict) or not content:
        raise UsageError(f"{place}: expected setting, imageType or featureClass, got {content!r}; {HELP}")
    reason = _refusal(content)
    if reason:
        raise UsageError(f"{place}: {reason}; {HELP}")
    setting = content.get("setting") or {}
    if setting.get("label", 1) != 1 or "label_channel" in setting:
        raise UsageError(
            f"{place}: take out label and label_channel: the cohort says which voxels are the lesion"
        )
    log = (content.get("imageType") or {}).get("LoG", {"sigma": ()})
    if "sigma" not in (log or {}) and "sigma" not in setting:
        raise UsageError(f"{place}: image type LoG needs sigma, in mm: LoG: {{sigma: [2.0, 4.0]}}")


def _refusal(content: dict[str, Any]) -> str:
    """Why pyradiomics' own schema refuses the parameters, in one line; '' where it accepts them."""
    import logging

    import pykwalify.core
    from radiomics import getParameterValidationFiles

    schema, functions = getParameterValidationFiles()
    logging.getLogger("pykwalify").setLevel(logging.CRITICAL)
    try:
        pykwalify.core.Core(source_data=content, schema_files=[schema], extensions=[functions]).validate()
    except Exception as error:  # the schema's functions raise kinds of their own
        return " ".join(str(getattr(error, "msg", "") or error).split()).rstrip(".")
    return ""
