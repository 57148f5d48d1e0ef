"""Kramers-Moyal moments: drift, diffusion and higher moments of the steps, given where they start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial
from typing import Literal

import numpy as np

from diffneq.inference.series import TimeSeries, time_series
from diffneq.statistics import Estimate

_FEW = 30  # steps in a cell below which its numbers are not given


@dataclass(frozen=True)
class KramersMoyal:
    """Moments in n cells of the state space.

    `centres` (n, d), the mean state in each cell; `count` (n,), steps that start there (weights, for kernels); `drift`
    D1 (n, d) and `diffusion` D2 (n, d, d) with `drift_error`, `diffusion_error`; `higher` (orders - 2, n, d) and its
    error, D_k of each variable alone; NaN in cells with fewer than 30 steps. `correction_size`: how far the correction
    for the sampling interval moved drift and diffusion, largest in units of their errors. `dt`, `warnings`.
    """

    centres: np.ndarray
    count: np.ndarray
    drift: np.ndarray
    drift_error: np.ndarray
    diffusion: np.ndarray
    diffusion_error: np.ndarray
    higher: np.ndarray
    higher_error: np.ndarray
    dt: float
    method: str
    correction_size: tuple[float, float]
    warnings: tuple[str, ...] = ()

    def estimate(self, order: int, cell: int, variable: int = 0) -> Estimate:
        """D_k of one variable in one cell; where the cell is too empty, NaN with a warning."""
        if order == 2:
            value, error = (t[cell, variable, variable] for t in (self.diffusion, self.diffusion_error))
        elif order == 1:
            value, error = self.drift[cell, variable], self.drift_error[cell, variable]
        elif 3 <= order < 3 + len(self.higher):
            value, error = (t[order - 3, cell, variable] for t in (self.higher, self.higher_error))
        else:
            raise ValueError(f"order {order} was not asked for: give orders={order} to kramers_moyal.")
        few = () if np.isfinite(value) else (f"only {self.count[cell]:.0f} steps start in this cell, less than {_FEW}",)
        error = error if np.isfinite(error) else np.inf
        return Estimate(value, error, "", f"D{order}", self.method, (*few, *self.warnings), {"dt": self.dt})


def kramers_moyal(
    data,
    dt: float | None = None,
    *,
    time=None,
    variables=None,
    bins: int | Sequence[np.ndarray] = 24,
    bandwidth: float | None = None,
    orders: int = 4,
    correction: Literal["none", "Richardson"] = "none",
    blocks: int = 32,
) -> KramersMoyal:
    """D_k(x) = <(x(t + dt) - x(t))^k | x(t) = x>/(k! dt): D_1 = a, Ito's drift, D_2 = D of dx = a dt + sqrt(2 D) dW.

    At finite dt these are D_1 = a + (dt/2)(a a' + D a'') + O(dt^2) and D_2 = D + (dt/2)(a^2 + a D' + 2 D a' + D D'')
    + O(dt^2), which drift and diffusion fitted by `fit` or `moment_matching` do not suffer from. The correction
    2 D_k(dt) - D_k(2 dt) removes the first order whatever the model, and costs precision.

    Arguments:
        data, dt, time, variables: see `time_series`; d = 1 to 3 variables.
        bins: number of bins of each variable between its 0.5 % and 99.5 % quantiles, or their edges, one array each.
        bandwidth: for one variable, a kernel estimate at the centres of the bins instead: Epanechnikov's kernel of
            this half-width [x].
        orders: highest k, 2 to 6.
        correction: "Richardson" for the sampling interval.
        blocks: pieces of the record for the errors (their number is the error's degrees of freedom plus one).

    Gaussian steps of variance 2 D dt have D_3 = 0 and D_4 = D^2 dt/2; where D_4 stays finite as dt -> 0 the process
    jumps, and is no diffusion at this dt (R. F. Pawula, Phys. Rev. 162, 186 (1967)).

    Raises:
        ValueError: for a bad record (gaps, unequal spacing, too short), more than three variables, bad options.

    Source: J. Gottschall, J. Peinke, New J. Phys. 10, 083034 (2008), for finite dt.

    >>> rng = np.random.default_rng(0)
    >>> x = np.zeros((200, 400))
    >>> for t in range(399):
    ...     x[:, t + 1] = x[:, t] - 0.05 * x[:, t] + np.sqrt(0.1) * rng.normal(size=200)
    >>> found = kramers_moyal(x, dt=0.05, bins=[np.linspace(-2, 2, 9)])
    >>> bool(np.all(np.abs(found.drift[:, 0] + found.centres[:, 0]) < 4 * found.drift_error[:, 0]))
    True
    """
    series = time_series(data, dt, time, variables)
    if series.values.shape[2] > 3 or not 2 <= orders <= 6:
        raise ValueError(f"kramers_moyal takes 1 to 3 variables and orders from 2 to 6, got {series.values.shape[2]} "
                         f"variables and orders={orders}.")  # fmt: skip
    if bandwidth is not None and (series.values.shape[2] > 1 or not bandwidth > 0):
        raise ValueError("a kernel estimate is for one variable and a positive bandwidth; take bins for several.")
    if correction not in ("none", "Richardson"):
        raise ValueError(f'correction is "none" or "Richardson", got {correction!r}.')
    edges = _edges(series.values, bins)
    one = _moments(series, 1, edges, bandwidth, orders, blocks)
    used, shift = one, np.zeros(0)
    if correction == "Richardson":
        two = _moments(series, 2, edges, bandwidth, orders, blocks)
        used = _Cells(one.centres, one.count, 2 * one.value - two.value, 2 * one.samples - two.samples)
        shift = used.value - one.value
    return _result(series, used, shift, orders, correction, bandwidth)


@dataclass(frozen=True)
class _Cells:
    """Means in the cells: centres (n, d), count (n,), value (n, m), and what each is without one block (B, n, m)."""

    centres: np.ndarray
    count: np.ndarray
    value: np.ndarray
    samples: np.ndarray


def _edges(values: np.ndarray, bins) -> list[np.ndarray]:
    d = values.shape[2]
    if np.ndim(bins) == 0:
        if not isinstance(bins, (int, np.integer)) or bins < 1:
            raise ValueError(f"bins is a number of bins, or a list of edges for each variable; got {bins!r}.")
        ends = np.quantile(values.reshape(-1, d), [0.005, 0.995], axis=0)
        return [np.linspace(low, high, int(bins) + 1) for low, high in ends.T]
    edges = [np.asarray(e, float) for e in bins]
    if len(edges) != d or any(e.ndim != 1 or len(e) < 2 or np.any(np.diff(e) <= 0) for e in edges):
        raise ValueError(f"give rising edges of the bins for each of the {d} variables, as a list of arrays.")
    return edges


def _targets(steps: np.ndarray, orders: int) -> np.ndarray:
    """(N, m): dx_i, then dx_i dx_j/2, then dx_i^k/k!."""
    columns = [steps]
    columns += [(steps[:, :, None] * steps[:, None, :] / 2).reshape(len(steps), -1)]
    columns += [steps**k / factorial(k) for k in range(3, orders + 1)]
    return np.concatenate(columns, axis=1)


def _moments(series: TimeSeries, lag: int, edges, bandwidth: float | None, orders: int, blocks: int) -> _Cells:
    pieces = series.blocks(blocks)
    d = pieces.shape[2]
    sums = []
    for piece in pieces:
        start, steps = piece[:-lag], piece[lag:] - piece[:-lag]
        extras = np.column_stack([np.ones(len(start)), start, _targets(steps, orders) / (lag * series.dt)])
        add = _in_kernels if bandwidth is not None else _in_bins
        sums.append(add(start, extras, edges, bandwidth))
    sums = np.array(sums)  # (B, n, 1 + d + m)
    total = sums.sum(0)
    mean = lambda s: s[..., 1:] / np.where(s[..., :1] > 0, s[..., :1], np.nan)
    whole = mean(total)
    return _Cells(whole[:, :d], total[:, 0], whole[:, d:], mean(total - sums)[..., d:])


def _in_bins(start: np.ndarray, columns: np.ndarray, edges, _) -> np.ndarray:
    shape = [len(e) - 1 for e in edges]
    places = [np.searchsorted(e, start[:, i], side="right") - 1 for i, e in enumerate(edges)]
    inside = np.all([(p >= 0) & (p < n) for p, n in zip(places, shape, strict=True)], axis=0)
    flat = np.ravel_multi_index([p[inside] for p in places], shape)
    cells = int(np.prod(shape))
    return np.stack([np.bincount(flat, column[inside], cells) for column in columns.T], axis=1)


def _in_kernels(start: np.ndarray, columns: np.ndarray, edges, bandwidth: float) -> np.ndarray:
    centres = (edges[0][1:] + edges[0][:-1]) / 2
    weight = np.maximum(1 - ((start[:, 0] - centres[:, None]) / bandwidth) ** 2, 0.0)
    return weight @ columns


def _result(series: TimeSeries, cells: _Cells, shift, orders: int, correction: str, bandwidth) -> KramersMoyal:
    d, n, blocks = cells.centres.shape[1], len(cells.count), len(cells.samples)
    centred = cells.samples - cells.samples.mean(0)
    error = np.sqrt((centred**2).sum(0) * (blocks - 1) / blocks)
    few = cells.count < _FEW
    value, error = (np.where(few[:, None], np.nan, part) for part in (cells.value, error))
    warnings = []
    if few.any():
        warnings.append(f"{int(few.sum())} of {n} cells have fewer than {_FEW} steps: they are left out")
    sizes = (0.0, 0.0)
    if len(shift):
        ratio = np.abs(shift) / np.where(error > 0, error, np.inf)
        sizes = (float(np.nanmax(ratio[:, :d], initial=0)), float(np.nanmax(ratio[:, d : d + d * d], initial=0)))
    ends = np.cumsum([d, d * d])
    higher = lambda part: np.moveaxis(part[:, ends[1] :].reshape(n, orders - 2, d), 1, 0)
    method = ("bins" if bandwidth is None else f"kernel of half-width {bandwidth:g}") + (
        "" if correction == "none" else ", Richardson's correction for dt")  # fmt: skip
    return KramersMoyal(
        cells.centres, cells.count, value[:, :d], error[:, :d], value[:, d : ends[1]].reshape(n, d, d),
        error[:, d : ends[1]].reshape(n, d, d), higher(value), higher(error), series.dt, method, sizes, tuple(warnings),
    )  # fmt: skip
