"""What the study of the conductor's response is asked to do."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from diffneq.options.checks import Precision, Preset, at_least, check_fields, one_of, positive, valid_seed


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
        one_of("preset", self.preset, get_args(Preset))
        one_of("precision", self.precision, get_args(Precision))
        check_fields(self.fields)
        positive(temperature=self.temperature, horizon=self.horizon)
        valid_seed(self.seed)
        at_least(30, electrons=self.electrons)
        at_least(2, replicas=self.replicas)
        at_least(1, snapshots=self.snapshots, devices=self.devices)

    @property
    def folder(self) -> Path:
        """Where everything goes: `out`, or response-<preset> here."""
        return Path(self.out) if self.out is not None else Path(f"response-{self.preset}")
