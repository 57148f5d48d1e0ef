"""Functions of T and P outside the common basis, kept exactly: EXP, roots, logarithms of sums."""

import dataclasses
import math
from typing import Any

import jax.numpy as jnp
import symengine


@dataclasses.dataclass(frozen=True)
class Expression:
    """A function (T, P) -> value: a tree of tuples, equal and hashed by its content, without names of a database.

    Its numbers are constants: they are the only coefficients of a database that cannot be differentiated.

    >>> import jax.numpy as jnp
    >>> growth = Expression(("exp", ("mul", ("number", 2.0), ("T",))))
    >>> float(growth(jnp.array(0.0), jnp.array(1e5)))
    1.0
    """

    tree: tuple

    def __call__(self, T, P):
        return _evaluate(self.tree, T, P)


def _evaluate(node: tuple, T, P):
    kind, *parts = node
    if kind == "number":
        return parts[0]
    if kind in ("T", "P"):
        return T if kind == "T" else P
    if kind == "pieces":
        value = 0.0
        for part, low, high in parts:
            value = jnp.where((low <= T) & (high > T), _evaluate(part, T, P), value)
        return value
    values = [_evaluate(part, T, P) for part in parts]
    if kind == "add":
        return sum(values[1:], values[0])
    if kind == "mul":
        return math.prod(values[1:], start=values[0])
    if kind == "power":
        return values[0] ** values[1]
    return jnp.exp(values[0]) if kind == "exp" else jnp.log(values[0])


def tree(expression: Any, lookup, inside: tuple[str, ...] = ()) -> tuple:
    """The tree of a symbolic expression.

    Args:
        expression: of numbers, T, P, names, sums, products, powers, EXP and LOG.
        lookup: name -> a number, or the list of (expression, range of T) of a function.
        inside: the names being looked up.

    Raises:
        ValueError: another function is called, or a name stands for itself.
    """
    if expression.is_Number:
        number = float(expression)
        return ("number", round(number) if number == round(number) else number)
    if expression.is_Symbol:
        return _name(str(expression.name), lookup, inside)
    parts = expression.args
    if isinstance(expression, symengine.Pow):
        base, exponent = (tree(part, lookup, inside) for part in parts)
        is_e = base[0] == "number" and math.isclose(base[1], math.e, rel_tol=1e-14)
        return ("exp", exponent) if is_e else ("power", base, exponent)
    kinds = {symengine.Add: "add", symengine.Mul: "mul", symengine.log: "log"}
    for cls, kind in kinds.items():
        if isinstance(expression, cls):
            return (kind, *(tree(part, lookup, inside) for part in parts))
    raise ValueError(f"The database uses {expression}, which is not understood; write it with LN, EXP and powers.")


def _name(name: str, lookup, inside: tuple[str, ...]) -> tuple:
    if name in ("T", "P"):
        return (name,)
    if name in inside:
        raise ValueError(f"FUNCTION {name} of the database refers to itself; correct the file.")
    found = lookup(name)
    if isinstance(found, float):
        return ("number", found)
    parts = [(tree(part, lookup, (*inside, name)), *where) for part, where in found]
    return parts[0][0] if len(parts) == 1 else ("pieces", *parts)
