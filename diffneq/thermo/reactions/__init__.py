"""Chemical reactions and equilibria of ideal gases and pure condensed phases."""

from diffneq.thermo.reactions.equilibrium import equilibrium, equilibrium_at, species_of
from diffneq.thermo.reactions.reaction import Reaction, reaction
from diffneq.thermo.reactions.results import explain
from diffneq.thermo.reactions.table import Table, tabulate

__all__ = ["Reaction", "Table", "equilibrium", "equilibrium_at", "explain", "reaction", "species_of", "tabulate"]
