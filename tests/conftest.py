"""The strict configuration every test runs under: two CPU devices, and no silent promotion of ranks."""

import gc
from collections.abc import Iterator
from pathlib import Path

import jax
import matplotlib
import pytest

jax.config.update("jax_num_cpu_devices", 2)  # before the first use of a device: sharding is tested everywhere
jax.config.update("jax_numpy_rank_promotion", "raise")
matplotlib.use("Agg")

# Examples in docstrings that each compile an equilibrium solver of their own; what they show is tested elsewhere too.
SLOW_EXAMPLES = tuple(
    f"diffneq/thermo/calphad/{name}.py"
    for name in (
        "targets",
        "metastable",
        "activities",
        "derivatives",
        "solidification",
        "diagrams/binary",
        "diagrams/reactions",
    )
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them before `-m` picks."""
    for item in items:
        if item.path.as_posix().endswith(SLOW_EXAMPLES):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def x64() -> Iterator[None]:
    """Double precision for one test."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(autouse=True, scope="module")
def _bounded_memory_maps() -> Iterator[None]:
    """Forget compiled programs when there are many: each holds memory maps, and Linux kills a process at 65530."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_text().count("\n") > 25_000:
        jax.clear_caches()
        gc.collect()
