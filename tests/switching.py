"""Switched harmonic traps whose laws are known, for tests: every step is exact, whatever its length.

gamma = k_B T = 1. The trap jumps (work), then x relaxes by the exact transition density of the trap as it is: detailed
balance holds in each step, and so do the work theorems, to all digits.
"""

import numpy as np


def breathing(rng, runs: int, stiffness, dt: float) -> np.ndarray:
    """(runs, K): work of the jumps k_0 -> k_1 -> .. -> k_K, time dt in each k_1 .. k_K, start in equilibrium at k_0."""
    x = rng.normal(0, stiffness[0] ** -0.5, runs)
    work = np.empty((runs, len(stiffness) - 1))
    for step, (before, after) in enumerate(zip(stiffness, stiffness[1:], strict=False)):
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
    """The trap (x - l)^2/2 at velocity(t_n), moved at once by v_n dt and then at rest for dt, (runs, steps) each.

    `work`, `heat` taken from the bath and `offset` y = x - l, (runs, steps + 1). Start "equilibrium" or "steady", the
    periodic or steady state of this very map (found by iterating its mean; its variance is 1 in either).
    """
    moves = np.asarray(velocity, float) * dt
    keep = np.exp(-dt)
    mean = 0.0
    if start == "steady":
        for _ in range(int(40 / (len(moves) * dt)) + 1):
            for move in moves:
                mean = keep * (mean - move)
    y = mean + rng.normal(size=runs)
    record = {name: np.empty((runs, len(moves))) for name in ("work", "heat")} | {"offset": np.empty((runs, len(moves) + 1))}
    record["offset"][:, 0] = y
    for step, move in enumerate(moves):
        moved = y - move
        record["work"][:, step] = (moved**2 - y**2) / 2
        y = keep * moved + np.sqrt(1 - keep**2) * rng.normal(size=runs)
        record["heat"][:, step] = (y**2 - moved**2) / 2
        record["offset"][:, step + 1] = y
    return record
