"""The systems and conditions of `bench_calphad.py`: databases of pycalphad's wheel, random and on a grid."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .report import Unavailable


@dataclass(frozen=True)
class Case:
    """A system, its range of temperatures (K), and how many times quicker than pycalphad it should be."""

    name: str
    file: str
    elements: tuple[str, ...]
    low: float
    high: float
    target: float
    without: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Of the database."""
        return wheel() / self.file

    def random(self, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """(T, x), uniform over temperatures and over the simplex."""
        rng = np.random.default_rng(seed)
        return rng.uniform(self.low, self.high, count), rng.dirichlet(np.ones(len(self.elements)), count)

    def grid(self, count: int) -> tuple[np.ndarray, list[np.ndarray]]:
        """(temperatures, fractions of all elements but the first): about `count` points as a Cartesian product."""
        free = len(self.elements) - 1
        side = max(2, round(count ** (1 / (free + 1))))
        most = 0.98 / free  # so that the fractions sum to less than one
        return np.linspace(self.low, self.high, side), [np.linspace(0.02 / free, most, side + k) for k in range(free)]


CASES = (
    Case("Al-Zn", "alzn_mey.tdb", ("AL", "ZN"), 300.0, 1200.0, 20.0),
    Case("Al-Ni (Dupin)", "alni_dupin_2001.tdb", ("AL", "NI"), 400.0, 1900.0, 5.0),
    Case("Al-Cu-Mg (COST507)", "COST507.tdb", ("AL", "CU", "MG"), 400.0, 1300.0, 5.0, ("GAS",)),
    Case("Al-Cu-Mg-Si (COST507)", "COST507.tdb", ("AL", "CU", "MG", "SI"), 400.0, 1300.0, 3.0, ("GAS",)),
)


def wheel() -> Path:
    """The folder of pycalphad's test databases."""
    try:
        import pycalphad
    except ImportError as error:
        raise Unavailable("pycalphad is not installed: pip install pycalphad") from error
    folder = Path(os.path.dirname(pycalphad.__file__)) / "tests" / "databases"
    if not folder.exists():
        raise Unavailable("This pycalphad has no test databases; install its wheel.")
    return folder
