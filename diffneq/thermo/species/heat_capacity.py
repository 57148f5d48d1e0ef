"""From a table of heat capacities, with transitions, to G."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffneq.thermo.species.polynomials import from_powers
from diffneq.thermo.species.species import BAR, Phase, Species, make

Powers = Mapping[int, float]


def from_heat_capacity(
    name: str,
    elements: Any,
    pieces: Sequence[tuple[float, float, Powers]],
    *,
    enthalpy: float,
    entropy: float,
    at: float = 298.15,
    latent: Mapping[float, float] | None = None,
    phase: Phase = "condensed",
    standard_pressure: float = BAR,
    source: str,
) -> Species:
    """H(T) = H(T0) + int C_P dT + sum of latent heats, S(T) = S(T0) + int C_P/T dT + sum of Delta H/T_tr, G = H - T S.

    At a transition G is continuous, and H and S jump.

    Arguments:
        pieces: (lowest T, highest T, {p: a_p}) with C_P = sum_p a_p T^p, J/(mol K), p between -2 and 4; ascending.
        enthalpy, entropy: H (J/mol) and S (J/(mol K)) at the temperature `at`.
        latent: temperature of a transition, an edge between pieces, -> its enthalpy, J/mol.

    Raises:
        ValueError: a gap between pieces, a transition that is no edge, a temperature or power out of range.

    >>> import jax
    >>> with jax.enable_x64(True):  # a model of ice and water
    ...     water = from_heat_capacity("H2O", {"H": 2, "O": 1}, [(200, 273.15, {0: 37.0}), (273.15, 370, {0: 75.3})],
    ...                                enthalpy=-285830.0, entropy=69.95, latent={273.15: 6010.0}, source="example")
    ...     jump = float(water.molar_enthalpy(273.2) - water.molar_enthalpy(273.1))
    >>> round(jump - 6010.0, 3)
    5.615
    """
    edges = [pieces[0][0], *(high for _, high, _ in pieces)]
    for (_, high, _), (low, _, _) in itertools.pairwise(pieces):
        if low != high:
            raise ValueError(f"{name}: a piece ends at {high:g} K and the next begins at {low:g} K.")
    strange = [T for T in latent or {} if T not in edges[1:-1]]
    if strange:
        raise ValueError(f"{name}: the transition at {strange[0]:g} K is not an edge between two pieces.")
    if not edges[0] <= at <= edges[-1]:
        raise ValueError(f"{name}: H and S are given at {at:g} K, where there is no heat capacity.")
    if any(p not in range(-2, 5) for _, _, powers in pieces for p in powers):
        raise ValueError(f"{name}: powers of T in a heat capacity are -2 to 4.")
    home = min(int(np.searchsorted(edges[1:-1], at)), len(pieces) - 1)
    constants = {home: _through(pieces[home][2], at, enthalpy, entropy)}
    for k in range(home, len(pieces) - 1):
        constants[k + 1] = _continued(pieces, constants, k, k + 1, edges[k + 1], +1.0, latent)
    for k in range(home, 0, -1):
        constants[k - 1] = _continued(pieces, constants, k, k - 1, edges[k], -1.0, latent)
    rows = [from_powers(powers, *constants[k]) for k, (_, _, powers) in enumerate(pieces)]
    return make(name, elements, phase, edges, rows, standard_pressure=standard_pressure, model="C_P", source=source)


def _integrals(powers: Powers, T: float) -> tuple[float, float]:
    """int C_P dT and int C_P/T dT without constants."""
    H = sum(a * (np.log(T) if p == -1 else T ** (p + 1) / (p + 1)) for p, a in powers.items())
    S = sum(a * (np.log(T) if p == 0 else T**p / p) for p, a in powers.items())
    return float(H), float(S)


def _through(powers: Powers, T: float, enthalpy: float, entropy: float) -> tuple[float, float]:
    H, S = _integrals(powers, T)
    return enthalpy - H, entropy - S


def _continued(pieces, constants, known: int, new: int, T: float, sign: float, latent) -> tuple[float, float]:
    """The constants of the next piece, across a transition at T."""
    heat = sign * (latent or {}).get(T, 0.0)
    H, S = _integrals(pieces[known][2], T)
    return _through(pieces[new][2], T, constants[known][0] + H + heat, constants[known][1] + S + heat / T)
