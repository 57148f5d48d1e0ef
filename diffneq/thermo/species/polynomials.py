"""Published forms of the heat capacity, integrated to Gibbs energies.

C_P as a sum of powers of T, with an enthalpy and an entropy constant, is all that Shomate's and NASA's forms say:
G = H - T S with H = b_H + int C_P dT and S = b_S + int C_P / T dT.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from diffneq.thermo.species.functions import NAMES, SCALE, place
from diffneq.thermo.species.species import BAR, GAS_CONSTANT, Phase, Species, make


def from_powers(powers: Mapping[int, float], enthalpy: float, entropy: float) -> np.ndarray:
    """Coefficients of G for C_P = sum_p a_p T^p (T in K), J/(mol K).

    Arguments:
        powers: p -> a_p; -2 to 4 are the published ones.
        enthalpy: b_H, the constant of H(T) = b_H + sum of the integrals without constants, J/mol.
        entropy: b_S, likewise of S(T), J/(mol K).
    """
    row = np.zeros(len(NAMES))
    row[place(0)] += enthalpy
    row[place(1)] -= entropy * SCALE
    for p, a in powers.items():
        if p == -1:  # H = a ln T, S = -a/T, G = a ln T + a
            row[1] += a
            row[place(0)] += a * (np.log(SCALE) + 1.0)
        elif p == 0:  # H = a T, S = a ln T
            row[0] -= a * SCALE
            row[place(1)] += a * SCALE * (1.0 - np.log(SCALE))
        else:  # H = a T^(p+1)/(p+1), S = a T^p / p
            row[place(p + 1)] -= a * SCALE ** (p + 1) / (p * (p + 1))
    return row


def shomate(
    name: str, elements: Any, pieces: Iterable[tuple[float, float, Sequence[float]]], *,
    source: str, phase: Phase = "gas", standard_pressure: float = BAR,
) -> Species:  # fmt: skip
    """C_P = A + B t + C t^2 + D t^3 + E/t^2, H = A t + B t^2/2 + C t^3/3 + D t^4/4 - E/t + F (kJ/mol),
    S = A ln t + B t + C t^2/2 + D t^3/3 - E/(2 t^2) + G, t = T/1000 K.

    Arguments:
        pieces: (lowest T, highest T, (A, B, C, D, E, F, G)), ascending; F so that H(298.15 K) is the enthalpy of
            formation.

    Raises:
        ValueError: see `species.make`.
    """
    rows, edges = [], []
    for low, high, (A, B, C, D, E, F, G) in pieces:
        powers = {0: A, 1: B / SCALE, 2: C / SCALE**2, 3: D / SCALE**3, -2: E * SCALE**2}
        rows.append(from_powers(powers, 1e3 * F, G - A * np.log(SCALE)))
        edges = edges or [low]
        edges.append(high)
    return make(name, elements, phase, edges, rows, standard_pressure=standard_pressure, model="Shomate",
                source=source)  # fmt: skip


def nasa(
    name: str, elements: Any, edges: Sequence[float], pieces: Iterable[Sequence[float]], *,
    source: str, phase: Phase = "gas", standard_pressure: float = BAR,
) -> Species:  # fmt: skip
    """C_P/R = a_1 T^-2 + a_2 T^-1 + a_3 + ... + a_7 T^4 with constants b_1 of H/R and b_2 of S/R (NASA-9), or
    a_1 + ... + a_5 T^4 with a_6, a_7 (NASA-7).

    Arguments:
        edges: temperatures between the pieces, K.
        pieces: of 7 or of 9 numbers.

    Raises:
        ValueError: pieces of another length; see `species.make`.

    >>> import jax
    >>> with jax.enable_x64(True):
    ...     argon = nasa("Ar", {"Ar": 1}, [200, 6000], [[2.5, 0, 0, 0, 0, -745.375, 4.37967491]], source="NASA TM-4513")
    >>> round(float(argon.coefficients[0, 0]), 2)  # of t ln t: -5/2 R times 1000 K
    -20786.16
    """
    rows, kinds = [], set()
    for piece in pieces:
        kinds.add(len(piece))
        if len(piece) == 7:
            a, (b_H, b_S) = dict(enumerate(piece[:5])), piece[5:]
        elif len(piece) == 9:
            a, (b_H, b_S) = {p - 2: c for p, c in enumerate(piece[:7])}, piece[7:]
        else:
            raise ValueError(f"{name}: a NASA polynomial has 7 or 9 coefficients, not {len(piece)}.")
        R = GAS_CONSTANT
        rows.append(from_powers({p: R * c for p, c in a.items()}, R * b_H, R * b_S))
    model = "NASA-" + "/".join(map(str, sorted(kinds)))
    return make(name, elements, phase, edges, rows, standard_pressure=standard_pressure, model=model, source=source)
