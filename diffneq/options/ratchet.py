"""What `diffneq ratchet` is asked to do: plain data, checked where it enters. No JAX here."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from diffneq.options.checks import Precision, at_least, one_of, positive, valid_seed

Method = Literal["fokker-planck", "simulation"]


@dataclass(frozen=True)
class RatchetOptions:
    """The wishes of whoever runs the ratchet; units: the rotor's friction G_1 is one, k_B = 1.

    Arguments: `temperatures` of the rotor's bath and the pawl's; `torque` f on the rotor, a load where negative;
    `mass`, the rotor's moment of inertia; `method`, how the numbers of the table are got; of a simulation `time`,
    that each rotor is followed, `rotors`, their number, `seed` and `precision` (the equations are solved in double);
    `devices`, how many to use; `out`, folder of table and pictures; `progress`, show bars. Raises ValueError for a
    value that makes no sense.

    >>> RatchetOptions(mass=0.01).folder.name
    'ratchet'
    >>> RatchetOptions(mass=0.0)
    Traceback (most recent call last):
    ValueError: mass must be positive and finite, got 0.0.
    """

    temperatures: tuple[float, float] = (1.5, 0.75)
    torque: float = 0.1
    mass: float = 0.1
    method: Method = "fokker-planck"
    time: float = 200.0
    rotors: int = 16384
    seed: int = 0
    precision: Precision = "single"
    devices: int | None = None
    out: str | Path | None = None
    progress: bool = True

    def __post_init__(self):
        if len(self.temperatures) != 2:
            raise ValueError(f"temperatures are two, of the rotor and of the pawl, got {self.temperatures}.")
        positive(mass=self.mass, time=self.time)
        for number, temperature in enumerate(self.temperatures, start=1):
            positive(**{f"temperature {number}": temperature})
        if not math.isfinite(self.torque):
            raise ValueError(f"torque must be finite, got {self.torque}.")
        one_of("method", self.method, get_args(Method))
        one_of("precision", self.precision, get_args(Precision))
        at_least(16, rotors=self.rotors)
        at_least(1, devices=self.devices)
        valid_seed(self.seed)

    @property
    def folder(self) -> Path:
        """Where everything goes: `out`, or ratchet here."""
        return Path(self.out) if self.out is not None else Path("ratchet")
