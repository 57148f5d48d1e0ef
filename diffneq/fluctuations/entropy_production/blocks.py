"""Records of trajectories, checked at the rim and cut into blocks of steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from diffneq.statistics import integrated_time

_UNIFORM = 1e-4  # of the interval, by which times may be off
_CORRELATION = 10.0  # correlation times in a block, below which blocks are no longer independent


@dataclass(frozen=True)
class Blocks:
    """Steps x -> x' of stationary trajectories in blocks of equal length.

    Arguments: `before`, `after` (B, n, d) [x]; `dt` [time] between them; `warnings`, why the error bars of
    blocks may be too small.
    """

    before: np.ndarray
    after: np.ndarray
    dt: float
    warnings: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return self.before.shape[0]

    @property
    def dimension(self) -> int:
        return self.before.shape[2]

    @property
    def steps(self) -> int:
        """Steps in each block."""
        return self.before.shape[1]

    def scales(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each coordinate, (d,)."""
        return self.before.mean((0, 1)), self.before.std((0, 1))


def as_trajectories(trajectories: ArrayLike, dt) -> tuple[np.ndarray, float]:
    """Float64 trajectories (R, T, d) and the interval of their records.

    Arguments: `trajectories` (R, T, d), (T, d), or (T,) for one coordinate; `dt` [time], or the times of the records
    (T,), which must be uniform.

    Raises:
        ValueError: for other shapes, NaN or infinity, times that are not uniform, and records of fewer than eight
            points.
    """
    x = np.asarray(trajectories, np.float64)
    if x.ndim not in (1, 2, 3):
        raise ValueError(f"trajectories must have shape (R, T, d), (T, d) or (T,), got {x.shape}.")
    x = x[:, None] if x.ndim == 1 else x
    x = x[None] if x.ndim == 2 else x
    if x.shape[1] < 8 or x.shape[0] < 1 or x.shape[2] < 1:
        raise ValueError(f"trajectories are too short: {x.shape[1]} records, at least eight are needed.")
    bad = np.argwhere(~np.isfinite(x).all(2))
    if len(bad):
        trajectory, record = bad[0]
        raise ValueError(
            f"trajectories hold NaN or infinity, first at record {record} of trajectory {trajectory}: "
            "cut the record at the gap, and give the pieces as trajectories of their own."
        )
    if np.any(x.std((0, 1)) == 0):
        raise ValueError("a coordinate never changes: leave it out.")
    return x, _interval(dt, x.shape[1])


def _interval(dt, records: int) -> float:
    given = np.asarray(dt, np.float64)
    if given.ndim == 1:
        steps = np.diff(given)
        if given.shape != (records,):
            raise ValueError(f"dt holds {given.size} times for {records} records.")
        if np.max(np.abs(steps - steps.mean())) > _UNIFORM * abs(steps.mean()):
            raise ValueError("the records are not uniform in time: resample them, or give the uniform pieces.")
        given = steps.mean()
    if given.ndim != 0 or not np.isfinite(given) or given <= 0:
        raise ValueError("dt must be a positive number [time], or the increasing times of the records (T,).")
    return float(given)


def cut(x: np.ndarray, dt: float, blocks: int, stride: int = 1) -> Blocks:
    """Steps over `stride` intervals, in `blocks` blocks: whole trajectories where there are enough of them.

    The last few steps or trajectories that do not fill a block are left out.
    """
    count, records, d = x.shape
    steps = records - stride
    if count >= blocks:
        each = count // blocks
        pieces = lambda y: y[: each * blocks].reshape(blocks, each * steps, d)
        return Blocks(pieces(x[:, :-stride]), pieces(x[:, stride:]), stride * dt)
    parts = -(-blocks // count)
    length = steps // parts
    if length < 8:
        raise ValueError(f"the record is too short: {count} x {records} records do not make {blocks} blocks of steps.")
    # as many blocks as asked for, however many trajectories there are: parts * count may be more
    pieces = lambda y: y[:, : length * parts].reshape(count * parts, length, d)[:blocks]
    return Blocks(pieces(x[:, :-stride]), pieces(x[:, stride:]), stride * dt, _short(x, length))


def _short(x: np.ndarray, length: int) -> tuple[str, ...]:
    slowest = max(integrated_time(x[:, :, i]).value for i in range(x.shape[2]))
    if length > _CORRELATION * slowest:
        return ()
    return (
        f"blocks of {length} records are shorter than ten correlation times of {slowest:.3g} records: "
        "the error bar may be too small",
    )
