"""The command `diffneq water`: states of water as a table or as records."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr

from diffneq.thermo.fluids.iapws95 import water
from diffneq.thermo.fluids.status import explain
from diffneq.thermo.fluids.tables import states

_SHOWN = ("T", "p", "rho", "quality", "h", "s", "u", "cp", "cv", "w")


@dataclasses.dataclass(frozen=True)
class Report:
    """States of water in the words of whoever asked."""

    data: xr.Dataset  # over the dimension "state"

    @property
    def failures(self) -> list[str]:
        """A sentence for each state that is not simply a stable one."""
        status = self.data.status.values
        return [f"state {n + 1}: {explain(int(status[n]))}" for n in np.flatnonzero(status)]

    def to_dict(self) -> dict[str, Any]:
        """For a program: SI units, per kilogram; null where a quantity has no meaning."""
        columns = {str(name): values.values.tolist() for name, values in self.data.data_vars.items()}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        units = {str(name): values.attrs["units"] for name, values in self.data.data_vars.items() if name != "status"}
        results = [row | {"meaning": explain(int(row["status"]))} for row in rows]
        return {"fluid": "water", "source": self.data.attrs["source"], "units": units, "results": results}

    def table(self) -> str:
        """For a reader."""
        head = [f"{name} [{self.data[name].attrs['units']}]" for name in _SHOWN]
        width = [max(13, len(text) + 2) for text in head]
        lines = [f"water, {self.data.attrs['source']}", "".join(t.rjust(w) for t, w in zip(head, width, strict=True))]
        for n in range(self.data.sizes["state"]):
            here = self.data.isel(state=n)
            cells = [_cell(float(here[name])) for name in _SHOWN]
            meaning = explain(int(here.status)) if int(here.status) else _phase(here)
            lines.append("".join(c.rjust(w) for c, w in zip(cells, width, strict=True)) + f"  {meaning}")
        return "\n".join(lines)


def _cell(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.7g}"


def _phase(here: xr.Dataset) -> str:
    x = float(here.quality)
    if not np.isnan(x):
        return {0.0: "saturated liquid", 1.0: "saturated vapour"}.get(x, "liquid and vapour")
    if float(here["T"]) >= 647.096:
        return "supercritical" if float(here["p"]) >= 22.064e6 else "gas"
    return "liquid" if float(here["rho"]) > 322.0 else "vapour"


def run(
    given: Mapping[str, Sequence[float]],
    saturation: Sequence[float] | None = None,
    phase: str | None = None,
    homogeneous: bool = False,
    extrapolate: bool = False,
) -> Report:
    """States of water from a pair of quantities, or liquid and vapour along the saturation line.

    Args:
        given: quantity -> values; lists of one length, or one value that goes with all of a list.
        saturation: temperatures, K, instead.
        phase, homogeneous, extrapolate: as of `states`.

    Raises:
        ValueError: what is wrong with the quantities, in a sentence.
    """
    if (saturation is None) == (not given):
        raise ValueError("Give either --saturation T or a pair of quantities, for example --T 300 --p 1e5.")
    asked: dict[str, Any] = dict(given)
    if saturation is not None:
        asked = {"T": np.repeat(saturation, 2), "quality": np.tile([0.0, 1.0], len(saturation))}
    lengths = {name: len(values) for name, values in asked.items()}
    longest = max(lengths.values())
    if set(lengths.values()) - {1, longest}:
        listed = ", ".join(f"{n} of {name}" for name, n in lengths.items())
        raise ValueError(f"Lists go together and must be of one length; got {listed}.")
    columns: dict[str, Any] = {
        name: np.broadcast_to(np.asarray(values, float), (longest,)) for name, values in asked.items()
    }
    with jax.enable_x64(True):
        return Report(states(water(), **columns, phase=phase, homogeneous=homogeneous, extrapolate=extrapolate))
