"""Free energies of several states from one analysis, with their covariances."""

from dataclasses import dataclass

import numpy as np

from diffneq.fluctuations.free_energy.jarzynski import NAME
from diffneq.statistics import Estimate

DOUBTFUL, HOPELESS = 10.0, 1.0  # runs shared by two states, as in `bar`


@dataclass(frozen=True)
class FreeEnergies:
    """F_k/k_BT of K states, relative to the first.

    `values` (K,); `covariance` (K, K), of which only differences have a meaning; `shared_runs` (K, K), how many
    independent runs connect two states (infinite on the diagonal); `overlap` (K, K), the probability that a run of
    state i, by its weights, belongs to state j, None where there is no such matrix; `method`; `warnings`.
    """

    values: np.ndarray
    covariance: np.ndarray
    shared_runs: np.ndarray
    overlap: np.ndarray | None
    method: str
    warnings: tuple[str, ...] = ()

    def difference(self, first: int = 0, second: int = -1, temperature: float = 1.0, unit: str = "") -> Estimate:
        """F_second - F_first [energy]; the error is infinite, with a warning, where no run connects the two."""
        i, j = (range(len(self.values))[state] for state in (first, second))
        if i == j:
            raise ValueError(f"difference: both states are {i}; give two different ones.")
        c, shared = self.covariance, float(self.shared_runs[i, j])
        error = float(np.sqrt(max(c[i, i] + c[j, j] - c[i, j] - c[j, i], 0.0)))
        warnings = list(self.warnings)
        if not shared >= HOPELESS or error == 0:
            warnings.append(f"no overlap: {shared:.2g} runs connect states {i} and {j}; put states between them")
            error = np.inf
        elif shared < DOUBTFUL:
            warnings.append(f"poor overlap: {shared:.2g} runs connect states {i} and {j}")
        value = float(self.values[j] - self.values[i])
        diagnostics = {"shared_runs": shared, "dof": max(2 * shared, 1.0)}
        return Estimate(value * temperature, error * temperature, unit, NAME, self.method, tuple(warnings), diagnostics)

    def profile(self, temperature: float = 1.0, unit: str = "") -> list[Estimate]:
        """F_k - F_0 of the states 1 .. K - 1 [energy]."""
        return [self.difference(0, k, temperature, unit) for k in range(1, len(self.values))]
