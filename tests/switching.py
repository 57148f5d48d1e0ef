"""Switched harmonic traps whose laws are known, for tests: every step is exact, whatever its length.

gamma = k_B T = 1. The trap jumps (work), then x relaxes by the exact transition density of the trap as it is: detailed
balance holds in each step, and so do the work theorems, to all digits.
"""

from itertools import pairwise

import numpy as np


def breathing(rng, runs: int, stiffness, dt: float) -> np.ndarray:
    """(runs, K): work of the jumps k_0 -> k_1 -> .. -> k_K, time dt in each k_1 .. k_K, start in equilibrium at k_0."""
    x = rng.normal(0, stiffness[0] ** -0.5, runs)
    work = np.empty((runs, len(stiffness) - 1))
    for step, (before, after) in enumerate(pairwise(stiffness)):
        work[:, step] = (after - before) * x**2 / 2
        keep = np.exp(-after * dt)
        x = keep * x + rng.normal(0, ((1 - keep**2) / after) ** 0.5, runs)
    return work


def there_and_back(rng, runs: int, stiffness, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """Stepwise works of the forward protocol and of its reverse, (runs, K) each.

    Forward: jump, then time dt in k_1, .., k_(K-1), where a last rest at k_K changes no work; the reverse passes the
    same stiffnesses with the same rests.
    """
    return breathing(rng, runs, stiffness, dt), breathing(rng, runs, stiffness[::-1], dt)


def dragged(rng, runs: int, velocity, dt: float, start: str = "equilibrium") -> dict[str, np.ndarray]:
    """The trap (x - l)^2/2: each step dt/2 at rest, a jump of velocity(t_n) dt, dt/2 at rest; symmetric in time.

    `work`, `heat` taken from the bath, (runs, steps), `offset` y = x - l, (runs, steps + 1). Start "equilibrium" or
    "steady", the periodic state of this very map: a Gaussian of variance 1, whose mean is `mean`.
    """
    moves = np.asarray(velocity, float) * dt
    keep, mean = np.exp(-dt / 2), 0.0
    if start == "steady":  # the mean is a linear map, with factor keep^2 each step
        for move in moves:
            mean = keep * (keep * mean - move)
        mean /= 1 - keep ** (2 * len(moves))
    y = mean + rng.normal(size=runs)
    record = {name: np.empty((runs, len(moves))) for name in ("work", "heat")}
    record |= {"offset": np.empty((runs, len(moves) + 1)), "mean": np.float64(mean)}
    record["offset"][:, 0] = y
    spread = np.sqrt(1 - keep**2)
    for step, move in enumerate(moves):
        before = keep * y + spread * rng.normal(size=runs)
        moved = before - move
        after = keep * moved + spread * rng.normal(size=runs)
        record["work"][:, step] = (moved**2 - before**2) / 2
        record["heat"][:, step] = (before**2 - y**2 + after**2 - moved**2) / 2
        record["offset"][:, step + 1] = y = after
    return record


def jumps(rng, runs: int, rates, dt: float, records: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A Markov network from its stationary state, every jump exact in time.

    `rates` (n, n), k_ij of i -> j. Returns entropy produced in each of `records` times dt (runs, records), the number
    of jumps 0 -> 1 less those 1 -> 0 in all (runs,), and the first and the last state (runs,).
    """
    rates = np.asarray(rates, float)
    rates = rates - np.diag(np.diag(rates))
    out = rates.sum(1)
    values, vectors = np.linalg.eig((rates - np.diag(out)).T)
    stationary = np.real(vectors[:, np.argmax(values.real)])
    stationary = stationary / stationary.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        produced = np.where(rates > 0, np.log(rates / rates.T), 0.0)
    state = first = rng.choice(len(rates), runs, p=stationary)
    entropy, current, time = np.zeros((runs, records)), np.zeros(runs), np.zeros(runs)
    reach, alive = np.cumsum(rates, 1), np.ones(runs, bool)
    while alive.any():
        time = time + rng.exponential(size=runs) / out[state]
        alive = time < records * dt
        after = (reach[state] < (rng.uniform(size=runs) * out[state])[:, None]).sum(1)
        where = np.flatnonzero(alive)
        entropy[where, (time[where] / dt).astype(int)] += produced[state[where], after[where]]
        current += alive * ((state == 0) & (after == 1)) - 1.0 * alive * ((state == 1) & (after == 0))
        state = np.where(alive, after, state)
    return entropy, current, first, state
