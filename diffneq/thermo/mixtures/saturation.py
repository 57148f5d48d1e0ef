"""Vapour pressures and molar volumes of pure liquids."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from diffneq._parameters import check_finite, float_leaf
from diffneq.thermo.mixtures.data.substances import Substance

_LN10 = float(np.log(10.0))


class VapourPressures(eqx.Module):
    """ln(P_sat/Pa) = A + B/(T + C) + D T + E ln T + F T^G, T in K, within low..high: all leaves of shape (n,).

    The form holds Antoine's equation (`antoine`), DIPPR's equation 101 (`dippr101`) and Aspen's extended Antoine
    equation. Outside of low..high (K) the same formula is an extrapolation; what uses it says so in its status.
    """

    coefficients: tuple[Array, Array, Array, Array, Array, Array, Array]
    low: Float[Array, " n"]
    high: Float[Array, " n"]

    def log(self, T: Float[Array, ""]) -> Float[Array, " n"]:
        """ln(P_sat/Pa) at T (K)."""
        A, B, C, D, E, F, G = self.coefficients
        return A + B / (T + C) + D * T + E * jnp.log(T) + F * T**G

    def outside(self, T: Float[Array, ""]) -> Bool[Array, ""]:
        """Whether T leaves the range of any component; a kelvin's fraction of rounding is let pass."""
        return jnp.any((T < self.low - 1e-9) | (T > self.high + 1e-9))


def extended_antoine(coefficients: Sequence[ArrayLike], low: ArrayLike, high: ArrayLike) -> VapourPressures:
    """`VapourPressures` from its seven arrays (n,) A, B, C, D, E, F, G (Pa, K) and the range.

    Raises ValueError for values that are not finite or an empty range.
    """
    leaves = [jnp.atleast_1d(float_leaf(value)) for value in (*coefficients, low, high)]
    if len({leaf.shape for leaf in leaves}) > 1 or len(leaves) != 9:
        raise ValueError(
            "extended_antoine: give seven arrays A, B, C, D, E, F, G, low and high, all of one shape (n,)."
        )
    check_finite(
        "extended_antoine", **dict(zip(("A", "B", "C", "D", "E", "F", "G", "low", "high"), leaves, strict=True))
    )
    if not bool(jnp.all(leaves[-1] > leaves[-2])):
        raise ValueError("extended_antoine: the range of T must not be empty, low < high.")
    return VapourPressures(tuple(leaves[:7]), leaves[7], leaves[8])  # pyright: ignore[reportArgumentType]


def antoine(
    A: ArrayLike, B: ArrayLike, C: ArrayLike, low: ArrayLike, high: ArrayLike, decimal: bool = True,
    unit: float = 1.0, zero: float = 0.0,
) -> VapourPressures:  # fmt: skip
    """log P = A - B/(T + C), each argument (n,) or a number.

    Arguments: `decimal`, logarithms to base 10 (else natural); `unit`, the unit of P in Pa (133.322368 for mmHg, 1e5
    for bar); `zero`, the K that the scale of T, C, low and high calls 0 (273.15 for degrees Celsius).

    >>> water = antoine(8.07131, 1730.63, 233.426, 1.0, 100.0, unit=133.322368, zero=273.15)
    >>> round(float(jnp.exp(water.log(jnp.asarray(373.15))[0])) / 101325.0, 3)
    1.0
    """
    scale = _LN10 if decimal else 1.0
    A, B, C, low, high = jnp.broadcast_arrays(*(jnp.atleast_1d(jnp.asarray(v, float)) for v in (A, B, C, low, high)))
    nil = jnp.zeros_like(A)
    return extended_antoine(
        (scale * A + np.log(unit), -scale * B, C - zero, nil, nil, nil, nil), low + zero, high + zero
    )


def dippr101(substances: Sequence[Substance]) -> VapourPressures:
    """ln P = A + B/T + C ln T + D T^E of tabulated substances.

    >>> from diffneq.thermo.mixtures.data.substances import substance
    >>> round(float(jnp.exp(dippr101([substance("water")]).log(jnp.asarray(373.15))[0])) / 101325.0, 2)
    1.0
    """
    A, B, C, D, E = np.array([each.vapour_pressure for each in substances]).T
    low, high = np.array([each.range for each in substances]).T
    nil = np.zeros_like(A)
    return extended_antoine((A, B, nil, nil, C, D, E), low, high)


class MolarVolumes(eqx.Module):
    """V of saturated liquids, m^3/mol: equation 105, or 106 where `power` is true, of `data.substances`; leaves (n,).

    They enter the Poynting correction only, where a few per cent do not matter.
    """

    coefficients: tuple[Array, Array, Array, Array, Array]
    critical: Float[Array, " n"]
    power: Bool[Array, " n"]

    def __call__(self, T: Float[Array, ""]) -> Float[Array, " n"]:
        """V(T); T is held below 0.98 T_c, where the formulae end."""
        A, B, C, D, E = self.coefficients
        t = jnp.minimum(T / self.critical, 0.98)
        by_power = A * (1.0 - t) ** (B + t * (C + t * (D + t * E)))
        # the form that is not meant is evaluated with harmless numbers, so that its derivative stays finite
        plain = lambda value, harmless: jnp.where(self.power, harmless, value)
        base, scale, slope = plain(B, 1.0), plain(C, self.critical), plain(D, 1.0)
        by_root = A / base ** (1.0 + (1.0 - jnp.minimum(T / scale, 0.98)) ** slope)
        return 1e-3 / jnp.where(self.power, by_power, by_root)


def molar_volumes(substances: Sequence[Substance]) -> MolarVolumes:
    """Of tabulated substances.

    >>> from diffneq.thermo.mixtures.data.substances import substance
    >>> V = molar_volumes([substance("water"), substance("ethanol")])(jnp.asarray(298.15))
    >>> [round(1e6 * float(v), 1) for v in V]  # cm^3/mol
    [18.1, 58.5]
    """
    coefficients = [float_leaf(column) for column in np.array([each.density for each in substances]).T]
    critical = float_leaf(np.array([each.critical_temperature for each in substances]))
    power = jnp.asarray([each.density_form == 106 for each in substances])
    return MolarVolumes(tuple(coefficients), critical, power)  # pyright: ignore[reportArgumentType]
