"""Connected parts of a picture and the place in each with most room around it."""

from typing import Any

import numpy as np
from scipy import ndimage


def parts(inside: np.ndarray, corners: bool = False) -> list[np.ndarray]:
    """The connected parts of a mask, each as a mask; with `corners` places that touch at a corner are connected."""
    labelled: Any = ndimage.label(inside, structure=np.ones((3, 3)) if corners else None)
    image, count = labelled
    return [image == k + 1 for k in range(count)]


def deepest(inside: np.ndarray) -> tuple[int, int]:
    """The place of a mask that is farthest from its rim and from the rim of the picture."""
    distance: Any = ndimage.distance_transform_edt(np.pad(inside, 1))
    row, column = np.unravel_index(int(np.argmax(distance[1:-1, 1:-1])), inside.shape)
    return int(row), int(column)
