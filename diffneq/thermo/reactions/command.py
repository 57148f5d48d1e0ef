"""What `diffneq reaction` does: the constants of one reaction, or the equilibrium of a feed."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr

from diffneq.thermo.reactions.equilibrium import equilibrium, species_of
from diffneq.thermo.reactions.reaction import Reaction, reaction
from diffneq.thermo.reactions.results import explain
from diffneq.thermo.species import library
from diffneq.thermo.species.formulas import parse_formula
from diffneq.thermo.species.species import BAR, GAS_CONSTANT

_LEAST = 1e-12  # mole fractions below are not printed


@dataclasses.dataclass(frozen=True)
class Constants:
    """K(T) of a reaction."""

    reaction: Reaction
    T: np.ndarray
    values: dict[str, np.ndarray]
    extrapolated: tuple[str, ...]
    conversion: xr.Dataset | None

    @property
    def remarks(self) -> list[str]:
        """What a reader should know."""
        return [f"{name} is beyond the range of its polynomial" for name in self.extrapolated]

    def to_dict(self) -> dict[str, Any]:
        """For a program."""
        made = self.conversion
        rows = [
            {"T": float(T), **{name: float(v[k]) for name, v in self.values.items()},
             **({} if made is None else {"y": _fractions(made.isel(condition=k)), "status": int(made.status[k])})}
            for k, T in enumerate(self.T)
        ]  # fmt: skip
        return {
            "reaction": str(self.reaction), "standard_pressure": self.reaction.standard_pressure,
            "gas_constant": GAS_CONSTANT, "units": {"T": "K", "dH": "J/mol", "dG": "J/mol", "dS": "J/(mol K)",
            "dlnK_dT": "1/K"}, "sources": sorted({s.source for s in self.reaction.species}),
            "extrapolated": list(self.extrapolated), "results": rows,
        }  # fmt: skip

    def table(self) -> str:
        """For a reader."""
        lines = [f"{self.reaction}   at the standard pressure {self.reaction.standard_pressure:g} Pa",
                 f"{'T, K':>10}{'dH, kJ':>12}{'dG, kJ':>12}{'dS, J/K':>11}{'log10 K':>12}{'dlnK/dT':>13}"]  # fmt: skip
        for k, T in enumerate(self.T):
            v = {name: float(x[k]) for name, x in self.values.items()}
            lines.append(
                f"{T:10.2f}{v['dH'] / 1e3:12.3f}{v['dG'] / 1e3:12.3f}{v['dS']:11.3f}{v['log10_K']:12.5f}"
                f"{v['dlnK_dT']:13.5g}"
            )
        if self.conversion is not None:
            P = float(self.conversion.P[0])
            lines += ["", f"equilibrium of the left side, {P:g} Pa: mole fractions of the gas"]
            for k in range(len(self.T)):
                y = _fractions(self.conversion.isel(condition=k))
                lines.append(f"{self.T[k]:10.2f}  " + "  ".join(f"{name} {v:.6f}" for name, v in y.items()))
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Equilibria of a feed."""

    problem: str
    data: xr.Dataset

    @property
    def remarks(self) -> list[str]:
        """Failures, and what the candidates left out."""
        status = self.data.status.values
        out = [f"condition {k + 1}: {explain(int(status[k]))}" for k in np.flatnonzero(status)]
        driven = self.data.suspended_driving
        for name in self.data.suspended.values:
            lowest = float(driven.sel(suspended=name).min())
            if lowest < 0:
                out.append(f"{name} was left out and would form (driving force {-lowest:.4g} J/mol)")
        return out

    def to_dict(self) -> dict[str, Any]:
        """For a program."""
        keys = ("standard_pressure", "reference", "gas_constant", "sources", "not_considered", "out_of_range")
        return {
            "problem": self.problem, **{k: self.data.attrs[k] for k in keys},
            "results": [self._record(k) for k in range(self.data.sizes["condition"])],
        }  # fmt: skip

    def _record(self, k: int) -> dict[str, Any]:
        here = self.data.isel(condition=k)
        solid = here.n.where(here.phase == "condensed", drop=True)
        amounts = dict(zip(map(str, here.species.values), map(float, here.n.values), strict=True))
        return {
            **{name: float(here[name]) for name in ("T", "P", "H", "S", "G", "U", "V")},
            "y": _fractions(here), "n": amounts,
            "condensed": {str(s): float(v) for s, v in zip(solid.species.values, solid.values, strict=True) if v > 0},
            "mu": {str(e): float(v) for e, v in zip(here.element.values, here.mu.values, strict=True)},
            "certificate": float(here.certificate), "balance": float(here.balance), "status": int(here.status),
            "meaning": explain(int(here.status)),
        }  # fmt: skip

    def table(self) -> str:
        """For a reader."""
        lines = []
        for record in self.to_dict()["results"]:
            lines += [f"T = {record['T']:.3f} K   P = {record['P']:g} Pa   H = {record['H']:.6g} J   "
                      f"S = {record['S']:.6g} J/K   V = {record['V']:.6g} m3"]  # fmt: skip
            rows = sorted(record["y"].items(), key=lambda item: -item[1])
            lines += [f"  {name:14} y = {y:.6g}" for name, y in rows if y > _LEAST]
            lines += [f"  {name:14} n = {n:.6g} mol (condensed)" for name, n in record["condensed"].items()]
            lines += [f"  {record['meaning']}; elements balance to {record['balance']:.1e}", ""]
        left = self.data.attrs["not_considered"]
        return "\n".join([*lines, *([f"known here, but no candidates: {left}"] if left else [])])


def _fractions(here: xr.Dataset) -> dict[str, float]:
    gas = here.y.where(here.phase == "gas", drop=True)
    return {str(s): float(v) for s, v in zip(gas.species.values, gas.values, strict=True)}


def constants(
    equation: str, source: str, temperature: Sequence[float], pressure: float | None = None, extrapolate: bool = False
) -> Constants:
    """K, Delta H, Delta G, Delta S of a reaction; with a pressure also the mixture that its left side becomes.

    Raises:
        ValueError: what is wrong with the equation or the temperatures, in a sentence.
    """
    with jax.enable_x64(True):
        made = reaction(equation, source)
        T = np.asarray(temperature, float)
        if not (np.isfinite(T) & (T > 0)).all():
            raise ValueError("Temperatures are positive, in K.")
        beyond = made.check_range(T, extrapolate)
        values = {"dH": made.enthalpy(T), "dG": made.gibbs(T), "dS": made.entropy(T), "log10_K": made.log10_K(T),
                  "dlnK_dT": made.ln_K_slope(T)}  # fmt: skip
        mixture = None
        if pressure is not None:
            pairs = zip(made.coefficients, made.species, strict=True)
            feed = {s.name: -nu for nu, s in pairs if nu < 0}
            mixture = equilibrium(made.species, feed, T=T, P=pressure, extrapolate=extrapolate)
        return Constants(made, T, {k: np.asarray(v) for k, v in values.items()}, beyond, mixture)


def mixture(
    feed: Sequence[str], source: str, problem: str = "TP", temperature: Sequence[float] = (298.15,),
    pressure: float = BAR, candidates: Sequence[str] | None = None, suspended: Sequence[str] = (),
    extrapolate: bool = False,
) -> Mixture:  # fmt: skip
    """The equilibrium of a feed given as words such as CH4:1.

    Raises:
        ValueError: what is wrong with the words, the names or the temperatures, in a sentence.
    """
    amounts = dict(_pair(word) for word in feed)
    if len(amounts) < len(feed):
        raise ValueError("A species of the feed is given twice.")
    with jax.enable_x64(True):
        if candidates is None:
            among = library.collection(source)
            known = [dict(among[n].elements) if n in among else parse_formula(n) for n in amounts]
            chosen = species_of(source, "".join(dict.fromkeys(e for atoms in known for e in atoms)))
        else:
            chosen = species_of(source, candidates)
        T = np.asarray(temperature, float)
        data = equilibrium(chosen, amounts, problem=problem, T=T, P=pressure, suspended=suspended,
                           extrapolate=extrapolate)  # fmt: skip
        return Mixture(problem, data)


def _pair(word: str) -> tuple[str, float]:
    name, _, value = word.rpartition(":")
    try:
        return (name or value), float(value) if name else 1.0
    except ValueError:
        raise ValueError(f"'{word}' is not an amount; write for example CH4:1.") from None
