"""Tie-lines of a two-phase field of a ternary section, in order from one end of the field to the other."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

_NEAR = 0.02  # neighbours are closer than this, in the mole fractions of their ends
_SAME = 0.004
_FAR = 0.35  # tie-lines further apart are never taken for neighbours


class Chord(NamedTuple):
    """A tie-line: its two phases, each (phase, x, y), and x (2, 3)."""

    phases: tuple[int, int]
    x: np.ndarray
    ends: tuple

    @classmethod
    def of(cls, a: tuple, b: tuple) -> "Chord":
        """From two phases in equilibrium."""
        return cls((a[0], b[0]), np.stack([a[1], b[1]]), (a, b))

    def turned(self) -> "Chord":
        """The other way round."""
        return Chord(self.phases[::-1], self.x[::-1], self.ends[::-1])


def apart(a: Chord, b: Chord) -> float:
    """Largest difference of the mole fractions of the ends."""
    return float(np.abs(a.x - b.x).max())


def _facing(a: Chord, b: Chord) -> Chord:
    """`b` turned, if both ends are of one phase, so that its ends are near those of `a`."""
    return min((b, b.turned()), key=lambda c: apart(a, c)) if b.phases[0] == b.phases[1] else b


def chained(chords: Sequence[Chord]) -> list[list[Chord]]:
    """Families: tie-lines of the same phases, each next to its nearest neighbours."""
    families = []
    for phases in sorted({c.phases for c in chords}):
        pool = _thinned([c for c in chords if c.phases == phases])
        while pool:
            family = [pool.pop(0)]
            for _ in range(2):  # forwards, then from the other end
                _grow(family, pool)
                family.reverse()
            families.append(family)
    return families


def _grow(family: list[Chord], pool: list[Chord]) -> None:
    while pool:
        last = family[-1]
        facing = [_facing(last, c) for c in pool]
        k = int(np.argmin([apart(last, c) for c in facing]))
        # What is nearer to a tie-line that the family has already lies on its other side.
        if apart(last, facing[k]) > _FAR or any(
            apart(c, _facing(c, pool[k])) < 0.7 * apart(last, facing[k]) for c in family[:-1]
        ):
            return
        family.append(facing[k])
        pool.pop(k)


def _thinned(chords: Sequence[Chord]) -> list[Chord]:
    kept: list[Chord] = []
    for c in chords:
        if all(apart(k, _facing(k, c)) > _SAME for k in kept):
            kept.append(c)
    return kept


def filled(families: list[list[Chord]], solve: Callable) -> list[list[Chord]]:
    """One more tie-line between neighbours that lie apart; a family ends where there is no tie-line between."""
    gaps = [(f, k) for f, family in enumerate(families) for k in range(len(family) - 1)
            if apart(family[k], family[k + 1]) > _NEAR]  # fmt: skip
    if not gaps:
        return families
    middles = np.array([0.25 * (families[f][k].x + families[f][k + 1].x).sum(axis=0) for f, k in gaps])
    between = dict(zip(gaps, solve(middles), strict=True))
    out = []
    for f, family in enumerate(families):
        current = [family[0]]
        for k, following in enumerate(family[1:]):
            if (f, k) in between:
                new = _like(family[k], between[f, k])
                if new is None and apart(family[k], following) > 3 * _NEAR:
                    out.append(current)
                    current = []
                elif new is not None:
                    current.append(new)
            current.append(following)
        out.append(current)
    return out


def _like(chord: Chord, points: Sequence[tuple]) -> Chord | None:
    if len(points) != 2 or (points[0][0], points[1][0]) not in (chord.phases, chord.phases[::-1]):
        return None
    new = Chord.of(*points)
    return _facing(chord, new if new.phases == chord.phases else new.turned())


def closed(families: list[list[Chord]], solve: Callable, rounds: int = 14) -> list[list[Chord]]:
    """Fields of one phase on both sides, followed to their critical points while the tie-lines can be told apart."""
    step = dict.fromkeys([(f, end) for f, family in enumerate(families) for end in (0, -1)
                          if family[0].phases[0] == family[0].phases[1] and len(family) > 1], 1.0)  # fmt: skip
    for _ in range(rounds):
        alive = [key for key, size in step.items() if size > 0.05]
        if not alive:
            break
        places = []
        for f, end in alive:
            last, before = (families[f][end], families[f][1 if end == 0 else -2])
            places.append(last.x.mean(axis=0) + step[f, end] * (last.x - before.x).mean(axis=0))
        inside = [bool((x > 0).all()) for x in places]
        for (f, end), points, good in zip(alive, solve(np.clip(np.array(places), 0, 1)), inside, strict=True):
            new = _like(families[f][end], points) if good else None
            if new is None or apart(new, families[f][end]) < 1e-4:
                step[f, end] *= 0.5
            else:
                families[f].insert(0 if end == 0 else len(families[f]), new)
    return families
