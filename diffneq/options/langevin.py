"""What the fit of Langevin equations to a file is asked to do. No JAX here."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from diffneq.options.checks import Precision, at_least, one_of, positive

Method = Literal["likelihood", "moments", "long-time"]
ModelName = Literal[
    "OrnsteinUhlenbeck",
    "ItoPolynomialFriction",
    "StratonovichPolynomialFriction",
    "AntiItoPolynomialFriction",
    "ItoPolynomial",
    "StratonovichPolynomial",
    "AntiItoPolynomial",
    "OverdampedPotential",
    "GeneralisedLangevin",
    "ColouredNoise",
    "UnderdampedOscillator",
]
DEFAULT_MODELS: dict[str, tuple[str, ...]] = {
    "likelihood": ("OrnsteinUhlenbeck", "ItoPolynomialFriction", "ItoPolynomial", "GeneralisedLangevin"),
    "moments": ("ItoPolynomialFriction", "ItoPolynomial"),
    "long-time": ("ItoPolynomialFriction",),
}


@dataclass(frozen=True)
class LangevinOptions:
    """The wishes of whoever fits Langevin equations to a record; None leaves a choice to the study.

    Arguments: `data`, a .csv, .npy, .npz or .nc file; `dt` between records [t], where the file has no times;
    `variable`, the column or array that holds x, and `displacement`, the one that holds its integral (long-time
    matching only); `models`, by name; `degree` of friction and diffusion polynomials; `memory`, exponentials in the
    kernel; `mass`; `method`; `held_out`, the fraction of blocks that select; `substeps` between two records; `window`
    of long-time matching [t]; `blocks` for errors; `out`, a folder; `precision` of JAX outside the fits, which are
    double anyway; `devices`; `progress`. Raises ValueError for a value that makes no sense.

    >>> LangevinOptions("velocity.csv").folder.name
    'langevin-velocity'
    """

    data: str | Path
    dt: float | None = None
    variable: str | None = None
    displacement: str | None = None
    models: tuple[str, ...] | None = None
    degree: int = 1
    memory: int = 1
    mass: float = 1.0
    method: Method = "likelihood"
    held_out: float = 0.25
    substeps: int = 1
    window: float | None = None
    blocks: int = 64
    out: str | Path | None = None
    precision: Precision = "double"
    devices: int | None = None
    progress: bool = True

    def __post_init__(self):
        one_of("method", self.method, get_args(Method))
        one_of("precision", self.precision, get_args(Precision))
        for name in self.models or ():
            one_of("models", name, get_args(ModelName))
        positive(dt=self.dt, mass=self.mass, window=self.window)
        at_least(0, degree=self.degree)
        at_least(1, memory=self.memory, substeps=self.substeps, devices=self.devices)
        at_least(8, blocks=self.blocks)
        if not 0.05 <= self.held_out <= 0.5:
            raise ValueError(f"held_out is a fraction from 0.05 to 0.5, got {self.held_out}.")
        if self.displacement is not None and self.method != "long-time":
            raise ValueError("a displacement is for long-time matching: add --method long-time.")

    @property
    def names(self) -> tuple[str, ...]:
        """The models to fit."""
        return DEFAULT_MODELS[self.method] if self.models is None else tuple(dict.fromkeys(self.models))

    @property
    def folder(self) -> Path:
        """Where everything goes: `out`, or langevin-<name of the file> here."""
        return Path(self.out) if self.out is not None else Path(f"langevin-{Path(self.data).stem}")

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON-ready data."""
        return asdict(self) | {"data": str(self.data), "out": str(self.folder), "models": list(self.names)}
