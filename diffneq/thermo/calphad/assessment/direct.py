"""Measured tie-lines and invariant equilibria compared directly: their compositions and temperatures."""

import dataclasses
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from diffneq.thermo.calphad.assessment.coexistence import together
from diffneq.thermo.calphad.assessment.equilibria import Context
from diffneq.thermo.calphad.assessment.regions import Ends, MeanPlanes, Region, ends_of
from diffneq.thermo.calphad.assessment.residuals import Residual
from diffneq.thermo.calphad.system import System

SIGMA_X = 0.01  # mole fraction at weight 1
SIGMA_T = 5.0  # K at weight 1


class Coexistence(Residual):
    """T and x of as many phases as there are elements at given T, or of one more, which fixes T (an invariant).

        G_k(y_k; T) = mu . M(y_k), and least against mu, for all phases k together

    Metastable equilibria count as well: which phases they are is what was measured.
    """

    planes: MeanPlanes
    ends: Ends  # m = elements + 1 vertices for every region; where T is given the last repeats the first
    invariant: Bool[Array, "regions"]
    pick: Int[Array, "n"]  # entries of (T, x of all vertices) of a region that are compared
    region: Int[Array, "n"]
    target: Float[Array, "n"]
    sigma: Float[Array, "n"]
    dataset: Int[Array, "n"]
    kind: str = eqx.field(static=True, default="tie-lines, invariants")
    unit: str = eqx.field(static=True, default="K or mole fraction")

    def model(self, context: Context):
        """See the class; it fails where the phases have no common plane near the measured one."""
        mean, there = self.planes(context.planes)
        guess, found = self.ends.constitutions(context, mean[:, self.ends.region])
        grouped = lambda a: a.reshape(-1, context.elements + 1, *a.shape[1:])
        phases, T, P = grouped(self.ends.phase), grouped(self.ends.T)[:, 0], grouped(self.ends.P)[:, 0]

        def one(phases, T, P, y, invariant):
            return together(context.tables, phases, T, P, y, context.elements, invariant)

        now, x, solved = jax.vmap(one)(phases, T, P, grouped(guess), self.invariant)
        every = jnp.concatenate([now[:, None], x.reshape(len(now), -1)], axis=1)
        good = there & solved & jnp.all(grouped(found), axis=1) & ~self._collapsed(phases, x)
        return every[self.region, self.pick], ~good[self.region]

    def _collapsed(self, phases, x):
        """Two vertices of one phase that have become the same point; of a tie-line the repeated one does not count."""
        m = phases.shape[1]
        near = jnp.max(jnp.abs(x[:, :, None] - x[:, None]), axis=-1) < 1e-5
        counts = self.invariant[:, None] | (jnp.arange(m) < m - 1)[None]
        same = (phases[:, :, None] == phases[:, None]) & ~jnp.eye(m, dtype=bool)[None]
        return jnp.any(near & same & counts[:, :, None] & counts[:, None], axis=(1, 2))


def coexistences(system: System, regions: Sequence[Region]) -> tuple[list[Coexistence], list[Region]]:
    """(residuals, the regions that these equations do not suit: too few or too many phases, nothing to compare)."""
    C = len(system.elements)
    chosen, rest = [], []
    for region in regions:
        suits = len(region.phases) in (C, C + 1) and _entries(system, 0, region)
        (chosen if suits else rest).append(region)
    if not chosen:
        return [], rest
    entries = [entry for n, region in enumerate(chosen) for entry in _entries(system, n, region)]
    filled = [region if len(region.phases) > C else _repeated(region) for region in chosen]
    planes, ends = ends_of(system, filled)
    invariant = jnp.asarray([len(region.phases) > C for region in chosen])
    return [Coexistence(planes, ends, invariant, *(jnp.asarray(np.array(c)) for c in zip(*entries, strict=True)))], rest


def _repeated(region: Region) -> Region:
    again = {name: (*getattr(region, name), getattr(region, name)[0]) for name in ("phases", "x", "how", "y")}
    return dataclasses.replace(region, **again)


def _entries(system: System, n: int, region: Region) -> list[tuple]:
    """(place in (T, x...), region, target, sigma, dataset) of what was measured; not compositions that cannot vary."""
    C, padded = len(system.elements), system.tables.sizes[1]
    invariant = len(region.phases) > C
    entries = [(0, n, region.T, SIGMA_T / region.weight, region.dataset)] if invariant else []
    for k, (phase, x) in enumerate(zip(region.phases, region.x, strict=True)):
        variables = system.phases[phase].variables
        if np.isnan(x).any() or len({s for s, _ in variables}) == len(variables):
            continue
        # The last C - 1 fractions; the first follows from them.
        entries += [(1 + k * padded + e, n, x[e], SIGMA_X / region.weight, region.dataset) for e in range(1, C)]
    return entries
