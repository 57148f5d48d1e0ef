"""Where liquid and vapour of a cubic equation coexist: b rho of both as functions of q = a/(b R T) alone.

One curve serves every fluid of a family, whatever a(T); it is followed from the critical point down and kept as a
table, from which Newton's method for a fluid starts.
"""

import functools

import numpy as np

from diffneq.thermo.fluids.cubic.families import Family

_POINTS, _DEEPEST = 160, 2.6  # of s = sqrt(q/q_c - 1): down to about a fifth of the critical temperature


@functools.lru_cache(maxsize=8)
def coexistence_curve(family: Family) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(s, ln y of the liquid, ln y of the vapour)."""
    q_c = family.omega_a / family.omega_b
    y_c = family.omega_b / family.Z_critical
    s = np.linspace(0.0, _DEEPEST, _POINTS)
    rows = [(y_c, y_c), (y_c * (1.0 + 2.0 * s[1]), y_c * (1.0 - 2.0 * s[1]))]
    rows[1] = _coexisting(family, q_c * (1.0 + s[1] ** 2), *rows[1])
    for k in range(2, _POINTS):
        before, last = np.log(rows[-2]), np.log(rows[-1])
        guess = np.exp(2.0 * last - before)
        rows.append(_coexisting(family, q_c * (1.0 + s[k] ** 2), min(guess[0], 0.999), guess[1]))
    liquid, vapour = np.log(np.array(rows)).T
    return s, liquid, vapour


def _coexisting(family: Family, q: float, liquid: float, vapour: float) -> tuple[float, float]:
    """Newton's method for equal pressure and Gibbs energy at one q."""
    for _ in range(60):
        (J_l, K_l, c_l), (J_v, K_v, c_v) = _reduced(family, q, liquid), _reduced(family, q, vapour)
        p = (K_l - J_l / liquid - K_v + J_v / vapour) / (1.0 / vapour - 1.0 / liquid)
        step_l, step_v = np.clip((p - J_l) / c_l, -0.05 * liquid, 0.05 * liquid), (p - J_v) / c_v
        step_v = np.clip(step_v, -0.3 * vapour, 0.3 * vapour)
        liquid, vapour = min(liquid + step_l, 0.5 * (1.0 + liquid)), vapour + step_v
        if abs(step_l) < 1e-13 * liquid and abs(step_v) < 1e-12 * vapour:
            break
    return liquid, vapour


def _reduced(family: Family, q: float, y: float) -> tuple[float, float, float]:
    """b p/(R T), g/(R T) but for terms in T, and d(b p/(R T))/dy."""
    d1, d2 = family.first, family.second
    bottom = (1.0 + d1 * y) * (1.0 + d2 * y)
    attraction = np.log((1.0 + d1 * y) / (1.0 + d2 * y)) / (d1 - d2) if d1 != d2 else y / (1.0 + d1 * y)
    J = y / (1.0 - y) - q * y * y / bottom
    K = np.log(y) - np.log1p(-y) - q * attraction + J / y
    slope = 1.0 / (1.0 - y) ** 2 - q * (2.0 * y / bottom - y * y * (d1 + d2 + 2.0 * d1 * d2 * y) / bottom**2)
    return J, K, slope
