"""Pictures of a solidification: liquid left and phases formed over temperature, and how the solute is spread."""

from typing import TYPE_CHECKING, Any

import numpy as np

from diffneq.plotting.style import COLOURS, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def solidification_figure(path: Any, lever: Any | None = None) -> "Figure":
    """Fraction of liquid and of every solid against T, and the solid that forms at each stage.

    Arguments:
        path: dataset of `solidification.scheil` (or `lever`).
        lever: that of `solidification.lever` for the same alloy, drawn as a comparison.

    >>> import xarray as xr
    >>> data = xr.Dataset(
    ...     {"T": ("step", [900.0, 800.0]), "fraction_liquid": ("step", [1.0, 0.0]),
    ...      "amount": (("step", "phase"), [[0.0], [1.0]]), "forming": (("step", "vertex"), [[""], ["FCC_A1"]]),
    ...      "x_forming": (("step", "vertex", "element"), [[[np.nan] * 2], [[0.9, 0.1]]])},
    ...     coords={"phase": ["FCC_A1"], "element": ["AL", "ZN"]}, attrs={"model": "Scheil-Gulliver"})
    >>> len(solidification_figure(data).axes)
    2
    """
    with style():
        figure = new_figure(9.6, 4.2)
        left, right = figure.subplots(1, 2)
        T = np.asarray(path["T"])
        left.plot(T, path.fraction_liquid, color=COLOURS["black"], label=f"liquid, {path.attrs['model']}")
        if lever is not None:
            label = f"liquid, {lever.attrs['model']}"
            left.plot(lever["T"], lever.fraction_liquid, color=COLOURS["black"], linestyle="--", label=label)
        hues = [colour for name, colour in COLOURS.items() if name != "black"]
        shades = {str(phase): hues[k % len(hues)] for k, phase in enumerate(path.phase.values)}
        for phase, colour in shades.items():
            left.plot(T, path.amount.sel(phase=phase), color=colour, label=phase)
        left.set(xlabel="temperature  [K]", ylabel="moles of atoms of one mole", ylim=(-0.02, 1.02))
        left.legend()
        _profile(right, path, shades)
    return figure


def _profile(axes: Any, path: Any, shades: dict[str, str]) -> None:
    """Composition of the solid that forms against the fraction that is solid already."""
    solid = 1.0 - np.asarray(path.fraction_liquid)
    for e, element in enumerate(path.element.values[1:], start=1):
        for phase, colour in shades.items():
            x = np.where(path.forming.values == phase, path.x_forming.values[..., e], np.nan)
            known = np.isfinite(x)
            if not known.any():
                continue
            shown = np.where(known, x, 0.0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)
            line = ("-", "--", ":", "-.")[(e - 1) % 4]
            axes.plot(solid, shown, color=colour, linestyle=line, marker="." if len(solid) < 60 else "",
                      label=f"{element} in {phase}")  # fmt: skip
    axes.set(xlabel="fraction solid", ylabel="mole fraction in the solid that forms", xlim=(0.0, 1.0))
    if axes.lines:
        axes.legend()
