"""What the study of Rayleigh's piston is asked to do: plain data, checked where it enters. No JAX here."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from diffneq.options.checks import Precision, at_least, one_of, positive, valid_seed

Method = Literal["generator", "simulation"]


@dataclass(frozen=True)
class PistonOptions:
    """The wishes of whoever asks for the piston's long-time displacement; M = A = p = 1.

    Arguments: `mass_ratio` m/M; `temperatures` T_L, T_R; `method`, the eigenvalue of the tilted generator or a
    simulation; `replicas` R and `duration`, the length of each [time], default 200 relaxation times, of a
    simulation; `seed`, the root of all random numbers; `out`, the folder; `precision`, default double for the
    generator and single for the simulation; `devices`; `progress`. Raises ValueError for a value that makes no sense.

    >>> PistonOptions(temperatures=(1.0, 2.0)).folder.name
    'piston-generator'
    """

    mass_ratio: float = 0.01
    temperatures: tuple[float, float] = (1.0, 4.0)
    method: Method = "generator"
    replicas: int = 2048
    duration: float | None = None
    seed: int = 0
    out: str | Path | None = None
    precision: Precision | None = None
    devices: int | None = None
    progress: bool = True

    def __post_init__(self):
        one_of("method", self.method, get_args(Method))
        if not (math.isfinite(self.mass_ratio) and 0 < self.mass_ratio <= 0.25):
            raise ValueError(
                f"mass_ratio must be above 0 and at most 0.25, got {self.mass_ratio}: the piston is the heavier one."
            )
        if len(self.temperatures) != 2 or not all(math.isfinite(t) and t > 0 for t in self.temperatures):
            raise ValueError(f"temperatures are two positive numbers, T_L and T_R, got {self.temperatures}.")
        if not 1 / 16 <= self.temperatures[0] / self.temperatures[1] <= 16:
            raise ValueError(f"temperatures may differ by a factor of 16 at most, got {self.temperatures}.")
        positive(duration=self.duration)
        at_least(64, replicas=self.replicas)
        at_least(1, devices=self.devices)
        valid_seed(self.seed)
        if self.precision is None:
            object.__setattr__(self, "precision", "double" if self.method == "generator" else "single")

    @property
    def folder(self) -> Path:
        """Where everything goes: `out`, or piston-<method> here."""
        return Path(self.out) if self.out is not None else Path(f"piston-{self.method}")

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON-ready data, for the record of what was run."""
        return asdict(self) | {"out": str(self.folder)}
