"""Pieces of a function of temperature: which expression holds in which range."""

import math
from typing import Any, NamedTuple

import symengine
from symengine.lib.symengine_wrapper import BooleanTrue, LessThan, StrictLessThan


class Range(NamedTuple):
    """low <= T < high, K."""

    low: float
    high: float

    def intersection(self, other: "Range") -> "Range | None":
        """The common part; None where there is none."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Range(low, high) if low < high else None


EVERYWHERE = Range(-math.inf, math.inf)


class Pieces(NamedTuple):
    """The expressions with the ranges in which they are used, and the limits that the database states."""

    parts: list[tuple[Any, Range]]
    limits: Range


def pieces(name: str, expression: Any) -> Pieces:
    """The pieces of a function; the first and the last are continued beyond the limits of the database.

    Raises:
        ValueError: a condition is not a range of T.
    """
    if not isinstance(expression, symengine.Piecewise):
        return Pieces([(expression, EVERYWHERE)], EVERYWHERE)
    pairs = list(zip(expression.args[::2], expression.args[1::2], strict=True))
    pairs = [(part, _range(name, condition)) for part, condition in pairs if not _is_default(part, condition)]
    if not pairs:
        return Pieces([(symengine.Integer(0), EVERYWHERE)], EVERYWHERE)
    pairs.sort(key=lambda pair: pair[1].low)
    limits = Range(pairs[0][1].low, pairs[-1][1].high)
    parts, covered = [], -math.inf
    for k, (part, where) in enumerate(pairs):
        low = -math.inf if k == 0 else max(where.low, covered)  # where ranges overlap the lower one holds
        high = math.inf if k == len(pairs) - 1 else where.high
        if low < high:
            parts.append((part, Range(low, high)))
            covered = high
    return Pieces(parts, limits)


def _is_default(part, condition) -> bool:
    """The reader of the database closes every list of pieces by 'else zero'."""
    return isinstance(condition, BooleanTrue) and part == 0


def _range(name: str, condition) -> Range:
    if isinstance(condition, BooleanTrue):
        return EVERYWHERE
    if isinstance(condition, symengine.And):
        result = EVERYWHERE
        for part in condition.args:
            result = result.intersection(_range(name, part)) or Range(0.0, 0.0)
        return result
    if isinstance(condition, (LessThan, StrictLessThan)):
        left, right = condition.args
        if left.is_Number and str(right) == "T":
            return Range(float(left), math.inf)
        if right.is_Number and str(left) == "T":
            return Range(-math.inf, float(right))
    raise ValueError(f"{name} of the database holds under the condition {condition}; write it as a range of T.")
