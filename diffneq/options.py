"""What the conductor study is asked to do: plain data, checked where it enters. No JAX here."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

Preset = Literal["soft", "stiff"]
Variant = Literal["uniform", "walls"]
Precision = Literal["single", "double"]


@dataclass(frozen=True)
class ConductorOptions:
    """The wishes of whoever runs the conductor; None leaves a choice to the study.

    Arguments: `preset`; `variant`, where the heat leaves; `fields` E [k_B T/(e R)], different from zero;
    `sizes`, numbers of electrons at fixed densities, the first being that of the main runs; `seeds`,
    independent runs of each setting; `seed`, the root of all random numbers; `temperature` k_B T of the bath;
    `time`, the length of each run [R sqrt(m/k_B T)], or `minutes`, the wall time to fit into, not both;
    `out`, the folder of the store, the table and the pictures; `precision`; `devices`, how many to use;
    `resume`, go on in `out`; `progress`, show bars. Raises ValueError for a value that makes no sense.

    >>> ConductorOptions(preset="stiff").folder.name
    'conductor-stiff'
    >>> ConductorOptions(fields=(0.1, float("nan")))
    Traceback (most recent call last):
    ValueError: fields must be finite numbers, got nan: give for example --fields 0.02 0.05 0.1.
    """

    preset: Preset = "soft"
    variant: Variant = "uniform"
    fields: tuple[float, ...] | None = None
    sizes: tuple[int, ...] | None = None
    seeds: int | None = None
    seed: int = 0
    temperature: float = 1.0
    time: float | None = None
    minutes: float | None = None
    out: str | Path | None = None
    precision: Precision = "single"
    devices: int | None = None
    resume: bool = False
    progress: bool = True

    def __post_init__(self):
        _one_of("preset", self.preset, get_args(Preset))
        _one_of("variant", self.variant, get_args(Variant))
        _one_of("precision", self.precision, get_args(Precision))
        _check_fields(self.fields)
        _check_sizes(self.sizes)
        for name in ("temperature", "time", "minutes"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be positive and finite, got {value}.")
        for name in ("seeds", "devices"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more, got {value}.")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be from 0 to 2**32 - 1, got {self.seed}.")
        if self.time is not None and self.minutes is not None:
            raise ValueError("time and minutes both fix the length of the runs: give one of them.")

    @property
    def folder(self) -> Path:
        """Where everything goes: `out`, or conductor-<preset> here."""
        return Path(self.out) if self.out is not None else Path(f"conductor-{self.preset}")

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON-ready data, for the record of what was run."""
        return asdict(self) | {"out": str(self.folder)}


@dataclass(frozen=True)
class ResponseOptions:
    """The wishes of whoever asks for the conductor's response; see `ConductorOptions` for what has the same name.

    Arguments: `electrons`, their number; `horizon`, how long after the change the response is followed
    [R sqrt(m/k_B T)]; `replicas`, independent runs; `snapshots`, daughters started from each; `methods`, by name, or
    None for all; `fields` of the current-voltage curve by transient time correlation, or None for
    1e-6 to 1. Raises ValueError for a value that makes no sense.

    >>> ResponseOptions().folder.name
    'response-soft'
    """

    preset: Preset = "soft"
    electrons: int = 60
    temperature: float = 1.0
    horizon: float = 30.0
    replicas: int = 64
    snapshots: int = 10
    methods: tuple[str, ...] | None = None
    fields: tuple[float, ...] | None = None
    seed: int = 0
    out: str | Path | None = None
    precision: Precision = "single"
    devices: int | None = None
    progress: bool = True

    def __post_init__(self):
        _one_of("preset", self.preset, get_args(Preset))
        _one_of("precision", self.precision, get_args(Precision))
        _check_fields(self.fields)
        for name in ("temperature", "horizon"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be positive and finite, got {value}.")
        for name, least in (("electrons", 30), ("replicas", 2), ("snapshots", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be {least} or more, got {getattr(self, name)}.")

    @property
    def folder(self) -> Path:
        """Where everything goes: `out`, or response-<preset> here."""
        return Path(self.out) if self.out is not None else Path(f"response-{self.preset}")


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be {' or '.join(allowed)}, got {value!r}.")


def _check_fields(fields: Sequence[float] | None) -> None:
    if fields is None:
        return
    bad = [field for field in fields if not math.isfinite(field)]
    if bad or not fields:
        got = f"got {bad[0]}" if bad else "got none"
        raise ValueError(f"fields must be finite numbers, {got}: give for example --fields 0.02 0.05 0.1.")
    if 0.0 in fields or len(set(fields)) < len(fields):
        raise ValueError("fields must be different from zero and from each other; the undriven run is always made.")


def _check_sizes(sizes: Sequence[int] | None) -> None:
    if sizes is None:
        return
    bad = [size for size in sizes if size < 3]
    if bad or not sizes or len(set(sizes)) < len(sizes):
        raise ValueError(f"sizes must be different numbers of electrons, 3 or more, got {list(sizes)}.")
