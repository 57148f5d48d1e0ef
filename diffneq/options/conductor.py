"""What the conductor study is asked to do."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from diffneq.options.checks import Precision, Preset, Variant, at_least, check_fields, one_of, positive, valid_seed


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
        one_of("preset", self.preset, get_args(Preset))
        one_of("variant", self.variant, get_args(Variant))
        one_of("precision", self.precision, get_args(Precision))
        check_fields(self.fields)
        _check_sizes(self.sizes)
        positive(temperature=self.temperature, time=self.time, minutes=self.minutes)
        at_least(1, seeds=self.seeds, devices=self.devices)
        valid_seed(self.seed)
        if self.time is not None and self.minutes is not None:
            raise ValueError("time and minutes both fix the length of the runs: give one of them.")

    @property
    def folder(self) -> Path:
        """Where everything goes: `out`, or conductor-<preset> here."""
        return Path(self.out) if self.out is not None else Path(f"conductor-{self.preset}")

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON-ready data, for the record of what was run."""
        return asdict(self) | {"out": str(self.folder)}


def _check_sizes(sizes: Sequence[int] | None) -> None:
    if sizes is None:
        return
    bad = [size for size in sizes if size < 3]
    if bad or not sizes or len(set(sizes)) < len(sizes):
        raise ValueError(f"sizes must be different numbers of electrons, 3 or more, got {list(sizes)}.")
