"""The strict configuration every test runs under: two CPU devices, and no silent promotion of ranks."""

from collections.abc import Iterator

import jax
import matplotlib
import pytest

jax.config.update("jax_num_cpu_devices", 2)  # before the first use of a device: sharding is tested everywhere
jax.config.update("jax_numpy_rank_promotion", "raise")
matplotlib.use("Agg")


@pytest.fixture
def x64() -> Iterator[None]:
    """Double precision for one test."""
    with jax.enable_x64(True):
        yield
