"""From mole fractions, mass fractions and ratios of elements to the amounts of those whose potential is free.

    u_e = a_e + b_e S

u are moles of each free element per mole of all free elements, S the whole (moles, or grams for mass fractions) per
mole of free elements. Without prescribed potentials all elements are free and S follows; beside potentials the
amounts of the other elements, and with them S, are part of the equilibrium, see `beside_potentials`.
"""

from collections.abc import Callable, Mapping

import numpy as np

LEAST = 1e-12  # smallest mole fraction; an element that is asked for with less is there with this much
_CLOSE = 1e-13  # relative, of S
_MOST_STEPS = 80


def affine(
    free: list[str],
    masses: Mapping[str, float],
    fractions: Mapping[str, np.ndarray],
    ratios: Mapping[tuple[str, str], np.ndarray],
    count: int,
) -> tuple[np.ndarray, np.ndarray]:
    """(a, b), each (elements, count). `masses`: what a mole of each counts in the whole, 1 for mole fractions.

    Raises:
        ValueError: the conditions do not determine the composition.
    """
    n = len(free)
    matrix, right = np.zeros((count, n, n)), np.zeros((count, n, 2))
    matrix[:, 0], right[:, 0, 0] = 1.0, 1.0
    for row, (e, value) in enumerate(fractions.items(), start=1):
        matrix[:, row, free.index(e)], right[:, row, 1] = masses[e], value
    for row, ((top, bottom), value) in enumerate(ratios.items(), start=1 + len(fractions)):
        matrix[:, row, free.index(top)], matrix[:, row, free.index(bottom)] = 1.0, -value
    if ratios and np.linalg.cond(matrix / np.abs(matrix).max(axis=2, keepdims=True)).max() > 1e12:
        raise ValueError("The fractions and ratios do not determine the composition: one follows from the others.")
    solution = np.linalg.solve(matrix, right)
    return solution[..., 0].T, solution[..., 1].T


def closed(a: np.ndarray, b: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """S = sum_e masses_e u_e where no other elements add to the whole."""
    return (masses @ a) / (1.0 - masses @ b)


def floored(u: np.ndarray) -> np.ndarray:
    """At least LEAST, and one in all."""
    u = np.maximum(u, LEAST)
    return u / u.sum(axis=0)


def beside_potentials(
    a: np.ndarray, b: np.ndarray, masses: np.ndarray, whole: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """(S, is there a solution): the S at which `whole(u, lanes)`, the whole of the equilibrium, is S itself.

    S grows from its value without the other elements, and ends where the rest is used up. Between the two regula
    falsi (the Illinois variant: M. Dowell, P. Jarratt, BIT 11 (1971) 168) never leaves the bracket; it stays
    continuous through changes of phases.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        high = np.where(b < 0, -a / b, np.inf).min(axis=0)
    low = closed(a, b, masses)
    possible = (low > 0) & (low < high)
    everyone = np.arange(a.shape[1])
    excess = lambda S, lanes: whole(floored(a[:, lanes] + b[:, lanes] * S), lanes) - S
    low, high = np.where(possible, low, 1.0), np.where(possible, high, 2.0)
    high = np.where(np.isfinite(high), high, 1e12)
    f_low, f_high = excess(low, everyone), excess(high, everyone)
    possible &= (f_low >= -1e-9) & (f_high <= 1e-9)
    S, side = np.where(np.abs(f_low) < np.abs(f_high), low, high), np.zeros(len(low), int)
    live = possible & (np.minimum(np.abs(f_low), np.abs(f_high)) > _CLOSE * low)
    for step in range(_MOST_STEPS):
        lanes = np.flatnonzero(live)
        if not len(lanes):
            break
        l, h, fl, fh = low[lanes], high[lanes], f_low[lanes], f_high[lanes]
        middle = 0.5 * (l + h) if step % 4 == 3 else (l * fh - h * fl) / (fh - fl)
        value = excess(middle, lanes)
        up = value > 0
        low[lanes], high[lanes] = np.where(up, middle, l), np.where(up, h, middle)
        f_low[lanes] = np.where(up, value, np.where(side[lanes] == -1, 0.5 * fl, fl))
        f_high[lanes] = np.where(up, np.where(side[lanes] == 1, 0.5 * fh, fh), value)
        side[lanes], S[lanes] = np.where(up, 1, -1), middle
        live[lanes] = (np.abs(value) > _CLOSE * middle) & (high[lanes] - low[lanes] > _CLOSE * middle)
    return S, possible
