"""Work relations, fluctuation theorems, entropy production: what single trajectories know of irreversibility."""

from diffneq.fluctuations import entropy_production, exact, free_energy, protocol_optimisation, theorems

__all__ = ["entropy_production", "exact", "free_energy", "protocol_optimisation", "theorems"]
