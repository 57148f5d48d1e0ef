"""Stacking of points: many systems of one shape become one system with a replica axis.

A point is any pytree, usually `(model, dynamics, drive)`. Floats and arrays are data and may differ from
point to point; Python integers, booleans, strings and functions shape the compiled program, so they must
agree, just like static fields. Points that disagree there form groups, and each group compiles once.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr, tree_flatten, tree_flatten_with_path, tree_unflatten

PyTree = Any


def _is_data(leaf: Any) -> bool:
    return isinstance(leaf, (float, complex, np.ndarray, np.generic, jax.Array))


def _describe(leaf: Any) -> Any:
    """What two leaves must share to be stacked: shape and dtype of data, the value of anything else."""
    if not _is_data(leaf):
        return (type(leaf), leaf)
    if isinstance(leaf, (np.ndarray, np.generic, jax.Array)):
        # A weak type promotes differently, and would recompile: it is part of the shape.
        return (leaf.shape, str(leaf.dtype), bool(getattr(leaf, "weak_type", False)))
    return ((), type(leaf).__name__, True)


def _host(leaf: Any) -> np.ndarray:
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return np.asarray(jax.random.key_data(leaf))
    return np.asarray(leaf)


def _same(a: Any, b: Any) -> bool:
    # Bytes, not ==: NaN equals itself here, and -0.0 is not 0.0.
    return a is b or _host(a).tobytes() == _host(b).tobytes()


def _alike(a: Any, b: Any) -> bool:
    """Equality of static parts; what cannot be compared (arrays in a static field) counts as different."""
    try:
        return bool(a == b)
    except (TypeError, ValueError):
        return False


def same_shape(a: PyTree, b: PyTree) -> bool:
    """Whether two points can run in one compiled program: same structure, static fields, shapes, dtypes."""
    leaves_a, tree_a = tree_flatten(a)
    leaves_b, tree_b = tree_flatten(b)
    if not _alike(tree_a, tree_b):
        return False
    return all(_alike(_describe(x), _describe(y)) for x, y in zip(leaves_a, leaves_b, strict=True))


def varying(first: PyTree, other: PyTree) -> tuple[bool, ...]:
    """For each leaf, in flattening order: whether it differs between two points of one group."""
    pairs = zip(tree_flatten(first)[0], tree_flatten(other)[0], strict=True)
    return tuple(_is_data(a) and not _same(a, b) for a, b in pairs)


def stack(points: Sequence[PyTree], batched: Sequence[bool] | None = None) -> tuple[PyTree, PyTree]:
    """The tree with leaves (points[0][leaf], ..., points[R-1][leaf]), and the axes by which `vmap` splits it.

    A leaf that is the same at every point is left as it is (axis None); one that differs gets a leading axis
    of length R (axis 0). Python floats stay weakly typed, so that stacking changes no precision.

    Arguments:
        points: R pytrees of one shape (see `same_shape`): R models, or R tuples (model, dynamics, drive).
        batched: one boolean per leaf, to decide beforehand which leaves get the axis, whatever the values.
            All blocks of a sweep share one choice, and so one compiled program, and agree bit for bit.

    Returns:
        `(tree, axes)`: `tree` has the structure of one point, `axes` the same with 0 or None as leaves.

    Raises:
        ValueError: no points, points of different shape, or a `batched` that leaves out a differing leaf.

    Example:
        >>> from diffneq.sweeps.batching import stack
        >>> tree, axes = stack([{"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 3.0}])
        >>> axes
        {'a': None, 'b': 0}
        >>> print(tree["a"], tree["b"])
        1.0 [2. 3.]
    """
    if len(points) == 0:
        raise ValueError("stack needs at least one point: stack([(model, dynamics, drive), ...])")
    paths, treedef = tree_flatten_with_path(points[0])
    columns = _columns(points, paths, treedef)
    if batched is not None and len(batched) != len(columns):
        raise ValueError(f"batched must have one boolean per leaf: {len(columns)}, not {len(batched)}")
    leaves, axes = [], []
    for i, column in enumerate(columns):
        differs = _is_data(column[0]) and not all(_same(column[0], x) for x in column[1:])
        if batched is not None and differs and not batched[i]:
            raise ValueError(f"leaf {keystr(paths[i][0])} differs between the points; batched says it does not")
        split = differs if batched is None else bool(batched[i])
        leaves.append(jnp.stack([jnp.asarray(x) for x in column]) if split else column[0])
        axes.append(0 if split else None)
    return tree_unflatten(treedef, leaves), tree_unflatten(treedef, axes)


def _columns(points: Sequence[PyTree], paths: list, treedef: Any) -> list[list]:
    """The leaves of all points, one list per leaf; refuses points of another shape."""
    columns = [[leaf] for _, leaf in paths]
    for r, point in enumerate(points[1:], start=1):
        if point is points[0]:
            values = [column[0] for column in columns]
        else:
            values, other = tree_flatten(point)
            if not _alike(other, treedef):
                raise ValueError(
                    f"point {r} has another structure or other static fields than point 0: "
                    "run them in separate calls (sweep does this by itself)"
                )
        for (path, first), column, value in zip(paths, columns, values, strict=True):
            if value is not first and not _alike(_describe(value), _describe(first)):
                raise ValueError(
                    f"leaf {keystr(path)} of point {r} does not stack with that of point 0 "
                    f"({_describe(value)}, {_describe(first)}): run them in separate calls"
                )
            column.append(value)
    return columns
