"""What a method says of its own cost, for the time that a plan states before anything has run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cost:
    """Time to fit and predict, as measured by the author of a method.

    Parameters
    ----------
    seconds_per_case
        Seconds per training case on one core of a present-day server, with the parameters of the spec.
    grows_with
        Numeric hyperparameters to which the time is proportional, such as ``epochs``.
    """

    seconds_per_case: float
    grows_with: tuple[str, ...] = ()

    def seconds(self, cases: int, params: Mapping[str, Any], standard: Mapping[str, Any]) -> float:
        """Seconds of one cell of so many training cases.

        Parameters
        ----------
        params, standard
            Hyperparameters of the cell, and those that the cost was measured with.
        """
        factor = 1.0
        for name in self.grows_with:
            factor *= params[name] / standard[name]
        return self.seconds_per_case * cases * factor
