"""Thermochemistry of single species: tables of heat capacities, Gibbs energies, reference states."""
