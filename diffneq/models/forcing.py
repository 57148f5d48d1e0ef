"""Bulk forces that a drive switches on, and the flux that each of them raises: shear profiles, colour drift.

model = Forced(fluid, ShearProfile("sine"))       # drive_force = field * f(y) e_x, records "flux"
"""

from __future__ import annotations

from typing import Literal, Protocol, get_args

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.models.wrapper import AbstractWrapper
from diffneq.particles.space import Box, Vector, absolute

Shape = Literal["sine", "constant", "linear"]


class Forcing(Protocol):
    """F(q), the force of a unit field, and G(q), which makes a flux R = sum_i G_i . v_i of the velocities."""

    def force(self, box: Box, positions: Vector) -> Vector:
        """F: d arrays (N,)."""
        ...

    def direction(self, box: Box, positions: Vector) -> Vector:
        """G: d arrays (N,)."""
        ...


class ShearProfile(eqx.Module):
    """F_i = f(y_i) e_x; R = (1/N) sum_i v_xi g(y_i), the first Fourier coefficient of the velocity profile.

    shape "sine": f = sin(2 pi y/L_y) = g; "constant": f = sign sin(2 pi y/L_y), g = sin(2 pi y/L_y); "linear": f is
    the triangle wave that is 1 at y = 0 and -1 at y = L_y/2, g = cos(2 pi y/L_y).
    The shear viscosity follows from eta_v = rho (F_1/R' - g_x) (L_y/2 pi)^2 with R' = R/field, F_1 = <f g> and the
    damping rate g_x of Langevin dynamics (m = 1).

    Raises:
        ValueError: for another shape.

    Source: N. Blassel, G. Stoltz, J. Stat. Phys. 191, 17 (2024), section 4.

    >>> box = Box((4.0, 4.0))
    >>> y = jnp.array([1.0, 3.0])
    >>> print(ShearProfile("sine").force(box, (y, y))[0])
    [ 1. -1.]
    """

    shape: Shape = eqx.field(static=True, default="sine")

    def __check_init__(self):
        if self.shape not in get_args(Shape):
            raise ValueError(f"ShearProfile: shape is one of {get_args(Shape)}, not {self.shape!r}.")

    @property
    def fourier_coefficient(self) -> float:
        """F_1 = <f g> over the box."""
        return {"sine": 0.5, "constant": 2 / np.pi, "linear": 4 / np.pi**2}[self.shape]

    def force(self, box: Box, positions: Vector) -> Vector:
        y = positions[1] / box.lengths[1]
        if self.shape == "linear":
            profile = 4 * jnp.abs(y - jnp.floor(y) - 0.5) - 1
        else:
            profile = jnp.sin(2 * np.pi * y)
            profile = jnp.sign(profile) if self.shape == "constant" else profile
        return (profile, *(jnp.zeros_like(y) for _ in positions[1:]))

    def direction(self, box: Box, positions: Vector) -> Vector:
        turn = 2 * np.pi * positions[1] / box.lengths[1]
        wave = jnp.cos(turn) if self.shape == "linear" else jnp.sin(turn)
        return (wave / wave.shape[0], *(jnp.zeros_like(wave) for _ in positions[1:]))


class ColourDrift(eqx.Module):
    """F_i = (-1)^i N^(-1/2) e_x and R = sum_i F_i . v_i: every other particle is pushed one way, the rest back.

    Source: N. Blassel, G. Stoltz, J. Stat. Phys. 191, 17 (2024), section 4.

    >>> box = Box((4.0, 4.0))
    >>> print(ColourDrift().force(box, (jnp.zeros(4), jnp.zeros(4)))[0])
    [ 0.5 -0.5  0.5 -0.5]
    """

    def force(self, box: Box, positions: Vector) -> Vector:
        count, dtype = positions[0].shape[0], positions[0].dtype
        colour = jnp.asarray(np.where(np.arange(count) % 2 == 0, 1.0, -1.0) / np.sqrt(count), dtype)
        return (colour, *(jnp.zeros_like(colour) for _ in positions[1:]))

    def direction(self, box: Box, positions: Vector) -> Vector:
        return self.force(box, positions)


class Forced(AbstractWrapper):
    """A model that a drive pushes by `forcing` instead of by its charges: drive_force = field * F(q).

    Everything else is the model's own; each step also records "flux", R = sum_i G_i . v_i.

    Arguments:
        model: any model (`diffneq.models`).
        forcing: a `Forcing`.

    >>> from diffneq.models import Fluid
    >>> from diffneq.particles.pair_laws import WCA
    >>> sheared = Forced(Fluid(WCA(1.0, 1.0), (8.0, 8.0), (20,)), ShearProfile("sine"))
    >>> sheared.counts, sheared.units["flux"]
    ((20,), 'L/t')
    """

    model: eqx.Module
    forcing: Forcing

    @property
    def units(self) -> dict[str, str]:
        return {**self.model.units, "flux": "L/t"}

    def drive_force(self, displacement: Vector, neighbours, field: Array) -> tuple:
        force = self.forcing.force(self.model.box, absolute(self.model.box, neighbours.anchor, displacement))
        return tuple(field * f for f in force)

    def flux_direction(self, displacement: Vector, neighbours) -> Vector:
        """G, of the flux that `Norton` dynamics hold."""
        return self.forcing.direction(self.model.box, absolute(self.model.box, neighbours.anchor, displacement))

    def flux(self, state) -> Array:
        """R of one state."""
        direction = self.flux_direction(state.displacement, state)  # a state has the anchors of its lists
        return jnp.sum(jnp.stack([jnp.sum(g * v) for g, v in zip(direction, state.velocity, strict=True)]))

    def every_step(self, state) -> dict[str, Array]:
        return {**self.model.every_step(state), "flux": self.flux(state)}
