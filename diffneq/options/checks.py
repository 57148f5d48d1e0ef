"""What options have in common: kinds of words, and checks with one sentence each."""

import math
from collections.abc import Sequence
from typing import Literal

Preset = Literal["soft", "stiff"]
Variant = Literal["uniform", "walls"]
Precision = Literal["single", "double"]


def one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    """ValueError unless the value is among the allowed ones."""
    if value not in allowed:
        raise ValueError(f"{name} must be {' or '.join(allowed)}, got {value!r}.")


def check_fields(fields: Sequence[float] | None) -> None:
    """ValueError unless the fields are finite, different from zero and from each other."""
    if fields is None:
        return
    bad = [field for field in fields if not math.isfinite(field)]
    if bad or not fields:
        got = f"got {bad[0]}" if bad else "got none"
        raise ValueError(f"fields must be finite numbers, {got}: give for example --fields 0.02 0.05 0.1.")
    if 0.0 in fields or len(set(fields)) < len(fields):
        raise ValueError("fields must be different from zero and from each other; the undriven run is always made.")


def positive(**values: float | None) -> None:
    """ValueError unless each value is positive and finite; None is left alone."""
    for name, value in values.items():
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be positive and finite, got {value}.")


def at_least(least: int, **values: int | None) -> None:
    """ValueError for a value below the least; None is left alone."""
    for name, value in values.items():
        if value is not None and value < least:
            raise ValueError(f"{name} must be {least} or more, got {value}.")


def valid_seed(seed: int) -> None:
    """ValueError unless the root of the random numbers fits 32 bits."""
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed must be from 0 to 2**32 - 1, got {seed}.")
