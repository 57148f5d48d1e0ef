"""What a command is, and the arguments that several share."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from diffneq.options import Precision


@dataclass(frozen=True)
class Command:
    """One word after `diffneq`: `add` tells a parser what it takes, `run` does it and returns the exit status."""

    name: str
    usage: str
    help: str
    description: str
    add: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    epilog: str | None = None


def add_machine(parser: argparse.ArgumentParser, precision: Precision | None = "single") -> None:
    """Precision and devices of a simulation; with None as the default precision the method decides."""
    machine = parser.add_argument_group("the machine")
    chosen = precision or "as suits the method"
    machine.add_argument("--precision", choices=get_args(Precision), default=precision,
                         help=f"floating-point numbers of the simulation (default: {chosen})")  # fmt: skip
    machine.add_argument("--devices", type=int, metavar="N", help="devices to use (default: all; one per CPU core)")


def add_seed(group) -> None:
    """The root of all random numbers."""
    group.add_argument("--seed", type=int, default=0, metavar="S", help="root of all random numbers (default: 0)")


def add_progress(group) -> None:
    """Bars, or none."""
    group.add_argument("--quiet", "--no-progress", dest="progress", action="store_false", help="no progress bars")
