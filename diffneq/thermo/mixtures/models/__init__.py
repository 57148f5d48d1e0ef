"""Excess Gibbs energies: one function g^E(T, x) a model."""
