"""The lanes of a large batch over all devices, in calls of few sizes: one executable each."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from diffneq.thermo.reactions.solver.batch import WIDTH
from diffneq.thermo.reactions.solver.problems import Kind, Sizes
from diffneq.thermo.reactions.solver.state import State, equilibrium_state
from diffneq.thermo.reactions.table import Arrays

_MOST = 64 * WIDTH  # lanes of one call


@functools.partial(jax.jit, static_argnums=(1, 2))
def _call(table: Arrays, sizes: Sizes, kind: Kind, first, second, b, span, count) -> State:
    return equilibrium_state(table, sizes, kind, first, second, b, span, count)


def states(table: Arrays, sizes: Sizes, kind: Kind, first: Any, second: Any, b: Any, span: Any) -> State:
    """States of B lanes as arrays of NumPy; see `equilibrium_state`. Sizes of calls are powers of two."""
    B = b.shape[1]
    devices = jax.local_devices()
    share = -(-B // len(devices)) if B > WIDTH else B
    size = min(WIDTH << max(-(-share // WIDTH) - 1, 0).bit_length(), _MOST)
    pieces = []
    placed: dict[Any, Arrays] = {}
    for k, begin in enumerate(range(0, B, min(size, share))):
        device = devices[k % len(devices)]
        own = slice(begin, min(begin + min(size, share), B))
        fill = lambda x, own=own: np.concatenate(
            [x[..., own], np.repeat(x[..., own][..., :1], size - (own.stop - own.start), axis=-1)], axis=-1
        )
        if device not in placed:
            placed[device] = jax.device_put(table, device)
        arguments = jax.device_put((fill(first), fill(second), fill(b), jnp.asarray(span)), device)
        count = jax.device_put(np.asarray(own.stop - own.start), device)
        pieces.append((_call(placed[device], sizes, kind, *arguments, count), own.stop - own.start))
    cut = [jax.tree.map(lambda x, n=n: np.asarray(x)[..., :n], state) for state, n in pieces]
    return jax.tree.map(lambda *x: np.concatenate(x, axis=-1), *cut)
