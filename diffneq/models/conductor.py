"""A two-dimensional conductor: electrons, phonons and fixed impurities that overlap elastically.

After T. Yuge, N. Ito, A. Shimizu, J. Phys. Soc. Jpn. 74, 1895 (2005): electrons are driven by the field, phonons are
mobile discs that carry the Joule heat out, impurities break the translation symmetry. The parameters of the presets
are our choice.
"""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.dynamics import Langevin, ThermalWalls, Verlet
from diffneq.models.placement import maxwellian, random_positions
from diffneq.particles.forces import pair_energies, pair_forces
from diffneq.particles.pair_laws import Hertzian
from diffneq.particles.space import Box, Vector

ELECTRON, PHONON, IMPURITY = 0, 1, 2
SPECIES = ("electrons", "phonons", "impurities")

# Our choice of densities: 1500, 1500 and 500 discs of radius 1 in 750 x 125.
_DENSITIES = (0.016, 0.016, 500 / 93750)
_ASPECT = 6.0
_PRESETS = {"soft": (40.0, 0.01), "stiff": (4000.0, 0.002)}


class Conductor(eqx.Module):
    """m_i d^2 x_i/dt^2 = - sum_j grad_i Y max(0, 2R - |x_i - x_j|)^(5/2) + e_i E(t) e_x (+ bath on phonons).

    Periodic along the field; across it either periodic (`variant="uniform"`, phonons damped by a Langevin bath) or
    closed by walls that are elastic for electrons and thermal for phonons (`variant="walls"`). Units: electron mass,
    elementary charge, radius R and k_B T_0 are one.

    Arguments:
        stiffness: Y [k_B T / L^(5/2)].
        radius: R [L].
        mass: (3,) masses of electrons, phonons, impurities [m]; impurities do not move.
        charge: (3,) charges [e].
        temperature: k_B T of the bath.
        damping_rate: of the phonons by the bath, in the uniform variant [1/t].
        counts: numbers of electrons, phonons, impurities.
        lengths: (L_x, L_y) [L].
        variant: "uniform" or "walls".

    Raises:
        ValueError: for numbers that are not positive, or an unknown variant.

    >>> conductor = Conductor.preset("soft", electrons=60)
    >>> conductor.counts
    (60, 60, 20)
    """

    law: Hertzian
    box: Box
    mass: Array
    charge: Array
    temperature: Array
    damping_rate: Array
    counts: tuple[int, int, int] = eqx.field(static=True)
    mobile: tuple[bool, ...] = eqx.field(static=True)
    variant: str = eqx.field(static=True)
    suggested_dt: float = eqx.field(static=True)

    units: ClassVar[dict[str, str]] = {
        "current": "e L/t",
        "transverse_current": "e L/t",
        "current_squared": "(e L/t)^2",
        "electron_temperature": "T_0",
        "phonon_temperature": "T_0",
        "potential_energy": "k_B T_0",
        "kinetic_energy": "k_B T_0",
        "work": "k_B T_0",
        "heat": "k_B T_0",
    }
    recorded: ClassVar[tuple[str, ...]] = ("electron_temperature", "phonon_temperature")

    def __init__(
        self,
        stiffness,
        lengths,
        counts,
        radius=1.0,
        mass=(1.0, 1.0, 1.0),
        charge=(1.0, 0.0, 0.0),
        temperature=1.0,
        damping_rate=0.1,
        variant: str = "uniform",
        suggested_dt: float = 0.01,
    ):
        if variant not in ("uniform", "walls"):
            raise ValueError(f"Conductor: variant is 'uniform' or 'walls', got {variant!r}.")
        self.counts = tuple(int(n) for n in counts)
        if len(self.counts) != 3 or min(self.counts) < 1:
            raise ValueError(f"Conductor: counts are the numbers of electrons, phonons, impurities; got {counts}.")
        radius = float_leaf(radius)
        check_positive("Conductor", radius=radius)
        self.law = Hertzian(stiffness=stiffness, diameter=2 * radius)
        walled = variant == "walls"
        self.box = Box(lengths, (True, not walled), margin=float(5 * radius) if walled else 0.0)
        self.mass, self.charge = float_leaf(mass), float_leaf(charge)
        self.temperature, self.damping_rate = float_leaf(temperature), float_leaf(damping_rate)
        check_finite("Conductor", charge=self.charge, temperature=self.temperature)
        check_positive("Conductor", mass=self.mass, temperature=self.temperature, damping_rate=self.damping_rate)
        self.mobile = (True, True, False)
        self.variant, self.suggested_dt = variant, float(suggested_dt)

    @classmethod
    def preset(
        cls,
        name: str = "soft",
        electrons: int = 1500,
        variant: str = "uniform",
        aspect: float = _ASPECT,
        temperature: float = 1.0,
    ):
        """The conductor "soft" (Y = 40, dt = 0.01) or "stiff" (Y = 4000, dt = 0.002), of any size at fixed densities.

        Arguments: `electrons`, their number (phonons as many, impurities a third); `aspect` = L_x / L_y;
        `temperature` k_B T of the bath.
        """
        if name not in _PRESETS:
            raise ValueError(f"There is no preset {name!r}; choose one of {sorted(_PRESETS)}.")
        if electrons < 30:
            raise ValueError(f"A conductor needs at least 30 electrons, got {electrons}.")
        stiffness, dt = _PRESETS[name]
        area = electrons / _DENSITIES[ELECTRON]
        lengths = (float(np.sqrt(area * aspect)), float(np.sqrt(area / aspect)))
        counts = tuple(max(1, round(area * n)) for n in _DENSITIES)
        return cls(stiffness, lengths, counts, variant=variant, temperature=temperature, suggested_dt=dt)

    @property
    def area(self) -> Array:
        return self.box.volume

    @property
    def cutoff(self) -> float:
        return float(jnp.max(self.law.cutoff()))

    def dynamics(self, dt: float | None = None) -> Langevin | Verlet:
        """The equation of motion that belongs to the variant; electrons never feel a bath themselves."""
        dt = self.suggested_dt if dt is None else dt
        if self.variant == "walls":
            return Verlet(dt, ThermalWalls(self.temperature, thermal=(False, True, False)))
        return Langevin(dt, self.temperature, jnp.zeros(3).at[PHONON].set(self.damping_rate))

    def initial(self, key: Array) -> tuple[Vector, Vector]:
        """Random discs that do not touch, with Maxwellian velocities: positions and velocities, 2 arrays (N,) each."""
        place, speed = jax.random.split(key)
        positions = random_positions(place, self.box, sum(self.counts), self.cutoff)
        mass = np.repeat(np.where(self.mobile, np.asarray(self.mass, float), np.inf), self.counts)
        dtype = self.temperature.dtype
        return positions, maxwellian(speed, self.temperature, jnp.asarray(mass, dtype), 2)

    def forces(self, displacement: Vector, neighbours) -> Vector:
        return pair_forces(self.law, self.box, None, displacement, neighbours)

    def potential_energy(self, displacement: Vector, neighbours) -> Array:
        return jnp.sum(pair_energies(self.law, self.box, None, displacement, neighbours))

    def drive_force(self, displacement: Vector, neighbours, field: Array) -> tuple:
        """(e_i E, 0): only electrons are charged."""
        electrons, others = self.counts[0], sum(self.counts[1:])
        push = jnp.broadcast_to(self.charge[ELECTRON] * field, (electrons,))
        return (jnp.concatenate([push, jnp.zeros(others, push.dtype)]), None)

    def every_step(self, state) -> dict[str, Array]:
        """Averaged over all steps of a record: J = sum e v_x, its square, and the same across the field."""
        along, across = (self.charge[ELECTRON] * jnp.sum(v[: self.counts[0]]) for v in state.velocity)
        return {"current": along, "transverse_current": across, "current_squared": along * along}

    def at_record(self, state, neighbours, wanted: tuple[str, ...]) -> dict[str, Array]:
        """Taken at the end of a record: kinetic temperatures m<v^2>/2 and, if wanted, energies."""
        electrons, phonons = self.counts[:2]
        along, across = state.velocity
        squares = along * along + across * across
        fast, slow = jnp.sum(squares[:electrons]), jnp.sum(squares[electrons : electrons + phonons])
        out = {
            "electron_temperature": self.mass[ELECTRON] * fast / (2 * electrons),
            "phonon_temperature": self.mass[PHONON] * slow / (2 * phonons),
        }
        if "kinetic_energy" in wanted:
            out["kinetic_energy"] = (self.mass[ELECTRON] * fast + self.mass[PHONON] * slow) / 2
        if "potential_energy" in wanted:
            out["potential_energy"] = self.potential_energy(state.displacement, neighbours)
        return {name: value for name, value in out.items() if name in wanted}
