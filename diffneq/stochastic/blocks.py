"""How trajectories are laid out: in blocks that fit the cache of a core, the blocks spread over devices."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

_LANES = 16  # of a vector register in single precision; blocks are whole multiples, so no lane is treated apart
_BLOCK = 2048


class Layout(eqx.Module):
    """`blocks` blocks of `size` trajectories each, on `devices` devices.

    Inside a block the trajectory is the last axis, so that one coordinate of all of them lies in a row.
    """

    blocks: int = eqx.field(static=True)
    size: int = eqx.field(static=True)
    devices: int = eqx.field(static=True)

    @classmethod
    def choose(cls, count: int, devices: int | None) -> Layout:
        available = jax.local_device_count()
        if devices is not None and not 1 <= devices <= available:
            raise ValueError(f"devices = {devices}, but this process has {available}.")
        devices = min(devices or available, max(1, count // _LANES))
        most = _BLOCK if jax.default_backend() == "cpu" else count
        blocks = -(-count // (most * devices)) * devices
        size = -(-count // blocks)
        return cls(blocks, -(-size // _LANES) * _LANES, devices)

    def mesh(self):
        """The devices, or None where there is one."""
        if self.devices == 1:
            return None
        chosen = jax.local_devices()[: self.devices]
        return jax.make_mesh((self.devices,), ("run",), devices=chosen, axis_types=(jax.sharding.AxisType.Auto,))

    def names(self) -> Array:
        """Numbers of the trajectories, (blocks, size), under which they draw their noise."""
        return jnp.arange(self.blocks * self.size, dtype=jnp.uint32).reshape(self.blocks, self.size)

    def split(self, tree):
        """Arrays (n, ...) as (blocks, ..., size); what is left over begins like the last one."""

        def one(x):
            missing = self.blocks * self.size - x.shape[0]
            filled = jnp.concatenate([x, jnp.repeat(x[-1:], missing, axis=0)])
            return jnp.moveaxis(filled.reshape(self.blocks, self.size, *x.shape[1:]), 1, -1)

        return jax.tree.map(one, tree)

    def join(self, tree, count: int):
        """Arrays (blocks, ..., size) as (n, ...)."""
        one = lambda x: jnp.moveaxis(x, -1, 1).reshape(self.blocks * self.size, *x.shape[1:-1])[:count]
        return jax.tree.map(one, tree)
