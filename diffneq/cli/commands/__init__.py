"""What follows the word `diffneq`: one file a command."""

from diffneq.cli.commands.assess import ASSESS
from diffneq.cli.commands.command import Command
from diffneq.cli.commands.conductor import CONDUCTOR, conductor_options
from diffneq.cli.commands.diagram import DIAGRAM
from diffneq.cli.commands.electrolyte import ELECTROLYTE
from diffneq.cli.commands.equilibrium import EQUILIBRIUM
from diffneq.cli.commands.installation import SELFCHECK, VERSION
from diffneq.cli.commands.langevin import FIT_LANGEVIN
from diffneq.cli.commands.piston import PISTON
from diffneq.cli.commands.ratchet import RATCHET
from diffneq.cli.commands.reaction import REACTION
from diffneq.cli.commands.response import RESPONSE
from diffneq.cli.commands.vle import VLE
from diffneq.cli.commands.water import WATER

__all__ = ["COMMANDS", "Command", "conductor_options"]

_ALL = (
    ASSESS, CONDUCTOR, DIAGRAM, ELECTROLYTE, EQUILIBRIUM, FIT_LANGEVIN, PISTON, RATCHET, REACTION, RESPONSE, SELFCHECK,
    VERSION, VLE, WATER,
)  # fmt: skip
COMMANDS = {command.name: command for command in _ALL}
