"""Cardinal B-splines: how a charge between mesh points is shared among them, and their Fourier coefficients.

    M_p(u) = u/(p-1) M_{p-1}(u) + (p-u)/(p-1) M_{p-1}(u-1),    M_p'(u) = M_{p-1}(u) - M_{p-1}(u-1)

M_p is a polynomial of degree p - 1 in pieces, zero outside 0 < u < p, with p - 2 continuous derivatives.

Source: U. Essmann et al., J. Chem. Phys. 103, 8577 (1995).
"""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
from jax import Array


def weights(offset: Array, order: int) -> tuple[list[Array], list[Array]]:
    """M_p(w + j) and M_p'(w + j), j = 0, ..., p - 1, for offsets 0 <= w < 1; each a list of p arrays.

    >>> [float(w) for w in weights(np.float64(0.5), 3)[0]]
    [0.125, 0.75, 0.125]
    """
    values, lower = [offset, 1 - offset], [offset * 0 + 1]
    for p in range(3, order + 1):
        lower, values = values, _raise(offset, values, p)
    padded = [offset * 0, *lower, offset * 0]
    return values, [right - left for left, right in itertools.pairwise(padded)]


def _raise(offset: Array, lower: list[Array], p: int) -> list[Array]:
    """From the order p - 1 to the order p."""
    first, last = offset * lower[0], (1 - offset) * lower[-1]
    inner = [(offset + j) * lower[j] + (p - offset - j) * lower[j - 1] for j in range(1, p - 1)]
    return [value / (p - 1) for value in (first, *inner, last)]


@cache
def transform(order: int, count: int) -> np.ndarray:
    """|b(n)| = |sum_j M_p(p/2 + j) cos(2 pi n j/K)|, n = 0, ..., K - 1: the mesh's own image of a plane wave, (K,).

    The spline sits symmetrically about a mesh point. Essmann's b, for splines on the points floor(u) - j, is the same
    for even p; for odd p his vanishes at n = K/2, this does not.
    """
    half = 0.0 if order % 2 == 0 else 0.5
    values = [float(v) for v in weights(np.float64(half), order)[0]]  # pyright: ignore[reportArgumentType]
    points = np.arange(order) + half - order / 2
    n = np.fft.fftfreq(count, 1 / count)
    return np.abs(np.cos(2 * np.pi * n[:, None] * points[None, :] / count) @ np.asarray(values))


@cache
def overlaps(order: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """sum_m W_m^2 and sum_m W_m W_{m-1} at n = 0, ..., K - 1, both (K,), with W the spline's transform at n + m K.

    They are the mean, and the first wave from mesh point to mesh point, of the power that one charge has on the mesh.
    For odd orders the spline sits half-way between the points floor(u) - j, and the wave is turned round. The second is
    made even in n, as only sums over all n are asked for.
    """
    n = np.fft.fftfreq(count, 1 / count)[:, None] + count * np.arange(-3, 4)[None, :]
    here, below, above = (np.sinc((n + shift) / count) ** order for shift in (0, -count, count))
    return np.sum(here**2, axis=1), (-1) ** order * np.sum(here * (below + above) / 2, axis=1)
