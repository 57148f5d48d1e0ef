"""Crystal structures from Wyckoff positions: all images of a point under the generators of a space group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Operation = tuple[np.ndarray, np.ndarray]


def operation(text: str) -> Operation:
    """Rotation and translation of a symmetry operation as the International Tables write it.

    >>> turn, shift = operation("-y+1/4,x+3/4,z+1/4")
    >>> turn.tolist(), shift.tolist()
    ([[0, -1, 0], [1, 0, 0], [0, 0, 1]], [0.25, 0.75, 0.25])
    """
    turn, shift = np.zeros((3, 3), int), np.zeros(3)
    for row, part in enumerate(text.replace(" ", "").split(",")):
        for term in part.replace("-", "+-").split("+"):
            if not term:
                continue
            sign, name = (-1, term[1:]) if term[0] == "-" else (1, term)
            if name in "xyz":
                turn[row, "xyz".index(name)] = sign
            else:
                above, below = name.split("/")
                shift[row] += sign * float(above) / float(below)
    return turn, shift


def orbit(generators: Sequence[str], point: Sequence[float], tolerance: float = 1e-4) -> np.ndarray:
    """(n, 3) fractional coordinates in [0, 1) of all images of a point.

    Arguments: `generators`, operations of which the group consists, with translations of centred cells among them;
    `tolerance`, how near images in fractional coordinates are one.

    >>> orbit(["-x,-y,-z", "x+1/2,y+1/2,z+1/2"], [0.1, 0.0, 0.0]).tolist()
    [[0.1, 0.0, 0.0], [0.9, 0.0, 0.0], [0.6, 0.5, 0.5], [0.4, 0.5, 0.5]]
    """
    maps = [operation(text) for text in generators]
    found = [_inside(np.asarray(point, float))]
    fresh = list(found)
    while fresh:
        start = fresh.pop(0)
        for turn, shift in maps:
            image = _inside(turn @ start + shift)
            apart = np.stack(found) - image
            if np.abs(apart - np.round(apart)).max(axis=1).min() > tolerance:
                found.append(image)
                fresh.append(image)
    return np.stack(found)


def _inside(point: np.ndarray) -> np.ndarray:
    point = np.round(point - np.floor(point), 9)
    return np.where(point >= 1.0, 0.0, point)
