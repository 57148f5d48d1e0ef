"""Coulomb's law in periodic cells: Ewald's sum and smooth particle-mesh Ewald, differentiable, to a stated accuracy."""
