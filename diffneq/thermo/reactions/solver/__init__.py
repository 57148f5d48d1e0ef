"""Chemical equilibrium of an ideal gas and pure condensed phases, many lanes at once; the batch is the last axis.

The problem in every lane: minimise sum_k n_k mu_k at fixed T and P (or V) with A n = b. Its dual is to maximise
b . lambda with sum_gas exp(a_k . lambda - g_k) <= 1 and a_c . lambda <= g_c: a convex problem in as many unknowns as
elements.
"""
