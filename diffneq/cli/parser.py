"""The parser of the whole program."""

import argparse
import re
from typing import Any, NoReturn

from diffneq.cli.commands import COMMANDS

_ABOUT = "Differentiable nonequilibrium physics: driven particles, currents, response, fluctuations, phase equilibria."


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, instead of a page of usage."""

    def __init__(self, **more: Any):
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **more)
        # argparse takes -1e-3 for an option
        self._negative_number_matcher = re.compile(r"^-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help.\n")


def parser() -> argparse.ArgumentParser:
    """Of the whole program."""
    whole = _Parser(prog="diffneq", description=_ABOUT)
    words = whole.add_subparsers(dest="command", required=True, metavar="command", parser_class=_Parser)
    for command in COMMANDS.values():
        made = words.add_parser(
            command.name,
            usage=command.usage,
            help=command.help,
            description=command.description,
            epilog=command.epilog,
        )
        command.add(made)
        output = made.add_argument_group("what comes out")
        output.add_argument("--json", action="store_true", help="print one JSON record and nothing else")
        output.add_argument("--debug", action="store_true", help="on an error, show where in the code it arose")
    return whole
