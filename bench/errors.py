"""Errors that users can act on: what was expected, what came, whose it is and the remedy."""


class BenchError(Exception):
    """Something a user asked for cannot be done; the message names the remedy."""

    exit_code = 1


class CohortError(BenchError):
    """A cohort folder, one of its cases or its labels are not as declared."""


class ImageError(CohortError):
    """A file of a case cannot be used; ``rule`` is the kind of fault, in words that are the same for all."""

    def __init__(self, message: str, rule: str = "unreadable file") -> None:
        super().__init__(message)
        self.rule = rule


class SplitError(BenchError):
    """A split cannot be made of this cohort."""


class PluginError(BenchError):
    """A plugin or a method breaks its contract, or is not available."""


class StoreError(BenchError):
    """The run store cannot be read or written."""


class UsageError(BenchError):
    """A name or option that does not exist was asked for."""

    exit_code = 2
