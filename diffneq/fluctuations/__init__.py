"""Work relations, fluctuation theorems, entropy production: what single trajectories know of irreversibility."""
