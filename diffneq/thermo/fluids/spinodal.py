"""The limits of metastability: (dp/drho)_T = 0, on the liquid's and on the vapour's side."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from diffneq.thermo.fluids.bulk import bulk
from diffneq.thermo.fluids.helmholtz import Fluid
from diffneq.thermo.fluids.saturation import saturation_at_temperature
from diffneq.thermo.fluids.status import FAILURES, NOT_CONVERGED
from diffneq.thermo.potentials.implicit import rooted

_POINTS, _HALVINGS = 65, 60


class Spinodal(NamedTuple):
    """Densities (basis/m3) and pressures (Pa) where the liquid and the vapour lose their stability."""

    T: Float[Array, "*batch"]
    liquid: Float[Array, "*batch"]
    vapour: Float[Array, "*batch"]
    p_liquid: Float[Array, "*batch"]
    p_vapour: Float[Array, "*batch"]
    status: Int[Array, "*batch"]


@jax.jit
def spinodal(model: Fluid, T: ArrayLike) -> Spinodal:
    """The first zeros of (dp/drho)_T from the saturated densities inwards; T in K, below the critical point.

    >>> from diffneq.thermo.fluids import cubic
    >>> with jax.enable_x64(True):
    ...     vdw = cubic("vdW", "argon")
    ...     reduced = spinodal(vdw, 0.9 * vdw.critical.T).liquid / vdw.critical.rho
    >>> round(float(reduced), 4), round(float(reduced * (3.0 - reduced) ** 2 / 4.0), 6)
    (1.3916, 0.9)
    """
    T = jnp.asarray(T, float)
    frozen, T0 = jax.lax.stop_gradient((model, T))
    saturation = saturation_at_temperature(frozen, T0)
    good = saturation.status & FAILURES == 0
    safe = jnp.where(good, T0, 0.9 * frozen.critical.T)
    ends = [jnp.where(good, rho, frozen.critical.rho) for rho in (saturation.liquid, saturation.vapour)]
    found = [_first_zero(frozen, safe, end) for end in ends]
    liquid, vapour = (
        rooted(lambda z: (bulk(model, T, z[0]).dp_drho / (model.gas_constant * T),), (rho,))[0] for rho in found
    )
    blank = lambda x: jnp.where(good, x, jnp.nan)
    p_liquid, p_vapour = (blank(bulk(model, T, rho).p) for rho in (liquid, vapour))
    bad = good & ~(liquid > vapour)
    status = saturation.status | jnp.where(bad, NOT_CONVERGED, 0)
    return Spinodal(T, blank(liquid), blank(vapour), p_liquid, p_vapour, status)


def _first_zero(model: Fluid, T: Array, outer: Array) -> Array:
    """Where dp/drho first changes its sign from a saturated density to the critical one, in equal ratios."""
    share = jnp.linspace(0.0, 1.0, _POINTS).reshape((-1,) + (1,) * T.ndim)
    rows = outer[None] * (model.critical.rho / outer[None]) ** share
    stable = bulk(model, jnp.broadcast_to(T[None], rows.shape), rows).dp_drho > 0.0
    k = jnp.argmin(stable, axis=0)  # the first unstable one
    pick = lambda j: jnp.take_along_axis(rows, jnp.maximum(j, 0)[None], axis=0)[0]

    def halve(_, pair):
        outside, inside = pair
        middle = 0.5 * (outside + inside)
        ok = bulk(model, T, middle).dp_drho > 0.0
        return jnp.where(ok, middle, outside), jnp.where(ok, inside, middle)

    return jax.lax.fori_loop(0, _HALVINGS, halve, (pick(k - 1), pick(k)))[0]
