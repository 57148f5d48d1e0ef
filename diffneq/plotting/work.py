"""Work: protocols before and after their optimisation, and distributions of work."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .style import COLOURS, columns, new_figure, short, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def optimised_protocol(
    time: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    work_before: ArrayLike,
    work_after: ArrayLike,
    *,
    exact: ArrayLike | None = None,
    parameter: str = "parameter",
    free_energy: float | None = None,
) -> "Figure":
    """lambda(t) of two protocols, jumps and all, and the histograms of their work with means and standard errors.

    Arguments: `time` (k,) [t] with `before`, `after` and perhaps `exact` (k,), values of the parameter then; repeat a
    time where a jump is to be upright. `work_before` (n,), `work_after` (m,) [energy]; `parameter`, its name;
    `free_energy`, a difference to be marked. Raises ValueError for arrays of unlike length.

    >>> figure = optimised_protocol([0, 1], [0, 1], [0.2, 0.8], [0.1, 0.5, 0.3], [0.2, 0.2, 0.1])
    >>> len(figure.axes)
    2
    """
    time, before, after, exact = columns("optimised_protocol", time=time, before=before, after=after, exact=exact)
    works = {"before": np.asarray(work_before, float), "after": np.asarray(work_after, float)}
    with style():
        figure = new_figure(9.0, 3.8)
        left, right = figure.subplots(1, 2)
        left.plot(time, before, color=COLOURS["grey"], label="before")
        left.plot(time, after, color=COLOURS["vermilion"], label="after")
        if not np.all(np.isnan(exact)):
            left.plot(time, exact, color=COLOURS["black"], linewidth=1.0, linestyle=(0, (4, 3)), label="exact")
        left.set(xlabel="time  $t$", ylabel=parameter)
        left.legend()
        edges = np.histogram_bin_edges(np.concatenate(list(works.values())), 60)
        for (label, values), colour in zip(works.items(), ("grey", "vermilion"), strict=True):
            mean, error = values.mean(), values.std(ddof=1) / np.sqrt(values.size)
            text = f"{label}: {short(mean, error)}"
            right.hist(values, edges, density=True, histtype="step", color=COLOURS[colour], linewidth=1.4, label=text)
            right.axvline(mean, color=COLOURS[colour], linewidth=0.9)
        if free_energy is not None:
            right.axvline(free_energy, color=COLOURS["black"], linewidth=0.9, linestyle=":", label="$\\Delta F$")
        right.set(xlabel="work  $W$  [$k_BT$]", ylabel="$P(W)$")
        right.legend(fontsize=9)
    return figure
