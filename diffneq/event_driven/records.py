"""What a simulation of the piston returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class PistonRecords:
    """R replicas on the times t_0 = 0, t_1, ..., exact there: V is constant between collisions.

    `time` (T,); `displacement` X(t) - X(0), `velocity` V(t), `heat_left` and `heat_right` (R, T), the energies taken
    from the gases since t = 0, in double precision; `collisions` (R,) since t = 0.
    """

    time: np.ndarray
    displacement: np.ndarray
    velocity: np.ndarray
    heat_left: np.ndarray
    heat_right: np.ndarray
    collisions: np.ndarray

    @property
    def interval(self) -> float:
        """Time between two records."""
        return float(self.time[1] - self.time[0])

    def to_xarray(self) -> xarray.Dataset:
        """The records with their names and units, dimensions "replica" and "time"."""
        import xarray

        both = ("replica", "time")
        units = {"displacement": "L", "velocity": "L/t", "heat_left": "energy", "heat_right": "energy"}
        data: dict[str, Any] = {name: (both, getattr(self, name), {"units": unit}) for name, unit in units.items()}
        data["collisions"] = ("replica", self.collisions, {"units": "1"})
        return xarray.Dataset(data, coords={"time": ("time", self.time, {"units": "t"})})
