"""Harada and Sasa's equality: the violation of the fluctuation-response relation is the dissipation."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diffneq.statistics import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TAIL = 0.1  # of the dissipation, beyond the highest frequency, before a warning


@dataclass(frozen=True)
class HaradaSasaTest:
    """Dissipation from noise and response, beside the dissipation measured otherwise.

    `dissipation`, the Estimate [energy/time]; `direct`, that measured from heat, or None; `ratio` of the two, 1 by the
    theorem, or None; `frequency` (K,) [rad/time], `spectrum` C~, `response` Re R~ and their errors (K,); `temperature`;
    `friction`; `velocity` v_s.
    """

    dissipation: Estimate
    direct: Estimate | None
    ratio: Estimate | None
    frequency: np.ndarray
    spectrum: np.ndarray
    spectrum_error: np.ndarray
    response: np.ndarray
    response_error: np.ndarray
    temperature: float
    friction: float
    velocity: Estimate

    def holds(self, largest_z: float = 3.0) -> bool:
        """Whether the two dissipations agree within `largest_z` errors; needs `direct`."""
        if self.direct is None:
            raise ValueError("holds: there is no direct dissipation to compare with; pass direct= to harada_sasa.")
        return not abs(self.dissipation.z_score(self.direct)) > largest_z

    def figure(self) -> "Figure":
        """C~ and 2 k_B T Re R~ against frequency; the area between them, over pi, is the violation."""
        from diffneq.plotting.theorems import harada_sasa

        return harada_sasa(self)


def harada_sasa(
    frequency,
    spectrum,
    response,
    velocity,
    temperature: float,
    friction: float,
    *,
    spectrum_error=None,
    response_error=None,
    direct: Estimate | None = None,
    unit: str = "",
) -> HaradaSasaTest:
    """J = friction {v_s^2 + int dw/2pi [C~(w) - 2 k_B T Re R~(w)]}: heat given to the bath per time.

    C~ = int dt e^(iwt) <(v(0) - v_s)(v(t) - v_s)>, R~ = int_0^inf dt e^(iwt) R(t), <v(t)> - v_s = int R(t - s) f(s) ds.
    Which data: the two-sided spectrum of velocity noise of a driven steady state, and the response of the mean
    velocity to a small force on the same degree of freedom, at one and the same frequencies from 0 up.
    What is assumed: an overdamped coordinate with one friction coefficient and one bath at k_B T (with inertia the
    same formula holds); other coordinates add their own terms.
    What a failure means: other coordinates dissipate, the bath is not at k_B T, the probe was not small, or the
    highest frequency is too low (see `tail` in the diagnostics).

    Arguments: `frequency` (K,) [rad/time], growing from 0; `spectrum` [L^2/time] and `response` Re R~ [L/(time force)],
    (K,) with errors (K,) taken as independent, or (R, K) replicas, whose scatter gives the error; `velocity` v_s, an
    Estimate or (R,); `temperature` k_B T; `friction` [mass/time]; `direct`, the dissipation measured otherwise.
    Beyond the last frequency the violation is continued as 1/w^2. Returns a HaradaSasaTest. Raises `ValueError` for
    frequencies that do not grow from 0 and shapes that do not fit.
    Source: T. Harada, S. Sasa, Phys. Rev. Lett. 95, 130602 (2005).

    >>> w = np.linspace(0, 50, 2001)      # violation 2/(1 + w^2), int dw/2pi of it = 1
    >>> small = np.full_like(w, 1e-3)
    >>> test = harada_sasa(w, 2 + 2 / (1 + w**2), np.ones_like(w), Estimate(1.0, 0.01), 1.0, 1.0,
    ...                    spectrum_error=small, response_error=small)
    >>> print(test.dissipation)
    2.000(20)
    """
    w = np.asarray(frequency, float)
    if w.ndim != 1 or len(w) < 8 or w[0] != 0 or not (np.diff(w) > 0).all():
        raise ValueError("harada_sasa: frequency must be (K,), eight or more, growing from 0.")
    if not (temperature > 0 and friction > 0):
        raise ValueError("harada_sasa: temperature and friction must be positive.")
    weight = _weights(w)
    c, c_error, noise = _with_error("spectrum", spectrum, spectrum_error, w, weight)
    r, r_error, answer = _with_error("response", response, response_error, w, weight)
    speed = velocity if isinstance(velocity, Estimate) else _mean(velocity)
    violation = c - 2 * temperature * r
    value = friction * (speed.value**2 + float(weight @ violation))
    error = friction * np.sqrt(noise**2 + (2 * temperature * answer) ** 2 + (2 * speed.value * speed.error) ** 2)
    last = w > w[-1] / 2
    tail = friction * float(np.sum(violation[last]) / np.sum(w[last] ** -2.0)) / w[-1] / np.pi
    tail_error = friction * float(np.sqrt(np.sum((c_error**2 + (2 * temperature * r_error) ** 2)[last])))
    tail_error /= np.sum(w[last] ** -2.0) * w[-1] * np.pi
    warnings = [*speed.warnings]
    if not error > 0:
        warnings.append("no scatter in spectrum and response: the error is not known")
        error = np.inf
    if abs(tail) > max(_TAIL * abs(value), 3 * tail_error):
        warnings.append(f"{tail:.3g} lies beyond the highest frequency, by continuation as 1/w^2: measure further")
    diagnostics = {"tail": tail, "tail_error": tail_error, "violation": friction * float(weight @ violation)}
    error = np.hypot(error, tail_error)
    found = Estimate(value + tail, error, unit, "dissipation", "Harada-Sasa", tuple(warnings), diagnostics)
    ratio = None
    if direct is not None and direct.value != 0:
        spread = np.hypot(found.error / direct.value, found.value * direct.error / direct.value**2)
        ratio = Estimate(found.value / direct.value, spread, "", "noise over heat", "Harada-Sasa", tuple(warnings))
    return HaradaSasaTest(
        found, direct, ratio, w, c, c_error, r, r_error, float(temperature), float(friction), speed
    )  # fmt: skip


def _weights(w: np.ndarray) -> np.ndarray:
    """Of the trapezoidal rule for int_-inf^inf dw/2pi of an even function."""
    steps = np.diff(w)
    return (np.append(steps, 0.0) + np.append(0.0, steps)) / (2 * np.pi)


def _with_error(name: str, values, error, w, weight) -> tuple[np.ndarray, np.ndarray, float]:
    """(K,), its error (K,) and the error of its integral."""
    x = np.asarray(values, float)
    if x.shape[-1:] != w.shape or x.ndim > 2 or not np.isfinite(x).all():
        raise ValueError(f"harada_sasa: {name} must be finite, (K,) or (R, K) with K = {len(w)}, got shape {x.shape}.")
    if x.ndim == 2:
        if len(x) < 8:
            raise ValueError(f"harada_sasa: {name} has {len(x)} replicas; eight at least make an error.")
        scale = np.sqrt(len(x))
        return x.mean(0), x.std(0, ddof=1) / scale, float(np.std(x @ weight, ddof=1) / scale)
    if error is None:
        raise ValueError(f"harada_sasa: {name} (K,) needs {name}_error (K,); or give replicas (R, K).")
    error = np.broadcast_to(np.asarray(error, float), w.shape)
    return x, error, float(np.sqrt(weight**2 @ error**2))


def _mean(velocity) -> Estimate:
    v = np.asarray(velocity, float)
    if v.ndim != 1 or len(v) < 8:
        raise ValueError("harada_sasa: velocity must be an Estimate or (R,) mean velocities of eight runs or more.")
    return Estimate(v.mean(), v.std(ddof=1) / np.sqrt(len(v)), "", "velocity", "scatter of runs")
