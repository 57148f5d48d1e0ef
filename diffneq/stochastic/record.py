"""What a run of many trajectories returns."""

from __future__ import annotations

import equinox as eqx
import numpy as np
from jax import Array


class Trajectories(eqx.Module):
    """n trajectories: E(t) - E(0) = work + shadow_work + heat of each; E is U, with inertia U and the kinetic energy.

    Arguments:
        time: of the start and of the end of each record, (records + 1,); (2,) without records [t].
        work: protocol work, the sum of the jumps of U as the parameter moves at fixed x, (n,) [energy].
        heat: taken in from the bath, (n,) [energy].
        shadow_work: what the finite time step does, (n,) [energy]; work + shadow_work obeys the work relations exactly.
        position, velocity: at the end, (n,) or (n, d) [L], [L/t]; velocity is None without inertia.
        record_position, record_velocity: (n, records + 1) or (n, records + 1, d), or None.
        record_work, record_heat, record_shadow_work: from the start to each time, (n, records + 1), or None.
        finite: whether position, work and heat of a trajectory are finite, (n,).
    """

    time: Array
    work: Array
    heat: Array
    shadow_work: Array
    position: Array
    velocity: Array | None
    finite: Array
    record_position: Array | None = None
    record_velocity: Array | None = None
    record_work: Array | None = None
    record_heat: Array | None = None
    record_shadow_work: Array | None = None

    @property
    def total_work(self) -> Array:
        """Protocol plus shadow work, (n,): <exp(-total_work/k_B T)> = Z_1/Z_0 at any time step."""
        return self.work + self.shadow_work

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong with this run, in sentences."""
        finite = np.asarray(self.finite)
        lost = int(finite.size - np.count_nonzero(finite))
        if not lost:
            return ()
        return (f"{lost} of {finite.size} trajectories became infinite or nan; a smaller dt may keep them.",)

    def dataset(self):
        """`xarray.Dataset` with dimensions trajectory, time and coordinate, units in the attributes."""
        import xarray

        axes = ("trajectory", "time", "coordinate")
        units = {"position": "L", "velocity": "L/t"}
        variables = {"finite": (axes[:1], np.asarray(self.finite))}
        recorded = self.record_position is not None
        for name in ("position", "velocity", "work", "heat", "shadow_work"):
            values = getattr(self, f"record_{name}" if recorded else name)
            if values is None:
                continue
            values = np.asarray(values)
            along = axes if recorded else (axes[0], axes[2])
            variables[name] = (along[: values.ndim], values, {"units": units.get(name, "energy")})
        coordinates = {"time": ("time", np.asarray(self.time), {"units": "t"})} if recorded else {}
        attributes = {"warnings": " ".join(self.warnings), "end": float(self.time[-1])}
        return xarray.Dataset(variables, coordinates, attributes)
