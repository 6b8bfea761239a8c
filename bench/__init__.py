"""An honest benchmark of methods that read breast-cancer biomarkers from single-phase DCE-MRI.

``cohort -> split -> fit -> predict -> score -> rank``: every word is a module of this package.
"""

from importlib.metadata import version

__version__ = version("dcebench")
