"""Macroscopic thermodynamics: one potential a model, everything else by derivatives."""
