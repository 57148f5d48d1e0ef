"""SGTE's Gibbs energies of pure elements: powers of T, T ln T, and the magnetic term of Inden, Hillert and Jarl."""

from collections.abc import Mapping, Sequence

import numpy as np

from diffneq.thermo.species.functions import NAMES, SCALE, place
from diffneq.thermo.species.species import BAR, GAS_CONSTANT, Species, make

_POWERS = {"1": 0, "T": 1, "T2": 2, "T3": 3, "T4": 4, "T5": 5, "T7": 7, "Tm1": -1, "Tm2": -2, "Tm3": -3, "Tm9": -9}


def sgte(
    name: str,
    element: str,
    structure: str,
    pieces: Sequence[tuple[float, float, Mapping[str, float]]],
    critical: float = 0.0,
    moment: float = 0.0,
    source: str = "",
) -> Species:
    """G - H_SER = a + b T + c T ln T + sum_n d_n T^n + R T ln(1 + beta) g(T/T_C).

    The zero of enthalpy, H_SER, is that of the stable element at 298.15 K and 1 bar. The magnetic term is a sum of
    powers of T on either side of T_C (M. Hillert, M. Jarl, Calphad 2 (1978) 227), so T_C is one more edge.

    Arguments:
        structure: BCC_A2 has p = 0.40 and antiferromagnetic factor -1, all others 0.28 and -3.
        pieces: (lowest T, highest T, {"1": a, "T": b, "TLNT": c, "T2": ..., "Tm9": ...}), ascending.
        critical, moment: T_C (K) and beta as in a database: negative for an antiferromagnet.

    Raises:
        ValueError: see `species.make`.
    """
    cubic = structure == "BCC_A2"
    if critical < 0:
        factor = -1.0 if cubic else -3.0
        critical, moment = critical / factor, moment / factor
    edges = [pieces[0][0], *(high for _, high, _ in pieces)]
    rows = [_row(terms) for _, _, terms in pieces]
    if critical > 0 and moment > 0:
        if edges[0] < critical < edges[-1]:
            k = int(np.searchsorted(edges, critical)) - 1
            edges.insert(k + 1, critical)
            rows.insert(k, rows[k].copy())
        magnetic = [_magnetic(critical, moment, 0.40 if cubic else 0.28, below) for below in (False, True)]
        rows = [row + magnetic[high <= critical] for row, high in zip(rows, edges[1:], strict=True)]
    return make(name, {element: 1.0}, "condensed", edges, rows, standard_pressure=BAR, model="SGTE", source=source)


def _row(terms: Mapping[str, float]) -> np.ndarray:
    row = np.zeros(len(NAMES))
    for key, value in terms.items():
        if key == "TLNT":
            row[0] += value * SCALE
            row[place(1)] += value * SCALE * np.log(SCALE)
        else:
            row[place(_POWERS[key])] += value * SCALE ** _POWERS[key]
    return row


def _magnetic(critical: float, moment: float, p: float, below: bool) -> np.ndarray:
    """R T ln(1 + beta) g(T/T_C) on one side of T_C."""
    A = 518 / 1125 + (11692 / 15975) * (1 / p - 1)
    if below:
        b = -(474 / 497) * (1 / p - 1) / A
        g = {0: 1.0, -1: -79 / (140 * p * A), 3: b / 6, 9: b / 135, 15: b / 600}
    else:
        g = {-5: -1 / (10 * A), -15: -1 / (315 * A), -25: -1 / (1500 * A)}
    row = np.zeros(len(NAMES))
    for power, factor in g.items():  # T tau^n = T^(n+1) / T_C^n
        row[place(power + 1)] += GAS_CONSTANT * np.log1p(moment) * factor * critical * (SCALE / critical) ** (power + 1)
    return row
