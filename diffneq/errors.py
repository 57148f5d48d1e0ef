"""Errors with a name of their own. Misuse is a plain ValueError; these say that a long job ended early.

Each carries one sentence that says what is kept and how to go on.
"""

from typing import Any


class SweepError(RuntimeError):
    """Some blocks of a sweep raised or were lost; every other block was finished and, with a store, kept."""

    dataset: Any = None  # without a store: the finished runs, as an xarray.Dataset


class SweepInterrupted(KeyboardInterrupt):
    """A sweep was stopped by SIGTERM or by the keyboard; what was stored is complete and can be resumed."""

    dataset: Any = None  # without a store: the finished runs, as an xarray.Dataset


class DiskFullError(OSError):
    """A store could not be written because the disk or the quota is full; what was stored stays readable."""

    def __str__(self) -> str:
        return str(self.strerror)  # the sentence alone


class StoreMismatchError(ValueError):
    """A store on disk belongs to another configuration or to another version than the one asked for."""
