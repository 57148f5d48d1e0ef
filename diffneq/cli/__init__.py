"""The command `diffneq`: assess, conductor, diagram, equilibrium, fit-langevin, piston,
ratchet, response, selfcheck, version, vle.

A program, not a library: it alone chooses the precision and the number of CPU devices, before JAX starts.
Results go to standard output, everything else to standard error. Exit status: 0 done, 1 a check failed, 2
misuse or a store that does not fit, 130 stopped by Ctrl-C, 143 by SIGTERM.
"""

import argparse
import sys
from collections.abc import Sequence

from diffneq.cli.commands import COMMANDS, conductor_options
from diffneq.cli.parser import parser
from diffneq.cli.running import start_jax
from diffneq.interrupts import sigterm_interrupts

__all__ = ["main", "start_jax"]


def _sentence(error: BaseException) -> str:
    """The error's own words on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _stopped(arguments: argparse.Namespace, error: KeyboardInterrupt) -> int:
    terminated = "SIGTERM" in str(error)
    words = "stopped by SIGTERM" if terminated else "stopped"
    if arguments.command == "conductor":
        folder = conductor_options(arguments).folder
        words += f"; {folder} keeps what was finished: give the same command with --resume to go on"
    print(f"diffneq {arguments.command}: {words}.", file=sys.stderr)
    return 143 if terminated else 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: this process's); returns the exit status.

    >>> main(["conductor", "--temperature", "-1"])
    2
    """
    from diffneq.errors import SweepError

    arguments = parser().parse_args(argv)
    command = COMMANDS[arguments.command]
    try:
        with sigterm_interrupts():
            return command.run(arguments)
    except KeyboardInterrupt as error:
        return _stopped(arguments, error)
    except (ValueError, OSError, SweepError) as error:
        if arguments.debug:
            raise
        print(f"diffneq {arguments.command}: {_sentence(error)}", file=sys.stderr)
        return 2
