"""Parameters of a database as features: products of affine rows z of the site fractions.

    binary       y_A y_B (y_A - y_B)^v L_v
    ternary      y_A y_B y_C (y_A + (1 - y_A - y_B - y_C)/3) L_0 + ...       Muggianu; L_0 alone stands for all three
    reciprocal   y_A y_B y_C y_D [L_0 + L_1 (difference on the last mixing sublattice) + L_2 (on the first)]

times the site fractions of the other sublattices, whose wildcards count as 1. The convention for reciprocal parameters
is Thermo-Calc's. Sources: O. Redlich and A. T. Kister, Industrial & Engineering Chemistry 40 (1948) 345;
Y.-M. Muggianu, M. Gambino, J.-P. Bros, Journal de Chimie Physique 72 (1975) 83; H. L. Lukas, S. G. Fries, B. Sundman,
Computational Thermodynamics (Cambridge 2007), chapter 5.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from diffneq.thermo.calphad.expressions import Row


class Affine(NamedTuple):
    """constant + sum_j w_j y_j: one row of z. Rows are equal by content, so that they are shared."""

    constant: float = 0.0
    linear: tuple[tuple[int, float], ...] = ()

    def plus(self, other: "Affine", weight: float = 1.0) -> "Affine":
        """self + weight * other."""
        linear = dict(self.linear)
        for j, w in other.linear:
            linear[j] = linear.get(j, 0.0) + weight * w
        kept = tuple(sorted((j, w) for j, w in linear.items() if abs(w) > 1e-14))
        return Affine(self.constant + weight * other.constant, kept)


ONE = Affine(1.0)
Feature = tuple[Affine, ...]  # sorted, without ONE
Site = Callable[[int, str], Affine]  # (sublattice, species) -> its site fraction as a row of z


def feature(rows: Sequence[Affine]) -> Feature:
    """The product of rows, in the one order that makes equal products equal.

    >>> feature([ONE, Affine(linear=((1, 1.0),)), Affine(linear=((0, 1.0),))])
    (Affine(constant=0.0, linear=((0, 1.0),)), Affine(constant=0.0, linear=((1, 1.0),)))
    """
    return tuple(sorted(row for row in rows if row != ONE))


@dataclasses.dataclass
class Ledger:
    """What a phase consists of, collected while its parameters are read; see tables.py for the meaning of the sums."""

    energy: dict[Feature, list[Row]] = dataclasses.field(default_factory=lambda: defaultdict(list))
    physical: dict[tuple[str, Feature], list[Row]] = dataclasses.field(default_factory=lambda: defaultdict(list))
    entropy: dict[Affine, float] = dataclasses.field(default_factory=lambda: defaultdict(float))
    # Ionic liquid only: entropy weights and moles of an element that are features
    feature_entropy: dict[tuple[Affine, Feature], float] = dataclasses.field(default_factory=lambda: defaultdict(float))
    feature_moles: dict[tuple[str, Feature], float] = dataclasses.field(default_factory=lambda: defaultdict(float))

    def add(self, channel: str, terms: Sequence[tuple[float, Feature]], rows: Sequence[Row]) -> None:
        """Adds coefficient (rows) times a sum of weighted features to the energy ("G") or to a physical channel."""
        for weight, product in terms:
            rows_of = self.energy[product] if channel == "G" else self.physical[channel, product]
            rows_of += [row._replace(weight=weight * row.weight) for row in rows]


class Parameter(NamedTuple):
    """A PARAMETER of the database: its type, the species of every sublattice ("*": any), order and expression."""

    kind: str
    constituents: tuple[tuple[str, ...], ...]
    order: int
    expression: Any
    label: str


def products(parameter: Parameter, site: Site, alone: bool) -> list[tuple[float, Feature]]:
    """The features that a parameter multiplies, with weights.

    Args:
        parameter: of any type that is expanded in the site fractions.
        site: the site fractions as rows of z: those of the phase, or the disordered ones.
        alone: no other parameter has these constituents (a ternary L_0 then stands for three).

    Raises:
        ValueError: an interaction of a kind that the formalism does not define.
    """
    mixing = [s for s, names in enumerate(parameter.constituents) if len(names) > 1]
    order = parameter.order
    sizes = [len(parameter.constituents[s]) for s in mixing]
    if len(mixing) > 1 and (max(sizes) > 2 or order > (2 if len(mixing) == 2 else 0)):
        raise ValueError(f"{parameter.label} is a reciprocal parameter of unknown kind; use two pairs, orders 0 to 2.")
    if sizes and max(sizes) > 2 and order >= (3 if max(sizes) == 3 else 1):
        raise ValueError(
            f"{parameter.label} has an order without meaning; use 0, 1, 2 for three and 0 for more species."
        )
    rows = [site(s, name) for s, names in enumerate(parameter.constituents) for name in names if names[0] != "*"]
    if sizes == [3]:
        return _ternary(rows, [site(mixing[0], name) for name in parameter.constituents[mixing[0]]], order, alone)
    if mixing and order > 0:
        s = mixing[-order] if len(mixing) == 2 else mixing[0]
        a, b = (site(s, name) for name in parameter.constituents[s])
        rows += [a.plus(b, -1.0)] * (order if len(mixing) == 1 else 1)
    return [(1.0, feature(rows))]


def _ternary(rows: list[Affine], mixing: list[Affine], order: int, alone: bool) -> list[tuple[float, Feature]]:
    """y_A y_B y_C v_i with v_i = y_i + (1 - y_A - y_B - y_C)/3; sum_i v_i = 1 where L_0 stands for all three."""
    if order == 0 and alone:
        return [(1.0, feature(rows))]
    rest = ONE
    for row in mixing:
        rest = rest.plus(row, -1.0)
    return [(1.0, feature([*rows, mixing[order].plus(rest, 1.0 / 3.0)]))]
