"""Displacements relative to a frame."""

from __future__ import annotations

import numpy as np


def relative_to(positions: np.ndarray, reference: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Positions (R, T, N, d) relative to the centre of mass of the particles `reference` (indices), masses (N,).

    >>> drifting = np.arange(4.0).reshape(1, 2, 2, 1)
    >>> relative_to(drifting, np.array([0]), np.ones(2))[0, :, 1, 0].tolist()
    [1.0, 1.0]
    """
    weight = np.asarray(masses, float)[reference]
    centre = np.einsum("n,rtnd->rtd", weight / weight.sum(), np.asarray(positions, float)[:, :, reference])
    return positions - centre[:, :, None]
