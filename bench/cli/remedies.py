"""Messages of the library with the options of the command line in place of the parameters that they name."""

from bench.errors import BenchError, worded

# Options that are not called as the parameter that they give.
_OPTIONS = {"methods": "method", "plugins": "plugin"}


def with_options(message: BenchError | str) -> str:
    """The message, in which ``inner_folds=3`` of Python is ``--inner-folds 3``."""
    text = Exception.__str__(message) if isinstance(message, BenchError) else message
    return worded(text, _option)


def _option(name: str, value: str) -> str:
    option = f"--{_OPTIONS.get(name, name).replace('_', '-')}"
    return f"{option} {value}" if value else option
