"""Padded sizes: few shapes, so that many databases share one executable."""


def bucket(n: int) -> int:
    """The smallest of 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, ... that is at least n.

    >>> [bucket(n) for n in (1, 5, 7, 13, 100)]
    [1, 6, 8, 16, 128]
    """
    size = 1
    while size < n:
        half = size + size // 2
        if size % 2 == 0 and half >= n:
            return half
        size *= 2
    return size
