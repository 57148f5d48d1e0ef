"""Measured phase boundaries as driving forces: how far each phase lies from the common plane of its region."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffneq.thermo.calphad.assessment.equilibria import Context
from diffneq.thermo.calphad.assessment.regions import Ends, MeanPlanes, Region, ends_of
from diffneq.thermo.calphad.assessment.residuals import Residual
from diffneq.thermo.calphad.energy import driving_force
from diffneq.thermo.calphad.system import System

SIGMA = 1000.0  # J/mol of atoms at weight 1, as in ESPEI


class DrivingForce(Residual):
    """D = mu . x - G(y; T), J per mole of atoms, at the vertices of measured regions; zero if all of them fit.

    mu is the mean of the chemical potentials at the measured compositions; y has the measured composition and the
    least energy or, where no composition was measured, the largest D. There dD/dy vanishes (along the composition),
    so that dD = x . dmu - dG at fixed y: y need not be differentiated.
    """

    planes: MeanPlanes
    ends: Ends
    target: Float[Array, "n"]
    sigma: Float[Array, "n"]
    dataset: Int[Array, "n"]
    kind: str = eqx.field(static=True, default="driving force")
    unit: str = eqx.field(static=True, default="J/mol")

    def model(self, context: Context):
        """See the class; it fails where no equilibrium of the region gives a plane, or no constitution is found."""
        mean, there = self.planes(context.planes)
        mu = mean[:, self.ends.region]
        y, found = self.ends.constitutions(context, mu)

        one = lambda phase, T, P, y, mu: driving_force(context.tables, phase, mu, T, P, y)
        value = jax.vmap(one)(self.ends.phase, self.ends.T, self.ends.P, y, mu.T)
        return value, ~(there[self.ends.region] & found)


def driving_forces(system: System, regions: Sequence[Region]) -> list[DrivingForce]:
    """All vertices of these regions."""
    if not regions:
        return []
    planes, ends = ends_of(system, regions)
    own = [regions[r] for r in np.asarray(ends.region)]
    sigma = jnp.asarray([SIGMA / region.weight for region in own])
    return [DrivingForce(planes, ends, jnp.zeros(len(own)), sigma, jnp.asarray([r.dataset for r in own]))]
