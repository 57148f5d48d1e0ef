"""Measured tie-lines and invariant equilibria compared directly: their compositions and temperatures."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

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
    ends: Ends  # m vertices of a region after those of another
    pick: Int[Array, "n"]  # entries of (T, x of all vertices) of a region that are compared
    region: Int[Array, "n"]
    target: Float[Array, "n"]
    sigma: Float[Array, "n"]
    dataset: Int[Array, "n"]
    m: int = eqx.field(static=True)
    invariant: bool = eqx.field(static=True)
    kind: str = eqx.field(static=True)
    unit: str = eqx.field(static=True)

    def model(self, context: Context):
        """See the class; it fails where the phases have no common plane near the measured one."""
        mean, there = self.planes(context.planes)
        guess, found = self.ends.constitutions(context, mean[:, self.ends.region])
        grouped = lambda a: a.reshape(-1, self.m, *a.shape[1:])
        T, P = grouped(self.ends.T)[:, 0], grouped(self.ends.P)[:, 0]

        def one(phases, T, P, y):
            return together(context.tables, phases, T, P, y, context.elements, self.invariant)

        now, x, solved = jax.vmap(one)(grouped(self.ends.phase), T, P, grouped(guess))
        every = jnp.concatenate([now[:, None], x.reshape(len(now), -1)], axis=1)
        good = there & solved & jnp.all(grouped(found), axis=1) & ~self._collapsed(context, grouped(self.ends.phase), x)
        return every[self.region, self.pick], ~good[self.region]

    def _collapsed(self, context: Context, phases, x):
        """Two vertices of one phase that have become the same point."""
        near = jnp.max(jnp.abs(x[:, :, None] - x[:, None]), axis=-1) < 1e-5
        same = (phases[:, :, None] == phases[:, None]) & ~jnp.eye(self.m, dtype=bool)
        return jnp.any(near & same, axis=(1, 2))


def coexistences(system: System, regions: Sequence[Region]) -> tuple[list[Coexistence], list[Region]]:
    """(residuals, the regions that these equations do not suit: too few or too many phases)."""
    C = len(system.elements)
    result, rest = [], [r for r in regions if len(r.phases) not in (C, C + 1)]
    for m, kind in ((C, "tie-lines"), (C + 1, "invariants")):
        chosen = [r for r in regions if len(r.phases) == m]
        entries = [e for n, r in enumerate(chosen) for e in _entries(system, n, r, m > C)]
        if entries:
            planes, ends = ends_of(system, chosen)
            column = lambda k, rows=entries: jnp.asarray(np.array([row[k] for row in rows]))
            result.append(
                Coexistence(planes, ends, column(0), column(1), column(2), column(3), column(4), m, m > C, kind,
                            "K, mole fraction" if m > C else "mole fraction")
            )  # fmt: skip
        else:
            rest += chosen
    return result, rest


def _entries(system: System, n: int, region: Region, invariant: bool) -> list[tuple]:
    """(place in (T, x...), region, target, sigma, dataset) of what was measured; not compositions that cannot vary."""
    C, padded = len(system.elements), system.tables.sizes[1]
    entries = [(0, n, region.T, SIGMA_T / region.weight, region.dataset)] if invariant else []
    for k, (phase, x) in enumerate(zip(region.phases, region.x, strict=True)):
        variables = system.phases[phase].variables
        if np.isnan(x).any() or len({s for s, _ in variables}) == len(variables):
            continue
        # The last C - 1 fractions; the first follows from them.
        entries += [(1 + k * padded + e, n, x[e], SIGMA_X / region.weight, region.dataset) for e in range(1, C)]
    return entries
