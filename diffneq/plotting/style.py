"""The one style of all pictures and their small tools. Matplotlib is imported when a picture is made."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from diffneq.statistics.estimate import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# M. Okabe and K. Ito's palette, told apart by readers with any kind of colour vision
COLOURS = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "purple": "#CC79A7",
    "black": "#1A1A1A",
    "grey": "#8C8C8C",
}

_RC: Any = {
    "figure.dpi": 200.0,
    "font.size": 11.0,
    "axes.labelsize": 12.0,
    "axes.titlesize": 12.0,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "legend.frameon": False,
    "legend.fontsize": 10.0,
    "legend.handlelength": 1.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
    "errorbar.capsize": 2.0,
    "mathtext.fontset": "dejavusans",
}


@contextmanager
def style() -> Iterator[None]:
    """Within `with style():` new figures look like this package's; matplotlib's settings come back after.

    >>> import matplotlib
    >>> with style():
    ...     inside = matplotlib.rcParams["axes.spines.top"]
    >>> inside, matplotlib.rcParams["axes.spines.top"]
    (False, True)
    """
    import matplotlib

    with matplotlib.rc_context(_RC):
        yield


def new_figure(width: float = 6.4, height: float = 4.4) -> "Figure":
    """An empty figure that belongs to no window; sizes in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def stacked_axes(figure: "Figure", ratio: float = 2.6) -> tuple["Axes", "Axes"]:
    """A large panel over a small one, with one horizontal axis."""
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [ratio, 1.0]})
    return upper, lower


def columns(owner: str, **named: Any) -> list[np.ndarray]:
    """The arguments as float64 arrays (n,) of one length n >= 1, None as n NaNs; else ValueError."""
    arrays = {name: np.asarray(value, np.float64) for name, value in named.items() if value is not None}
    shapes = {name: array.shape for name, array in arrays.items()}
    if any(len(shape) != 1 for shape in shapes.values()) or len(set(shapes.values())) != 1:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"{owner}: the arrays must be one-dimensional and of one length, got {listed}.")
    length = next(iter(shapes.values()))[0]
    if length == 0:
        raise ValueError(f"{owner}: there is nothing to draw, the arrays are empty.")
    return [arrays.get(name, np.full(length, np.nan)) for name in named]


def number(value: Any) -> tuple[float, float]:
    """(value, error) of an Estimate, of a pair, or of a plain number, whose error is zero."""
    if hasattr(value, "value") and hasattr(value, "error"):
        return float(value.value), float(value.error)
    if np.ndim(value) == 0:
        return float(value), 0.0
    best, error = value
    return float(best), float(error)


def short(value: float, error: float) -> str:
    """0.1223(61), as an Estimate prints; the plain number where there is no error; with a true minus sign.

    >>> short(0.12234, 0.0061), short(12.0, 0.0)
    ('0.1223(61)', '12')
    """
    known = np.isfinite(error) and error > 0
    return (str(Estimate(value, error)) if known else f"{value:.4g}").replace("-", "\u2212")


def label(text: str, name: str, units: Mapping[str, str] | None) -> str:
    """An axis label with its unit, if it has one."""
    unit = (units or {}).get(name, "")
    return f"{text}  [{unit}]" if unit else text


def points(axes: "Axes", x: Any, y: Any, error: Any, colour: str, marker: str = "o", **more: Any) -> None:
    """Measured points: hollow markers with error bars of one standard error (none where the error is NaN)."""
    known = None if np.all(np.isnan(error)) else error
    look: Any = {"markerfacecolor": "white", "markeredgewidth": 1.3, "elinewidth": 1.1, "zorder": 3}
    axes.errorbar(x, y, yerr=known, fmt=marker, color=COLOURS[colour], **{**look, **more})
