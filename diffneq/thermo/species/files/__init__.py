"""The usual files of thermodynamic data: CHEMKIN (NASA-7), NASA's CEA (NASA-9), Cantera's YAML."""

from diffneq.thermo.species.files.cantera import read_cantera
from diffneq.thermo.species.files.cea import read_cea
from diffneq.thermo.species.files.chemkin import read_chemkin

__all__ = ["read_cantera", "read_cea", "read_chemkin"]
