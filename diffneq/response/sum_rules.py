"""Sum rules of a conductivity, which hold in every steady state at any field, as running integrals."""

from dataclasses import dataclass

import numpy as np

from diffneq.response.pulse import PulseResponse


@dataclass(frozen=True)
class RunningMoments:
    """M_k(W), the moments of sigma(w) up to a cut-off frequency W, k = 0, 1, 2.

    Fields: `cutoff` W (K,) [rad/time]; `samples` (R, 3, K) of replicas; `moments` and `errors` (3, K) from these.
    """

    cutoff: np.ndarray
    samples: np.ndarray

    @property
    def moments(self) -> np.ndarray:
        return self.samples.mean(0)

    @property
    def errors(self) -> np.ndarray:
        return self.samples.std(0, ddof=1) / np.sqrt(len(self.samples))


def running_moments(pulse: PulseResponse, cutoff, weight: float, slope: float = 0.0) -> RunningMoments:
    """Moments of sigma(w) up to W, which tend to phi(0+), phi'(0+) and -phi''(0+) as W grows.

    M_0 = int_{-W}^{W} (dw/pi) Re sigma -> n e^2/m,
    M_1 = int_{-W}^{W} (dw/pi) [w Im sigma - n e^2/m] -> phi'(0+),
    M_2 = int_{-W}^{W} (dw/pi) [w^2 Re sigma + phi'(0+)] -> -phi''(0+) = (e^2/m^2 A) <sum_j d^2U/dx_j^2>.

    They follow from the equation of motion alone and hold in any steady state, at any field. phi'(0+) = 0 where
    forces on the carriers depend on positions only; friction g on the carriers makes it -g n e^2/m.

    Arguments: `pulse`; `cutoff` W (K,) [rad/time], increasing, above zero; `weight` n e^2/m; `slope` phi'(0+).
    Raises `ValueError` for cut-offs that do not increase or lie beyond what the time step resolves.
    Source: A. Shimizu, T. Yuge, J. Phys. Soc. Jpn. 79, 013002 (2010) and 80, 093706 (2011).

    >>> t = np.concatenate([np.arange(0, 2, 0.002), np.arange(2, 30, 0.02)])
    >>> drude = PulseResponse(t, np.tile(np.exp(-t), (2, 1)))
    >>> found = running_moments(drude, [20.0, 40.0], weight=1.0, slope=-1.0)
    >>> bool(np.allclose(found.moments[0], 2 / np.pi * np.arctan([20.0, 40.0]), atol=1e-3))
    True
    """
    limit = np.asarray(cutoff, float)
    if limit.ndim != 1 or limit[0] <= 0 or (np.diff(limit) <= 0).any():
        raise ValueError("cutoff must be (K,), positive and increasing.")
    finest = float(np.diff(pulse.time).min())
    if limit[-1] * finest > np.pi / 2:
        raise ValueError(f"cutoff {limit[-1]:g} is beyond what steps of {finest:g} resolve, {np.pi / 2 / finest:.3g}.")
    grid = _grid(limit[-1], pulse)
    sigma = pulse.conductivity(grid)
    integrands = np.stack(
        [sigma.real, grid * sigma.imag - weight, grid**2 * sigma.real + slope], axis=1
    )  # (R, 3, K), all even in w
    areas = (integrands[..., 1:] + integrands[..., :-1]) / 2 * np.diff(grid)
    running = np.concatenate([np.zeros((*areas.shape[:-1], 1)), np.cumsum(areas, -1)], -1) * 2 / np.pi
    samples = np.stack([[np.interp(limit, grid, x) for x in replica] for replica in running])
    return RunningMoments(limit, samples)


def _grid(highest: float, pulse: PulseResponse) -> np.ndarray:
    """Frequencies from zero that resolve the window of each, in steps of pi/(2 window)."""
    points, w = [0.0], 0.0
    while w < highest:
        w = min(w + np.pi / (2 * pulse.window(w)), highest)
        points.append(w)
    return np.array(points)
