"""Differentiable nonequilibrium physics on JAX: driven particles, currents, response and fluctuations.

The names below are imported when they are first used: `import diffneq` itself is quick and leaves jax alone.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from diffneq.installation.releases import refuse_known_bad_jaxlib

__version__ = "0.1.0"

refuse_known_bad_jaxlib()

if TYPE_CHECKING:
    from diffneq.installation.selfcheck import selfcheck as selfcheck
    from diffneq.simulation.loop import simulate as simulate
    from diffneq.simulation.rollout import rollout as rollout
    from diffneq.statistics import Estimate as Estimate
    from diffneq.sweeps import sweep as sweep

# public name -> the module that defines it
_EXPORTS = {
    "Estimate": "diffneq.statistics",
    "rollout": "diffneq.simulation.rollout",
    "selfcheck": "diffneq.installation.selfcheck",
    "simulate": "diffneq.simulation.loop",
    "sweep": "diffneq.sweeps",
}
__all__ = ["Estimate", "__version__", "rollout", "selfcheck", "simulate", "sweep"]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        value = getattr(importlib.import_module(_EXPORTS[name]), name)
        globals()[name] = value
        return value
    if name in _public_modules():
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'diffneq' has no attribute {name!r}; it has {', '.join(__dir__())}")


def _public_modules() -> set[str]:
    return {module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")}


def __dir__() -> list[str]:
    return sorted({*__all__, *_public_modules()})
