"""Coefficients of a database as rows: sums of weight * basis_m(T, P) * U_u1 * U_u2, each valid in a range of T.

A FUNCTION or PARAMETER of a database is piecewise in T, and its pieces refer to other functions. Every piece becomes
one unit U (a polynomial over BASIS, and so a leaf that can be differentiated); references, products of two functions
and functions times powers of T become rows. What fits no row is kept as an exact expression tree.
The first and the last piece are continued beyond their limits, as other codes do; gaps between pieces count as zero.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import symengine

from diffneq.thermo.calphad.pieces import Range, pieces
from diffneq.thermo.calphad.tables import BASIS, TEMPERATURE_POWERS
from diffneq.thermo.calphad.trees import Expression, tree

GAS_SYMBOL = "GASCONSTANT"  # `database.load` writes this for the R of a file, so that every build can choose R


class Monomial(NamedTuple):
    """T^t (ln T)^log_t (ln P)^log_p P^p."""

    t: int = 0
    log_t: int = 0
    log_p: int = 0
    p: int = 0

    def __mul__(self, other):  # type: ignore[override]
        return Monomial(*(a + b for a, b in zip(self, other, strict=True)))


MULTIPLIERS = {Monomial(t): BASIS.index(f"T^{t}") for t in TEMPERATURE_POWERS} | {
    Monomial(1, 1): BASIS.index("T ln T"),
    Monomial(0, 1): BASIS.index("ln T"),
    Monomial(1, 0, 1): BASIS.index("T ln P"),
    Monomial(0, 0, 0, 1): BASIS.index("P"),
    Monomial(1, 0, 0, 1): BASIS.index("T P"),
}


class Term(NamedTuple):
    """weight * monomial * product of named functions."""

    weight: float
    monomial: Monomial = Monomial()
    names: tuple[str, ...] = ()

    def __mul__(self, other):  # type: ignore[override]
        return Term(self.weight * other.weight, self.monomial * other.monomial, self.names + other.names)


class Row(NamedTuple):
    """weight * basis[multiplier] * product of at most two units, in a range of T."""

    weight: float
    multiplier: int
    units: tuple[int, ...]
    range: Range


class Unit(NamedTuple):
    """Where a row of `Tables.coefficients` comes from: one piece of a FUNCTION or PARAMETER of the database.

    `name` is as the database writes it, without its keyword; `multiplier` is the entry of BASIS by which the whole
    piece is multiplied (0, the number 1, in nearly every case). Where `fixed` is true, a part of the compiled energy
    holds the number itself, and derivatives with respect to the row are incomplete.
    """

    row: int
    kind: str  # "FUNCTION" or "PARAMETER"
    name: str
    piece: int
    pieces: int
    range: Range
    multiplier: int = 0
    fixed: bool = False

    @property
    def label(self) -> str:
        """For people: FUNCTION GHSERCU piece 1, PARAMETER L(LIQUID,CU,MG;0)."""
        return f"{self.kind} {self.name}" + (f" piece {self.piece + 1}" if self.pieces > 1 else "")


class NotPolynomial(Exception):
    """The expression is no sum of terms."""


def expand(expression: Any, gas_constant: float) -> list[Term]:
    """The expression as a sum of terms; NotPolynomial where it is none.

    >>> T = symengine.Symbol("T")
    >>> expand(3 * T * symengine.log(T), 8.3)
    [Term(weight=3.0, monomial=Monomial(t=1, log_t=1, log_p=0, p=0), names=())]
    """
    if expression.is_Number:
        return [Term(float(expression))]
    if expression.is_Symbol:
        known = {"T": Term(1.0, Monomial(1)), "P": Term(1.0, Monomial(p=1)), GAS_SYMBOL: Term(gas_constant)}
        name = str(expression.name)
        return [known.get(name, Term(1.0, names=(name,)))]
    if isinstance(expression, symengine.Add):
        return [term for part in expression.args for term in expand(part, gas_constant)]
    if isinstance(expression, symengine.Mul):
        terms = [Term(1.0)]
        for part in expression.args:
            factors = expand(part, gas_constant)
            terms = [a * b for a in terms for b in factors]
        return terms
    if isinstance(expression, symengine.Pow):
        base, exponent = expression.args
        return _power(base, exponent, gas_constant)
    if isinstance(expression, symengine.log):
        return _logarithm(expand(expression.args[0], gas_constant))
    raise NotPolynomial


def _power(base, exponent, gas_constant: float) -> list[Term]:
    if not exponent.is_Number or float(exponent) != round(float(exponent)) or abs(float(exponent)) > 12:
        raise NotPolynomial
    n, terms = round(float(exponent)), expand(base, gas_constant)
    if n >= 0:
        result = [Term(1.0)]
        for _ in range(n):
            result = [a * b for a in result for b in terms]
        return result
    if len(terms) != 1 or terms[0].names or terms[0].monomial.log_t or terms[0].monomial.log_p:
        raise NotPolynomial
    return [Term(terms[0].weight ** n, Monomial(*(n * k for k in terms[0].monomial)))]


def _logarithm(terms: list[Term]) -> list[Term]:
    """ln(c T^a P^b) = ln c + a ln T + b ln P."""
    (term,) = terms if len(terms) == 1 else (Term(0.0),)
    if term.weight <= 0.0 or term.names or term.monomial.log_t or term.monomial.log_p:
        raise NotPolynomial
    a, b = term.monomial.t, term.monomial.p
    parts = [Term(math.log(term.weight)), Term(a, Monomial(log_t=1)), Term(b, Monomial(log_p=1))]
    return [part for part in parts if part.weight]


class Units:
    """All units of a system and the rows of every function used, filled while phases are compiled."""

    def __init__(self, functions: Mapping[str, Any], gas_constant: float):
        self.functions = functions
        self.gas_constant = gas_constant
        self.polynomials: list[list[float]] = [[1.0] + [0.0] * (len(BASIS) - 1)]
        self.expressions: list[Expression] = []
        self.ranges: list[Range] = []
        self._units: list[Unit] = []
        self._fixed_rows: set[int] = set()
        self._fixed_names: set[str] = set()
        self._rows: dict[str, list[Row]] = {}
        self._open: list[str] = []

    def rows(self, name: str, expression: Any) -> list[Row]:
        """The rows of a parameter, compiled once under its name."""
        if name not in self._rows:
            if name in self._open:
                raise ValueError(f"FUNCTION {name} of the database refers to itself; correct the file.")
            self._open.append(name)
            parts = self._pieces(name, expression)
            self._rows[name] = [
                row for k, (part, where) in enumerate(parts) for row in self._piece(part, where, (name, k, len(parts)))
            ]
            self._open.pop()
        return self._rows[name]

    def function(self, name: str) -> list[Row]:
        """The rows of a FUNCTION of the database."""
        if name not in self.functions:
            user = self._open[0].split("#")[0]
            raise ValueError(
                f"{user} needs the FUNCTION {name}, which the database does not define; add it to the file, or leave "
                "the phase out (without=[...])."
            )
        return self.rows(name, self.functions[name])

    def named(self) -> tuple[Unit, ...]:
        """What every row of the polynomials is, but for row 0, the number 1."""
        fixed = lambda u: u.row in self._fixed_rows or (u.kind == "FUNCTION" and u.name in self._fixed_names)
        return tuple(unit._replace(fixed=fixed(unit)) for unit in self._units)

    def table(self) -> tuple[np.ndarray, tuple[Expression, ...]]:
        """(polynomials, expressions); the units of expressions come after those of polynomials."""
        return np.array(self.polynomials), tuple(self.expressions)

    def _pieces(self, name: str, expression: Any):
        result = pieces(name, symengine.sympify(expression))
        self.ranges.append(result.limits)
        return result.parts

    def _piece(self, expression: Any, where: Range, origin: tuple[str, int, int]) -> list[Row]:
        """The rows of one piece: its own polynomial, its references to functions, and what is neither."""
        own: dict[tuple[int, int], float] = {}
        rows: list[Row] = []
        odd = []
        for part in expression.args if isinstance(expression, symengine.Add) else (expression,):
            try:
                terms = expand(part, self.gas_constant)
                plain = [(_split(term.monomial), term.weight) for term in terms if not term.names]
                rows += [row for term in terms if term.names for row in self._product(term, where)]
            except NotPolynomial:
                odd.append(part)
                continue
            for key, weight in plain:
                own[key] = own.get(key, 0.0) + weight
        rows += self._polynomial(own, where, origin) if own or not (rows or odd) else []
        if odd:
            rows.append(Row(1.0, 0, (self._expression(symengine.Add(*odd)),), where))
        return rows

    def _polynomial(self, own: dict[tuple[int, int], float], where: Range, origin: tuple[str, int, int]) -> list[Row]:
        """One unit for all terms of BASIS; a term like T^6 is a multiplier times another unit."""
        rows = []
        for multiplier in sorted({m for m, _ in own} or {0}):
            name, piece, pieces = origin
            kind = "PARAMETER" if name.startswith("PARAMETER ") else "FUNCTION"
            short = name.removeprefix("PARAMETER ").split("#")[0]
            self._units.append(Unit(len(self.polynomials), kind, short, piece, pieces, where, multiplier))
            self.polynomials.append([own.get((multiplier, k), 0.0) for k in range(len(BASIS))])
            rows.append(Row(1.0, multiplier, (len(self.polynomials) - 1,), where))
        return rows

    def _product(self, term: Term, where: Range) -> list[Row]:
        """weight * monomial * functions, as the products of the functions' rows."""
        products = [(term.weight, term.monomial, (), where)]
        inverse = {m: monomial for monomial, m in MULTIPLIERS.items()}
        for name in term.names:
            factors = self.function(name)
            products = [
                (w * row.weight, m * inverse[row.multiplier], u + row.units, both)
                for w, m, u, r in products
                for row in factors
                if (both := r.intersection(row.range)) is not None
            ]
        return [Row(*self._fold(w, u, m), r) for w, m, u, r in products]

    def _fold(self, weight: float, units: tuple[int, ...], monomial: Monomial):
        """(weight, multiplier, at most two units): of three and more, those that are plain numbers join the weight."""
        kept = list(units)
        for unit in units:
            if len(kept) > 2 and unit >= 0 and not any(self.polynomials[unit][1:]):
                weight *= self.polynomials[unit][0]
                kept.remove(unit)
                self._fixed_rows.add(unit)
        if len(kept) > 2 or monomial not in MULTIPLIERS:
            raise NotPolynomial
        return weight, MULTIPLIERS[monomial], tuple(kept)

    def _expression(self, expression: Any) -> int:
        """A unit outside BASIS; negative until all polynomials are known: -1 is the first expression."""
        self.expressions.append(Expression(tree(expression, self._lookup)))
        return -len(self.expressions)

    def _lookup(self, name: str):
        """What a name inside an expression outside BASIS stands for: a number, or the pieces of a function."""
        if name == GAS_SYMBOL:
            return self.gas_constant
        if name not in self.functions:
            self.function(name)
        self._fixed_names.add(name)
        return self._pieces(name, self.functions[name])


def _split(monomial: Monomial) -> tuple[int, int]:
    """(multiplier, basis) whose product is the monomial, the multiplier 1 where it can be."""
    for first, multiplier in MULTIPLIERS.items():
        rest = Monomial(*(a - b for a, b in zip(monomial, first, strict=True)))
        if rest in MULTIPLIERS:
            return multiplier, MULTIPLIERS[rest]
    raise NotPolynomial
