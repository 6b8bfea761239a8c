"""Parts of MONAI, imported when a network is built: the import takes seconds, and warns."""

import importlib
import warnings
from typing import Any


def monai_part(module: str, name: str) -> Any:
    """The class ``name`` of ``monai.MODULE``, such as ``networks.nets.resnet`` and ``ResNet``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(importlib.import_module(f"monai.{module}"), name)
