"""Displacements: the conductivity by Einstein and Helfand, self-diffusion, Nernst-Einstein, Haven's ratio."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot

import numpy as np

from diffneq.response.conductivity.diffusive import DiffusiveFit, diffusive_fit, squared_displacement
from diffneq.response.spectra import as_series
from diffneq.statistics import Estimate

_NOT_STRAIGHT = "the mean squared displacement has not become a straight line: record longer"


def einstein_helfand(
    current, dt: float, volume: float, temperature: float, *, lag: float | None = None, unit: str = ""
) -> Estimate:
    """sigma = lim <|M(t) - M(0)|^2>/(2 d t V k_B T), M(t) = int J dt = sum_i q_i x_i.

    Arguments: `current` (T,), (R, T) or (R, d, T): equilibrium records of J [e length/time], means over intervals `dt`
    [time], R replicas, d equivalent components; `volume` V; `temperature` k_B T [energy]; `lag` [time], from which on
    the displacement is fitted; default the shortest from which on it is straight, see `diffusive.diffusive_fit`.

    The line offset + slope t is fitted at 8 multiples of the lag by generalised least squares, with the covariance of
    the overlapping windows of a random walk. Diagnostics: "lag" [time], "windows", their number, "offset", "p_value" of
    the line, "time" and "displacement", <|dM|^2>/d at log-spaced times. Warns where no lag is long enough.

    Source: E. Helfand, Phys. Rev. 119, 1 (1960); least squares with this covariance, J. T. Bullerjahn, S. von Bulow,
    G. Hummer, J. Chem. Phys. 153, 024116 (2020).

    >>> white = np.random.default_rng(0).normal(size=(4, 3, 2000)) / np.sqrt(0.1)  # sigma = 1/2
    >>> abs(einstein_helfand(white, 0.1, volume=1.0, temperature=1.0).z_score(0.5)) < 4
    True
    """
    if not (dt > 0 and volume > 0 and temperature > 0):
        raise ValueError(f"dt = {dt}, volume = {volume} and temperature = {temperature} must be positive.")
    x = as_series(current)
    path = _integral(x.reshape(-1, 1, x.shape[-1]), dt)
    _check_length(path)
    fit, straight = diffusive_fit(path, dt, lag)
    scale = 1 / (2 * volume * temperature)
    times = _times(path.shape[-1])
    diagnostics = _diagnostics(fit, path.size * dt) | {
        "time": times * dt,
        "displacement": squared_displacement(path, times).mean((0, 1)),
    }
    warnings = _doubts(fit, straight)
    return Estimate(
        scale * fit.slope, scale * fit.error, unit, "conductivity", "Einstein-Helfand", warnings, diagnostics
    )


def self_diffusion(positions, dt: float, *, lag: float | None = None, unit: str = "") -> Estimate:
    """D = lim <|x_i(t) - x_i(0)|^2>/(2 d t) of the ions of one species.

    Arguments: `positions` (R, T, N, d) [length], unwrapped, relative to what does not move in the mean (see
    `frames.relative_to`); `dt` [time] between frames; `lag` as in `einstein_helfand`.
    Ions move together and by jumps: the error counts as many independent walks as the scatter of their mean from window
    to window says, see `diffusive.dependence`.

    >>> steps = np.random.default_rng(1).normal(size=(2, 400, 20, 3))  # <dx^2> = 1 a frame: D = 1/2
    >>> abs(self_diffusion(np.cumsum(steps, axis=1), dt=1.0).z_score(0.5)) < 4
    True
    """
    x = np.asarray(positions, float)
    if x.ndim != 4:
        raise ValueError(f"positions must have shape (R, T, N, d), not {x.shape}.")
    path = np.moveaxis(x, 1, -1).reshape(x.shape[0], -1, x.shape[1])
    _check_length(path)
    fit, straight = diffusive_fit(path, dt, lag)
    times = _times(path.shape[-1])
    diagnostics = _diagnostics(fit, x.shape[0] * x.shape[1] * dt) | {
        "time": times * dt,
        "displacement": squared_displacement(path, times).mean((0, 1)),
    }
    doubts = _doubts(fit, straight)
    return Estimate(fit.slope / 2, fit.error / 2, unit, "self-diffusion", "Einstein", doubts, diagnostics)


def nernst_einstein(
    diffusion: Sequence[Estimate], charges: Sequence[float], counts: Sequence[int], volume, temperature, unit: str = ""
) -> Estimate:
    """sigma_NE = sum_s z_s^2 N_s D_s/(V k_B T): what the conductivity were, did the ions not move together.

    Arguments: one entry a species: `diffusion` D_s, `charges` z_s [e], `counts` N_s. Errors of the species add up in
    quadrature.
    """
    parts = [z * z * n / (volume * temperature) for z, n in zip(charges, counts, strict=True)]
    value = sum(p * d.value for p, d in zip(parts, diffusion, strict=True))
    error = hypot(*(p * d.error for p, d in zip(parts, diffusion, strict=True)))
    warnings = tuple(dict.fromkeys(w for d, z in zip(diffusion, charges, strict=True) if z for w in d.warnings))
    return Estimate(value, error, unit, "Nernst-Einstein conductivity", "self-diffusion", warnings)


def haven_ratio(nernst_einstein: Estimate, conductivity: Estimate) -> Estimate:
    """H = sigma_NE/sigma, by the delta method; both as if independent."""
    if conductivity.value <= 0:
        raise ValueError(f"the conductivity {conductivity} is not positive, so there is no Haven ratio.")
    ratio = nernst_einstein.value / conductivity.value
    relative = hypot(
        conductivity.error / conductivity.value, nernst_einstein.error / max(nernst_einstein.value, 1e-300)
    )
    warnings = tuple(dict.fromkeys((*nernst_einstein.warnings, *conductivity.warnings)))
    return Estimate(ratio, abs(ratio) * relative, "", "Haven ratio", "delta method", warnings)


def _integral(x: np.ndarray, dt: float) -> np.ndarray:
    return np.pad(np.cumsum(x, axis=-1) * dt, ((0, 0), (0, 0), (1, 0)))


def _check_length(path: np.ndarray) -> None:
    if path.shape[-1] < 17:
        raise ValueError(f"a displacement needs 16 records or more, there are {path.shape[-1] - 1}: record longer.")


def _times(total: int) -> np.ndarray:
    return np.unique(np.geomspace(1, (total - 1) // 2, 40).round().astype(int))


def _diagnostics(fit: DiffusiveFit, time: float) -> dict:
    windows = time / fit.lag
    dof = max(2 * (fit.slope / fit.error) ** 2, 1.0)
    return {"lag": fit.lag, "windows": windows, "offset": fit.offset, "p_value": fit.p_value, "dof": dof}


def _doubts(fit: DiffusiveFit, straight: bool) -> tuple[str, ...]:
    doubts = [] if straight else [_NOT_STRAIGHT]
    if fit.slope <= 0 or fit.error > 0.3 * fit.slope:
        doubts.append("the error exceeds 30 %, where its own uncertainty is large: record more")
    return tuple(doubts)
