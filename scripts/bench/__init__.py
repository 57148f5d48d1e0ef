"""The engine bench: our engine beside LAMMPS and jax-md (see `scripts/bench_engine.py`)."""
