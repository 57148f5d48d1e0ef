"""All estimates of one free energy difference side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diffneq.fluctuations.free_energy.bar import bar
from diffneq.fluctuations.free_energy.crossing import crossing
from diffneq.fluctuations.free_energy.cumulants import cumulants
from diffneq.fluctuations.free_energy.jarzynski import jarzynski
from diffneq.fluctuations.free_energy.overlap import bennett_overlap, shared_area
from diffneq.statistics import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Comparison:
    """Estimates of dF by name, the overlap of the two distributions, and the works they came from.

    `estimates`, name -> Estimate [energy]; `overlap` (Bennett's O), `shared_area` at Bennett's dF; `forward`,
    `reverse` (n,) [energy]; `temperature`; `unit`. Print it for a table, `figure()` for a picture.
    """

    estimates: Mapping[str, Estimate]
    overlap: Estimate
    shared_area: Estimate
    forward: np.ndarray
    reverse: np.ndarray
    temperature: float
    unit: str = ""

    def __str__(self) -> str:
        rows = [f"{'estimator':<24}{'dF':>18}{'bias':>10}  warnings"]
        for name, found in self.estimates.items():
            bias = found.diagnostics.get("bias", np.nan)
            rows.append(f"{name:<24}{found!s:>18}{bias:>10.2g}  {'; '.join(found.warnings)}".rstrip())
        rows.append(f"{'Bennett overlap':<24}{self.overlap!s:>18}  (0.5 at most)")
        rows.append(f"{'shared area':<24}{self.shared_area!s:>18}  (1 at most)")
        return "\n".join(rows)

    def figure(self) -> "Figure":
        """Histograms of W_F and -W_R, and the estimates with their error bars."""
        from diffneq.plotting.free_energy import comparison

        return comparison(self)


def compare(
    forward, reverse, temperature: float = 1.0, *, inefficiency: float | str = 1.0, seed: int = 0, unit: str = ""
) -> Comparison:
    """dF by Jarzynski's average either way, cumulants, crossings and Bennett's ratio, side by side.

    Arguments: `forward` (n_F,), `reverse` (n_R,) work done ON the system by the protocol and its reverse [energy];
    `temperature` k_B T [energy]; `inefficiency` as in `jarzynski`; `seed` of the bootstraps. Raises `ValueError` as
    the estimators do.

    >>> rng = np.random.default_rng(0)
    >>> found = compare(rng.normal(1.5, 1.0, 500), rng.normal(-0.5, 1.0, 500))
    >>> all(abs(estimate.z_score(1.0)) < 4 for estimate in found.estimates.values())
    True
    """
    common = {"inefficiency": inefficiency, "unit": unit}
    T = float(temperature)
    estimates = {
        "Jarzynski forward": jarzynski(forward, T, **common),
        "Jarzynski reverse": _negative(jarzynski(reverse, T, **common)),
        "cumulants forward": cumulants(forward, 2, T, **common),
        "cumulants reverse": _negative(cumulants(reverse, 2, T, **common)),
        "Gaussian crossing": crossing(forward, reverse, T, seed=seed, **common),
        "kernel crossing": crossing(forward, reverse, T, method="kernel", seed=seed, **common),
        "Bennett ratio": bar(forward, reverse, T, **common),
    }
    f, r = np.asarray(forward, np.float64), np.asarray(reverse, np.float64)
    at = estimates["Bennett ratio"].value
    return Comparison(estimates, bennett_overlap(f, r, T), shared_area(f, r, at, T), f, r, T, unit)


def _negative(estimate: Estimate) -> Estimate:
    """The reverse process gives -dF."""
    diagnostics = {**estimate.diagnostics, "bias": -estimate.diagnostics.get("bias", np.nan)}
    kept = (estimate.unit, estimate.name, estimate.method, estimate.warnings, diagnostics)
    return Estimate(-estimate.value, estimate.error, *kept)
