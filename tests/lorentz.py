"""A particle of speed 1 among fixed discs, driven by a field and thermostatted: x' = cos a, y' = sin a, a' = -E sin a.

Deterministic and reversible, without a heat bath. From uniform states the dissipation function of Evans and Searles is
E (x(t) - x(0)): the flow contracts at the rate E cos a.
"""

import numpy as np

SPACING = np.sqrt(5.0)  # of a triangular lattice of discs of radius 1, rows along x


def nearest(x, y):
    """Vector from the centre of the nearest disc, and its length."""
    found = []
    for shift in (0.0, 0.5):
        row = SPACING * np.sqrt(3)
        dx = x - SPACING * (np.round(x / SPACING - shift) + shift)
        dy = y - row * (np.round(y / row - shift) + shift)
        found.append((dx, dy, np.hypot(dx, dy)))
    closer = found[0][2] < found[1][2]
    return tuple(np.where(closer, a, b) for a, b in zip(*found, strict=True))


def fly(x, y, a, time, field):
    """The flow between collisions, in closed form; `a` within -pi .. pi."""
    c, s, shrink = np.cos(a / 2), np.sin(a / 2), np.exp(-field * time)
    turned = 2 * np.arctan2(s * shrink, c)
    return x + time + np.log(c**2 + (s * shrink) ** 2) / field, y - (turned - a) / field, turned


def reflect(x, y, a):
    dx, dy, _ = nearest(x, y)
    normal = np.arctan2(dy, dx)
    back = 2 * normal + np.pi - a
    return np.angle(np.exp(1j * back))


def dissipation(rng, runs: int, time: float, field: float, dt: float = 0.02) -> np.ndarray:
    """Omega (runs,) of uniform starts outside the discs; a disc is seen to be entered at steps of dt, then bisected."""
    x, y = rng.uniform(0, SPACING, 4 * runs), rng.uniform(0, SPACING * np.sqrt(3), 4 * runs)
    out = np.flatnonzero(nearest(x, y)[2] > 1)[:runs]
    x, y, a = x[out], y[out], rng.uniform(-np.pi, np.pi, len(out))
    start = x
    for _ in range(round(time / dt)):
        x, y, a = advance(x, y, a, np.full(len(x), dt), field)
    return field * (x - start)


def advance(x, y, a, left, field):
    """All particles by their time `left`, with whatever collisions come."""
    x1, y1, a1 = fly(x, y, a, left, field)
    hit = np.flatnonzero(nearest(x1, y1)[2] < 1)
    if len(hit):
        low, high = np.zeros(len(hit)), left[hit]
        for _ in range(45):
            middle = (low + high) / 2
            inside = nearest(*fly(x[hit], y[hit], a[hit], middle, field)[:2])[2] < 1
            low, high = np.where(inside, low, middle), np.where(inside, middle, high)
        at = fly(x[hit], y[hit], a[hit], low, field)
        rest = left[hit] - low
        x1[hit], y1[hit], a1[hit] = advance(at[0], at[1], reflect(*at), rest, field)
    return x1, y1, a1
