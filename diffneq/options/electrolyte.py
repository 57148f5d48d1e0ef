"""What the electrolyte study is asked to do."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from diffneq.options.checks import Precision, at_least, one_of, positive, valid_seed

Potential = Literal["softbv", "teter", "tosi-fumi"]
Coupling = Literal["formal charges", "carriers"]


@dataclass(frozen=True)
class ElectrolyteOptions:
    """The wishes of whoever measures an ionic conductivity.

    Arguments: `material`, "llzo", the name of an alkali halide such as "NaCl", or a file with a structure;
    `potential`, None for the usual one of the material; `density` of a salt [g/cm^3]; `temperatures` [K]; `repeats`,
    unit cells along each edge; `currents` j [A/cm^2], None to plan them; `coupling`, whose current is held; `time`, the
    length of each run [ps], `equilibration` before it, `replicas` of each, `time_step` [fs], `damping_time` [ps] of the
    bath that anneals and settles; `relative_error` wanted, for the planner; `seed`; `precision`; `devices`; `out`, the
    folder; `resume`, go on in `out`; `progress`, say what is done. Raises ValueError for a value that makes no sense.

    >>> ElectrolyteOptions("NaCl", temperatures=(1100.0,)).folder.name
    'electrolyte-NaCl'
    >>> ElectrolyteOptions("llzo", temperatures=(900.0, -3.0))
    Traceback (most recent call last):
    ValueError: temperatures must be different positive numbers of kelvin, got (900.0, -3.0).
    """

    material: str = "llzo"
    temperatures: tuple[float, ...] = (900.0, 1050.0, 1200.0)
    potential: Potential | None = None
    density: float | None = None
    repeats: int | None = None
    currents: tuple[float, ...] | None = None
    coupling: Coupling = "formal charges"
    time: float = 50.0
    equilibration: float = 5.0
    replicas: int = 2
    time_step: float = 2.0
    damping_time: float = 0.5
    relative_error: float = 0.05
    seed: int = 0
    precision: Precision = "single"
    devices: int | None = None
    out: str | Path | None = None
    resume: bool = False
    progress: bool = True

    def __post_init__(self):
        _check_numbers("temperatures", "kelvin", self.temperatures)
        if self.currents is not None:
            _check_numbers("currents", "A/cm^2", self.currents)
        if self.potential is not None:
            one_of("potential", self.potential, get_args(Potential))
        one_of("coupling", self.coupling, get_args(Coupling))
        one_of("precision", self.precision, get_args(Precision))
        positive(
            time=self.time, equilibration=self.equilibration, time_step=self.time_step, density=self.density,
            damping_time=self.damping_time, relative_error=self.relative_error,
        )  # fmt: skip
        at_least(1, repeats=self.repeats, replicas=self.replicas, devices=self.devices)
        valid_seed(self.seed)
        if self.time < 200 * self.time_step * 1e-3 * 20:
            raise ValueError(
                f"time = {self.time} ps holds fewer than 200 records of 20 steps: the pilot would be too short to plan "
                f"anything, make it {8 * self.time_step:g} or more."
            )

    @property
    def folder(self) -> Path:
        """Where everything goes: `out`, or electrolyte-<material> here."""
        return Path(self.out) if self.out is not None else Path(f"electrolyte-{Path(self.material).stem}")

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON-ready data, for the record of what was run."""
        return asdict(self) | {"out": str(self.folder)}


def _check_numbers(name: str, unit: str, values: Sequence[float]) -> None:
    good = len(values) > 0 and len(set(values)) == len(values) and all(0 < v < float("inf") for v in values)
    if not good:
        raise ValueError(f"{name} must be different positive numbers of {unit}, got {tuple(values)}.")
