"""Green-Kubo: the response at the reference from its own fluctuations."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import numpy as np

from diffneq.response.derivatives.canonical import check_canonical, dissipation_rate
from diffneq.response.derivatives.curve import ResponseCurve
from diffneq.response.derivatives.ensemble import Ensemble, run
from diffneq.response.derivatives.observed import Observed, no_list
from diffneq.response.derivatives.problem import ParameterPath, System


def fluctuation_dissipation(ensemble: Ensemble) -> ResponseCurve:
    """R(t) = int_0^t <Omega'(0) A(s)> ds over undriven runs, Omega' = d Omega/d(theta) by autodiff.

    For a field on charges Omega' = J/k_B T: Green and Kubo's formula. All times of a run of
    (snapshots x time) are origins.

    Raises:
        ValueError: where the reference is not in canonical equilibrium, or Omega' needs lists of neighbours.

    Source: R. Kubo, J. Phys. Soc. Jpn. 12, 570 (1957).
    """
    problem = ensemble.problem
    check_canonical(problem, ensemble)
    if problem.theta.of_model and getattr(problem.model, "cutoff", None) is not None:
        raise ValueError(
            f"{problem.parameter!r} is part of a pair law; use 'transient_time_correlation', which finds Omega at the "
            "start of each daughter, or 'reweighting' for a static mean."
        )

    observed = Observed(problem.model, {"dissipation_rate": _Flux(problem.dynamics, problem.drive, problem.theta)})
    length = problem.steps * (len(ensemble.states) + 1)
    keys = ensemble.keys(1, 0, ensemble.replicas)
    system = problem.system._replace(model=observed)
    result = run(problem, system, ensemble.states[-1], keys, length, skin=ensemble.skin)
    good = np.asarray(result.status) == 0
    a, j = (np.asarray(result.records[name], float)[good] for name in ("observable", "dissipation_rate"))
    samples = _correlation(j, a - a.mean(), problem.records)
    # Of two means over the same record half belongs to t > 0: exact for the even part of C, and for the odd part
    # where it is linear within a record.
    odd = (samples[:, 1:2] - _correlation(a - a.mean(), j, 2)[:, 1:2]) / 2
    integral = problem.interval * (np.cumsum(samples, axis=-1) - samples[:, :1] / 2 + odd / 6)
    integral = integral + problem.direct(ensemble.states[-1])[good][:, None]  # of A itself
    diagnostics = {"time_in_all": float(length * float(problem.dynamics.dt) * good.sum())}
    warnings = () if good.all() else (f"{int((~good).sum())} runs were lost and left out",)
    return ResponseCurve(
        problem.times, integral, "fluctuation-dissipation", problem.name, problem.unit, warnings, diagnostics
    )


class _Flux(eqx.Module):
    """Omega' of the present state."""

    dynamics: Any
    drive: Any
    theta: ParameterPath

    def __call__(self, model, state):
        return dissipation_rate(System(model, self.dynamics, self.drive), self.theta, state, no_list(state.anchor))


def _correlation(first: np.ndarray, second: np.ndarray, lags: int) -> np.ndarray:
    """<first(0) second(k)>, k = 0 .. lags - 1, (R, lags), over all origins, by FFT."""
    length = first.shape[-1]
    size = 1 << (length + lags - 1).bit_length()
    product = np.conj(np.fft.rfft(first, size)) * np.fft.rfft(second, size)
    return np.fft.irfft(product, size)[..., :lags] / (length - np.arange(lags))
