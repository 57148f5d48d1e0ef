"""Cumulants of a displacement, measured: rates that no start and no memory of the velocity can bend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from diffneq.inference.series import TimeSeries, time_series
from diffneq.statistics import Estimate

_NAMES = ("mean velocity", "diffusion rate", "third cumulant rate", "fourth cumulant rate")


@dataclass(frozen=True)
class LongTime:
    """Measured long-time properties: `values` (n,), `covariance` (n, n) by blocks, and what they are.

    `targets`: the orders of cumulant rates lim kappa_n[X_t]/t, then "variance" where the variance of the velocity is
    among them; `fields` s, for values theta(s) instead. `window` [t], `dof` of the covariance, `warnings`.
    """

    values: np.ndarray
    covariance: np.ndarray
    targets: tuple[int | str, ...]
    window: float
    dof: float
    units: tuple[str, ...]
    fields: tuple[float, ...] = ()
    warnings: tuple[str, ...] = ()
    unconverged: dict = field(default_factory=dict)

    def __getitem__(self, target: int | str) -> Estimate:
        """One of the values, by its order or "variance"."""
        if target not in self.targets:
            raise ValueError(f"{target!r} was not measured: there are {', '.join(map(str, self.targets))}.")
        i = self.targets.index(target)
        name = _NAMES[target - 1] if isinstance(target, int) and target <= 4 else str(target)
        error = float(np.sqrt(self.covariance[i, i]))
        mine = tuple(text for text in self.warnings if text.startswith(f"{target}:") or ":" not in text)
        return Estimate(self.values[i], error, self.units[i], name, "difference of two windows, jackknife", mine,
                        {"dof": self.dof, "window": self.window})  # fmt: skip


def displacement_cumulants(
    displacement,
    dt: float | None = None,
    *,
    velocity=None,
    time=None,
    orders: int = 3,
    window: float | None = None,
    blocks: int = 64,
    unit: str = "x",
) -> LongTime:
    """lim kappa_n[X_t]/t = (kappa_n[X_2w] - kappa_n[X_w])/w, n = 1 .. orders, and the variance of V where V is known.

    A cumulant of the displacement grows as r_n t + c_n once V is forgotten; the difference of two windows leaves r_n.
    Where V is recorded too, X + c (V - V_0) takes the place of X, with c = kappa_2/(2 Var V): a term that stays bounded
    changes no rate, and this one removes most of c_n, so that windows of five relaxation times do. (Errors of kappa_3
    grow as the window.) The covariance is a jackknife over blocks of the record.

    Arguments:
        displacement: X (T,) or (R, T), unwrapped; any record `time_series` takes, of one variable. None: V is
            integrated by the trapezoidal rule, right to O((dt/relaxation time)^2).
        velocity: V at the same times, or None.
        dt, time: see `time_series`.
        orders: 1 to 4.
        window: w [t]; default five relaxation times of V, c above; without V it must be given, eight of them or more.
        blocks: number of pieces for the jackknife.
        unit: of X.

    Warnings: a rate that differs between (w, 2w) and (2w, 4w) by more than four errors has not reached the long time.

    Raises:
        ValueError: for a bad record, no window and no velocity, and a record shorter than `blocks` windows of 4 w.

    >>> steps = np.random.default_rng(0).normal(0.1, 1.0, size=(64, 2000))
    >>> walk = displacement_cumulants(np.cumsum(steps, axis=1), dt=1.0, window=4.0)
    >>> abs(walk[1].z_score(0.1)) < 4, abs(walk[2].z_score(1.0)) < 4
    (True, True)
    """
    y, speed, step, relaxation = _corrected(displacement, velocity, dt, time)
    if not 1 <= orders <= 4:
        raise ValueError(f"orders goes from 1 to 4, got {orders}.")
    w = _window(window, relaxation, step)
    first, second, fourth = (_sums(y, k * w, 4, blocks, w) for k in (1, 2, 4))
    length = w * step
    rates = lambda low, high, span: (_cumulants(high, orders) - _cumulants(low, orders)) / span
    values, samples = _jackknife(lambda keep: rates(first[keep].sum(0), second[keep].sum(0), length), len(first))
    _, later = _jackknife(lambda keep: rates(second[keep].sum(0), fourth[keep].sum(0), 2 * length), len(first))
    targets: tuple[int | str, ...] = tuple(range(1, orders + 1))
    units = tuple(f"{unit}^{n}/t" if n > 1 else f"{unit}/t" for n in range(1, orders + 1))
    warnings, off = _not_yet(samples, later)
    if speed is not None:
        sums = _power_sums(speed, blocks)
        spread, more = _jackknife(lambda keep: _cumulants(sums[keep].sum(0), 2)[1:], len(sums))
        values, samples = np.append(values, spread), np.column_stack([samples, more])
        targets, units = (*targets, "variance"), (*units, f"{unit}^2/t^2")
    return LongTime(values, _covariance(samples), targets, length, len(samples) - 1.0, units, (), warnings, off)


def measured_generating_function(
    displacement, fields, dt: float | None = None, *, velocity=None, time=None, window: float | None = None,
    blocks: int = 64, unit: str = "x",
) -> LongTime:  # fmt: skip
    """theta(s) = ln[<exp(s X_2w)>/<exp(s X_w)>]/w for each s in `fields`; arguments as `displacement_cumulants`.

    Warns where one block in ten carries more than half of an average: the record is too short for that s.

    >>> steps = np.random.default_rng(0).normal(0.0, 1.0, size=(64, 2000))
    >>> found = measured_generating_function(np.cumsum(steps, axis=1), (0.5,), dt=1.0, window=2.0)
    >>> bool(abs(found.values[0] - 0.125) < 4 * found.covariance[0, 0] ** 0.5)
    True
    """
    y, _, step, relaxation = _corrected(displacement, velocity, dt, time)
    s = np.atleast_1d(np.asarray(fields, float))
    w = _window(window, relaxation, step)
    mean = (y[:, -1] - y[:, 0]).mean() / (y.shape[1] - 1)  # exponents without the drift stay small
    sums = []
    for k in (1, 2):
        moved = _increments(y, k * w, blocks, w) - mean * k * w
        sums.append(np.exp(s * moved[..., None]).sum(1))
    one, two = sums
    value = lambda keep: np.log(two[keep].sum(0) / one[keep].sum(0)) / (w * step) + s * mean / step
    values, samples = _jackknife(value, len(one))
    counts = [_increments(y, k * w, blocks, w).shape[1] for k in (1, 2)]
    values, samples = (v + np.log(counts[0] / counts[1]) / (w * step) for v in (values, samples))
    heavy = np.sort(two / two.sum(0), axis=0)[-max(1, len(two) // 10) :].sum(0) > 0.5
    warnings = tuple(f"s = {x:g}: a tenth of the blocks carries the average" for x in s[heavy])
    units = ("1/t",) * len(s)
    return LongTime(values, _covariance(samples), tuple(f"theta({x:g})" for x in s), w * step, len(samples) - 1.0,
                    units, tuple(map(float, s)), warnings)  # fmt: skip


def _corrected(displacement, velocity, dt, time):
    """X + c (V - V_0), V or None, the time step, the relaxation time c or None."""
    if displacement is None and velocity is None:
        raise ValueError("a record of the displacement or of the velocity is needed.")
    speed = None if velocity is None else time_series(velocity, dt, time)
    if displacement is None:
        series: TimeSeries = speed  # type: ignore[assignment]
        v = series.scalar
        x = np.concatenate([np.zeros((len(v), 1)), np.cumsum((v[:, 1:] + v[:, :-1]) / 2, axis=1)], axis=1) * series.dt
    else:
        series = time_series(displacement, dt, time)
        x = series.scalar
    if speed is None:
        return x, None, series.dt, None
    v = speed.scalar
    if v.shape != x.shape:
        raise ValueError(f"displacement {x.shape} and velocity {v.shape} must be recorded at the same times.")
    c = _relaxation(x, v, series.dt)
    return x + c * v, v, series.dt, c


def _relaxation(x: np.ndarray, v: np.ndarray, dt: float) -> float:
    """c = kappa_2/(2 Var V), from windows long enough that a longer one hardly changes it."""
    variance, last, w = float(np.var(v)), 0.0, 2
    while w < x.shape[1] // 4:
        moved = x[:, w::w] - x[:, :-w:w]
        c = float(np.var(moved)) / (2 * variance * w * dt)
        if w * dt > 12 * c:
            return c
        last, w = c, 2 * w
    raise ValueError(f"the record of {x.shape[1] * dt:.4g} is too short for its relaxation time, {last:.3g} or more: "
                     f"record longer, or give the window.")  # fmt: skip


def _window(window: float | None, relaxation: float | None, dt: float) -> int:
    if window is None and relaxation is None:
        raise ValueError("give window=..., eight relaxation times of the velocity or more, or the velocity itself.")
    length = 5 * relaxation if window is None else float(window)  # type: ignore[operator]
    return max(1, round(length / dt))


def _increments(y: np.ndarray, lag: int, blocks: int, w: int) -> np.ndarray:
    """(B, n): displacements over `lag` records within each block, a quarter of w apart."""
    each = max(1, -(-blocks // len(y)))
    size = (y.shape[1] - 1) // each
    if size < 4 * w or len(y) * each < 8:
        raise ValueError(f"the record is too short: each of {len(y) * each} blocks has {size} records, four windows "
                         f"are {4 * w}. Record longer, or take fewer blocks or a shorter window.")  # fmt: skip
    origins = np.arange(0, size - 4 * w + 1, max(1, w // 4))
    starts = np.arange(each)[:, None] * size + origins
    moved = y[:, starts + lag] - y[:, starts]
    moved = moved.reshape(-1, len(origins))
    groups = len(moved) // (len(moved) // blocks or 1)
    keep = len(moved) // groups * groups
    return moved[:keep].reshape(groups, -1)


def _sums(y: np.ndarray, lag: int, orders: int, blocks: int, w: int) -> np.ndarray:
    """(B, 2 + orders): number, reference, and sums of powers of the increments from the reference."""
    return _powers(_increments(y, lag, blocks, w), orders)


def _power_sums(v: np.ndarray, blocks: int) -> np.ndarray:
    each = max(1, -(-blocks // len(v)))
    size = v.shape[1] // each
    pieces = v[:, : each * size].reshape(-1, size)
    groups = len(pieces) // (len(pieces) // blocks or 1)
    return _powers(pieces[: len(pieces) // groups * groups].reshape(groups, -1), 2)


def _powers(samples: np.ndarray, orders: int) -> np.ndarray:
    reference = samples.mean()
    centred = samples - reference
    total = [np.full(len(samples), samples.shape[1], float), np.full(len(samples), samples.shape[1] * reference)]
    power = np.ones_like(centred)
    for _ in range(orders):
        power = power * centred
        total.append(power.sum(1))
    return np.stack(total, axis=1)


def _cumulants(sums: np.ndarray, orders: int) -> np.ndarray:
    """kappa_1 .. kappa_orders from number, reference and power sums."""
    count, reference = sums[0], sums[1] / sums[0]
    m = sums[2:] / count
    shift = m[0]
    second = m[1] - shift**2
    out = [reference + shift, second]
    if orders > 2:
        third = m[2] - 3 * shift * m[1] + 2 * shift**3
        fourth = m[3] - 4 * shift * m[2] + 6 * shift**2 * m[1] - 3 * shift**4 - 3 * second**2
        out += [third, fourth]
    return np.array(out[:orders])


def _jackknife(value: Callable, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The value of all blocks, and what it is without each of them (B, n)."""
    every = np.arange(count)
    return value(every), np.array([value(np.delete(every, b)) for b in every])


def _covariance(samples: np.ndarray) -> np.ndarray:
    centred = samples - samples.mean(0)
    return centred.T @ centred * (len(samples) - 1) / len(samples)


def _not_yet(early: np.ndarray, late: np.ndarray) -> tuple[tuple[str, ...], dict]:
    """Orders whose rate still changes when the window doubles."""
    change = (late - early).mean(0)
    error = np.sqrt(np.diag(_covariance(late - early)))
    z = np.where(error > 0, change / np.where(error > 0, error, 1.0), 0.0)
    warnings = tuple(
        f"{n}: the rate changes by {c:.3g} when the window doubles: take a longer window"
        for n, (c, score) in enumerate(zip(change, z, strict=True), start=1)
        if abs(score) > 4
    )
    return warnings, {"change": change, "error": error}
