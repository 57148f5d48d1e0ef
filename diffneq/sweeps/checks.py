"""The rim of `sweep`: what is refused before anything runs, each with one sentence that says what to do."""

import difflib
import inspect
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from diffneq.errors import StoreMismatchError
from diffneq.sweeps import executors
from diffneq.sweeps.manifest import check_same
from diffneq.sweeps.plan import Plan
from diffneq.sweeps.store import Store

# Arguments of simulate that sweep gives itself, and what to say to those who pass them.
_OURS = {
    "keys": "key= (one root key) and seeds=",
    "in_axes": "nothing: sweep finds out what varies",
    "checkpoint": "store= and resume=True: a sweep is kept block by block",
}


def check_arguments(
    own: Collection[str],
    options: Mapping[str, Any],
    store: Any,
    resume: bool,
    executor: Any,
    retries: int,
    block: Any,
    devices: Any,
) -> None:
    from diffneq.simulation.loop import simulate

    known = inspect.signature(simulate).parameters
    names = [n for n in known if n not in (*_OURS, "model", "dynamics", "drive")]
    for name in options:
        if name in _OURS:
            raise ValueError(f"sweep does not take {name}=; use {_OURS[name]}")
        if name not in names:
            near = difflib.get_close_matches(name, [*names, *own], 1)
            hint = f"did you mean {near[0]}=?" if near else f"simulate takes {', '.join(names)}"
            raise ValueError(f"sweep and simulate have no option {name}=; {hint}")
    for name in names:
        if known[name].default is inspect.Parameter.empty and name not in options:
            raise ValueError(f"sweep needs {name}=, which it passes on to simulate")
    if resume and store is None:
        raise ValueError("resume=True needs the store to resume: sweep(..., store='results.zarr', resume=True)")
    if store is not None and "://" in str(store):
        raise ValueError(f"store must be a folder that all workers can write to, not {str(store)!r}")
    if block is not None and (not isinstance(block, (int, np.integer)) or isinstance(block, bool) or block < 1):
        raise ValueError(f"block must be a positive number of runs, not {block!r}")
    if not isinstance(retries, int) or retries < 0:
        raise ValueError(f"retries must be 0 or a positive integer, not {retries!r}")
    if executor is not None:
        executors.check_executor(executor)
        if devices is not None:
            raise ValueError("devices= is for a sweep without executor; give each worker its own device instead")
    if jax.process_count() > 1 and (store is None or executor is not None):
        raise ValueError("under jax.distributed a sweep needs store= on a shared file system, and no executor=")


def with_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with the default of `record_every` written out: it is part of what the store holds."""
    from diffneq.simulation.loop import simulate

    default = inspect.signature(simulate).parameters.get("record_every")
    written = {} if default is None else {"record_every": default.default}
    return {**written, **options}


def existing_store(store: Any, resume: bool) -> Store | None:
    if store is None:
        return None
    path = Path(store)
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return None
    found = Store(path)
    if not resume:
        done, runs = found.counts()
        raise ValueError(
            f"{str(store)!r} holds a sweep already ({done} of {runs} runs done): add resume=True to continue "
            "it, or give another folder as store="
        )
    return found


def check_resumed(path: str, existing: Store, manifest: Mapping[str, Any], plan: Plan) -> None:
    check_same(path, existing.manifest, manifest)
    if existing.block_size != plan.block:
        raise ValueError(f"{path!r} has blocks of {existing.block_size} runs, not {plan.block}: leave block= out")
    if not np.array_equal(existing.runs(), plan.rows()):
        raise StoreMismatchError(
            f"{path!r} holds another sweep (build makes systems of other shapes now): use the build of this "
            "store, or give another folder as store="
        )
