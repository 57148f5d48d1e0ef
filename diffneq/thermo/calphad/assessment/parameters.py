"""Which numbers of a database are fitted: named constants and coefficients of functions and parameters."""

import dataclasses
import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffneq.thermo.calphad.expressions import Unit
from diffneq.thermo.calphad.system import System
from diffneq.thermo.calphad.tables import BASIS

ESPEI_SYMBOL = re.compile(r"VV?\d+")  # what ESPEI calls the constants that it fits
_UNITS = {"T^0": "J/mol", "T^1": "J/(mol K)"}


@dataclasses.dataclass(frozen=True)
class Parameter:
    """theta_i = coefficients[row, column]: one number of a database that may change.

    Arguments: `name` (see `choose`), `row` and `column` in `system.tables.coefficients`, `start` its value in the
    database, `unit`; `prior` = (mean, standard deviation) of a normal prior or None; `lower` and `upper` bounds.

    Raises ValueError: a prior without width, bounds that do not enclose the start.
    """

    name: str
    row: int
    column: int
    start: float
    unit: str = ""
    prior: tuple[float, float] | None = None
    lower: float = -math.inf
    upper: float = math.inf

    def __post_init__(self):
        if self.prior is not None and not (self.prior[1] > 0 and math.isfinite(self.prior[0])):
            raise ValueError(f"The prior of {self.name} is {self.prior}; give (mean, standard deviation > 0).")
        if not self.lower < self.start < self.upper:
            raise ValueError(
                f"{self.name} starts at {self.start:g}, not between its bounds {self.lower:g} and {self.upper:g}."
            )


def parameter_names(system: System) -> tuple[str, ...]:
    """The names of all numbers that `choose` can take by a pattern: the non-zero coefficients and all named constants.

    >>> import jax
    >>> from diffneq.thermo.calphad import build
    >>> with jax.enable_x64(True):
    ...     names = parameter_names(build("Cu-Mg", ["CU", "MG"], ["LIQUID"]))
    >>> [name for name in names if name.startswith("G(LIQUID,CU,MG")]
    ['G(LIQUID,CU,MG;0)[1]', 'G(LIQUID,CU,MG;0)[T]', 'G(LIQUID,CU,MG;1)[1]']
    """
    return tuple(p.name for p in _candidates(system))


def choose(
    system: System,
    names: Iterable[str] | None = None,
    like: str | Iterable[str] | None = None,
    priors: Mapping[str, tuple[float, float]] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
) -> tuple[Parameter, ...]:
    """The parameters to fit.

    Args:
        system: from `build`.
        names: of a FUNCTION that holds one constant, like VV0001; of one coefficient, like G(LIQUID,CU,MG;0)[T] or
            "GHSERCU piece 1[T ln T]" ([1] is the constant, other words as in `tables.BASIS`), whether it is zero
            or not; or of a FUNCTION or PARAMETER, for all its coefficients that are not zero. L(...) and G(...) name
            the same interaction.
        like: patterns with * and ? for the names of `parameter_names`. Without names and patterns all symbols that
            ESPEI fits are taken: V or VV and a number.
        priors: name -> (mean, standard deviation), in the unit of the parameter.
        bounds: name -> (lower, upper).

    Raises:
        ValueError: a name or pattern that fits nothing, or a number that cannot be fitted.

    >>> import jax
    >>> from diffneq.thermo.calphad import build
    >>> with jax.enable_x64(True):
    ...     system = build("Cu-Mg", ["CU", "MG"], ["LIQUID"])
    >>> [(p.name, p.start) for p in choose(system, ["L(LIQUID,CU,MG;0)"])]
    [('G(LIQUID,CU,MG;0)[1]', -36984.0), ('G(LIQUID,CU,MG;0)[T]', 4.75612)]
    """
    candidates = _candidates(system)
    patterns = [like] if isinstance(like, str) else list(like or ())
    names = [names] if isinstance(names, str) else list(names or ())
    chosen: dict[str, Parameter] = {}
    for name in names:
        chosen |= {p.name: p for p in _named(system, candidates, name)}
    for pattern in patterns:
        chosen |= {p.name: p for p in _matching(candidates, pattern)}
    if not names and not patterns:
        chosen = {p.name: p for p in candidates if ESPEI_SYMBOL.fullmatch(p.name)}
        if not chosen:
            raise ValueError("The database has no symbol VV0000, VV0001, ...; name the parameters to fit.")
    for what, given in (("prior", priors), ("bounds", bounds)):
        for name, pair in (given or {}).items():
            (one,) = _named(system, tuple(chosen.values()), name, f"A {what} is given for")[:1]
            change = {"prior": (float(pair[0]), float(pair[1]))} if what == "prior" else {
                "lower": float(pair[0]), "upper": float(pair[1])}  # fmt: skip
            chosen[one.name] = dataclasses.replace(one, **change)
    return tuple(chosen.values())


def _candidates(system: System) -> tuple[Parameter, ...]:
    coefficients = np.asarray(system.tables.coefficients)
    result = []
    for unit in system.parameters:
        columns = np.flatnonzero(coefficients[unit.row])
        if unit.kind == "FUNCTION" and len(columns) == 0:
            columns = [0]  # a named constant that is zero yet
        result += [_parameter(unit, int(c), coefficients, len(columns)) for c in columns if not unit.fixed]
    names = [p.name for p in result]
    return tuple(p for p in result if names.count(p.name) == 1)


def _parameter(unit: Unit, column: int, coefficients: np.ndarray, count: int) -> Parameter:
    base = unit.label.split(" ", 1)[1]
    word = {"T^0": "1", "T^1": "T"}.get(BASIS[column], BASIS[column])
    if unit.multiplier:
        word += f" * {BASIS[unit.multiplier]}"
    constant = unit.kind == "FUNCTION" and count == 1 and column == 0 and unit.pieces == 1 and not unit.multiplier
    unit_of = "" if unit.multiplier else _UNITS.get(BASIS[column], "")
    value = float(coefficients[unit.row, column])
    return Parameter(base if constant else f"{base}[{word}]", unit.row, column, value, unit_of)


def _plain(name: str) -> str:
    """For comparison: upper case, no blanks, L(...) as G(...)."""
    return re.sub(r"^L\(", "G(", re.sub(r"\s+", "", name).upper())


def _named(system: System, candidates: Sequence[Parameter], name: str, says: str = "") -> list[Parameter]:
    plain = _plain(name)
    exact = [p for p in candidates if _plain(p.name) == plain]
    bare = [re.sub(r"\[[^\]]*\]$", "", _plain(p.name)) for p in candidates]
    whole = [p for p, b in zip(candidates, bare, strict=True) if plain in (b, re.sub(r"PIECE\d+$", "", b))]
    found = exact or whole or ([] if says else _zero_coefficient(system, plain))
    if not found:
        close = difflib.get_close_matches(name, [p.name for p in candidates], 3, 0.3)
        hint = f"; near it are {', '.join(close)}" if close else ""
        raise ValueError(f"{says or 'There is no parameter'} {name}{', which is not fitted' if says else ''}{hint}.")
    return found


def _zero_coefficient(system: System, plain: str) -> list[Parameter]:
    """A coefficient that the database does not write because it is zero."""
    coefficients = np.asarray(system.tables.coefficients)
    every = (
        _parameter(unit, c, coefficients, 2) for unit in system.parameters for c in range(len(BASIS)) if not unit.fixed
    )
    return [p for p in every if _plain(p.name) == plain]


def _matching(candidates: Sequence[Parameter], pattern: str) -> list[Parameter]:
    expression = re.escape(_plain(pattern)).replace(r"\*", ".*").replace(r"\?", ".")
    found = [p for p in candidates if re.fullmatch(expression, _plain(p.name))]
    if not found:
        raise ValueError(f"No parameter has a name like {pattern}; names are for example "
                         f"{', '.join(p.name for p in candidates[-3:])}.")  # fmt: skip
    return found


class Space(NamedTuple):
    """theta(u): dimensionless unknowns u, free from bounds, u = 0 at `start`.

    theta = start + scale u without bounds; with two, theta = lower + (upper - lower) / (1 + e^-v), with one,
    theta = lower + e^v or upper - e^-v, v = v_0 + u d(v)/d(theta) scale.
    """

    rows: Int[Array, "p"]
    columns: Int[Array, "p"]
    start: Float[Array, "p"]
    scale: Float[Array, "p"]
    lower: Float[Array, "p"]
    upper: Float[Array, "p"]
    prior_mean: Float[Array, "p"]
    prior_error: Float[Array, "p"]  # infinite where there is none

    @classmethod
    def of(cls, parameters: Sequence[Parameter]) -> "Space":
        """With a guess of the scale: the width of the prior, or a tenth of the value."""
        column = lambda f: jnp.asarray([f(p) for p in parameters], float)
        guess = lambda p: p.prior[1] if p.prior else max(0.1 * abs(p.start), 100.0 if p.column == 0 else 0.1)
        return cls(
            jnp.asarray([p.row for p in parameters]), jnp.asarray([p.column for p in parameters]),
            column(lambda p: p.start), column(guess), column(lambda p: p.lower), column(lambda p: p.upper),
            column(lambda p: p.prior[0] if p.prior else p.start),
            column(lambda p: p.prior[1] if p.prior else math.inf),
        )  # fmt: skip

    def theta(self, u: Float[Array, "p"]) -> Float[Array, "p"]:
        """The parameters, within their bounds."""
        low, high = jnp.isfinite(self.lower), jnp.isfinite(self.upper)
        below = jnp.where(low, self.start - self.lower, 1.0)
        above = jnp.where(high, self.upper - self.start, 1.0)
        s = self.scale * u
        bent = lambda v: jnp.clip(v, -40.0, 40.0)  # so far out that theta no longer changes, or is out of all reason
        fall = jnp.exp(bent(-s * (1 / below + 1 / above)))
        both = self.start + below * above * (1 - fall) / (below + above * fall)
        one = self.start + jnp.where(low, below * jnp.expm1(bent(s / below)), -above * jnp.expm1(bent(-s / above)))
        return jnp.where(low & high, both, jnp.where(low | high, one, self.start + s))

    def into(self, coefficients: Float[Array, "units basis"], theta: Float[Array, "p"]):
        """The coefficients of a database with these parameters."""
        return coefficients.at[self.rows, self.columns].set(theta)

    def prior_residuals(self, theta: Float[Array, "p"]) -> Float[Array, "p"]:
        """(theta - mean)/error; zero where there is no prior."""
        return (theta - self.prior_mean) / self.prior_error
