"""The layout of this package: the batch is the last axis, so that a quantity without batch broadcasts from the left."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import jax

F = TypeVar("F", bound=Callable[..., Any])


def batch_last(function: F) -> F:
    """Let arrays of different rank meet inside: it is how the layout works, whatever a user's strict setting says."""

    @functools.wraps(function)
    def wrapped(*arguments, **options):
        with jax.numpy_rank_promotion("allow"):
            return function(*arguments, **options)

    return wrapped  # type: ignore[return-value]
