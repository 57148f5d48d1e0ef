"""Bases of scalar functions of the coordinates, for currents that are linear in their parameters."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np


@dataclass(frozen=True)
class Polynomials:
    """All monomials up to `degree` of the coordinates in units of their standard deviation about their mean.

    >>> Polynomials(degree=2).values(np.array([[2.0, 3.0]])).tolist()
    [[1.0, 2.0, 3.0, 4.0, 6.0, 9.0]]
    """

    degree: int = 3

    def __post_init__(self):
        if self.degree < 0:
            raise ValueError(f"Polynomials: degree must not be negative, got {self.degree}.")

    def values(self, x: np.ndarray) -> np.ndarray:
        """(N, p) for scaled coordinates x (N, d)."""
        columns = [np.ones(len(x))]
        for order in range(1, self.degree + 1):
            for chosen in combinations_with_replacement(range(x.shape[1]), order):
                columns.append(np.prod(x[:, chosen], axis=1))
        return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Gaussians:
    """Gaussians of a width of one spacing on a grid of `number` points to a side within `reach` standard deviations.

    number^d functions: for two or three coordinates.

    >>> Gaussians(number=3).values(np.zeros((1, 2))).shape
    (1, 9)
    """

    number: int = 6
    reach: float = 2.5

    def __post_init__(self):
        if self.number < 2 or self.reach <= 0:
            raise ValueError("Gaussians: number must be two or more and reach positive.")

    def values(self, x: np.ndarray) -> np.ndarray:
        """(N, number^d) for scaled coordinates x (N, d)."""
        centres = np.linspace(-self.reach, self.reach, self.number)
        sides = np.exp(-0.5 * ((x[:, :, None] - centres) / (centres[1] - centres[0])) ** 2)
        values = np.ones((len(x), 1))
        for axis in range(x.shape[1]):
            values = (values[:, :, None] * sides[:, axis, None, :]).reshape(len(x), -1)
        return values
