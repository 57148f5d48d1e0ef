"""Training of one network a fold, all at once, until none of them improves on its own validation blocks."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from tqdm import tqdm

_STEPS = 100  # of the optimiser between two looks at the validation blocks


class Folds(eqx.Module):
    """Scaled steps (B, n, d) in single precision, shared by all folds; the blocks of each fold (folds, .)."""

    before: Array
    after: Array
    training: Array
    validation: Array


def train(networks, data: Folds, key: Array, rate: float, batch: int, rounds: int, patience: int, progress: bool):
    """The best networks (stacked by fold) on their validation blocks, and the history of both objectives.

    Adam on minibatches drawn at random from the training blocks; a fold keeps the network of its best round. It ends
    after `rounds`, or when no fold has improved for `patience` rounds. Returns networks, and arrays (rounds, folds).
    """
    step = jnp.asarray(rate, jnp.float32)  # data: another rate is no other program
    begin = lambda network: optax.adam(step).init(eqx.filter(network, eqx.is_inexact_array))
    state = eqx.filter_vmap(begin)(networks)
    best, record, since = networks, np.full(data.training.shape[0], -np.inf), 0
    history: list[tuple[np.ndarray, np.ndarray]] = []
    for number in tqdm(range(rounds), desc="training", disable=not progress):
        keys = jax.random.split(jax.random.fold_in(key, number), len(record))
        networks, state, training = _round(networks, state, data, keys, step, batch)
        validation = np.asarray(_validate(networks, data))
        history.append((np.asarray(training), validation))
        improved = validation > record
        best = _chosen(jnp.asarray(improved), networks, best)
        record = np.where(improved, validation, record)
        since = 0 if improved.any() else since + 1
        if since >= patience:
            break
    return best, *(np.stack(part) for part in zip(*history, strict=True))


@eqx.filter_jit
def _round(networks, state, data: Folds, keys: Array, rate: Array, batch: int):
    """`_STEPS` steps of the optimiser for every fold; networks, state, mean objective (folds,)."""
    arrays, static = eqx.partition(networks, eqx.is_inexact_array)
    optimiser = optax.adam(rate)

    def fold(arrays, state, blocks, key):
        def one(carry, number):
            arrays, state = carry
            block_key, step_key = jax.random.split(jax.random.fold_in(key, number))
            block = blocks[jax.random.randint(block_key, (batch,), 0, blocks.shape[0])]
            step = jax.random.randint(step_key, (batch,), 0, data.before.shape[1])
            loss, slope = jax.value_and_grad(_loss)(arrays, static, data.before[block, step], data.after[block, step])
            change, state = optimiser.update(slope, state, arrays)
            return (eqx.apply_updates(arrays, change), state), -loss

        (arrays, state), values = jax.lax.scan(one, (arrays, state), jnp.arange(_STEPS))
        return arrays, state, jnp.mean(values)

    arrays, state, values = jax.vmap(fold)(arrays, state, data.training, keys)
    return eqx.combine(arrays, static), state, values


def _loss(arrays, static, before: Array, after: Array) -> Array:
    network = eqx.combine(arrays, static)
    return -jnp.mean(network.objective(jax.vmap(network.entropy)(before, after)))


@eqx.filter_jit
def _validate(networks, data: Folds) -> Array:
    """Mean objective of each fold on its validation blocks, (folds,)."""
    arrays, static = eqx.partition(networks, eqx.is_inexact_array)

    def fold(arrays, blocks):
        one = lambda block: -_loss(arrays, static, data.before[block], data.after[block])
        return jnp.mean(jax.lax.map(one, blocks))

    return jax.vmap(fold)(arrays, data.validation)


@eqx.filter_jit
def _chosen(improved: Array, new, old):
    pick = lambda a, b: jnp.where(improved.reshape(-1, *(1,) * (a.ndim - 1)), a, b) if eqx.is_array(a) else b
    return jax.tree.map(pick, new, old)


@eqx.filter_jit
def block_entropies(networks, before: Array, after: Array) -> tuple[Array, Array, Array]:
    """Means of S, S^2 and e^{-S} over each block, (folds, b), for blocks (folds, b, n, d) of each network."""
    arrays, static = eqx.partition(networks, eqx.is_inexact_array)

    def fold(arrays, before, after):
        def one(steps):
            entropy = jax.vmap(eqx.combine(arrays, static).entropy)(*steps)
            return jnp.mean(entropy), jnp.mean(entropy**2), jnp.mean(jnp.exp(-entropy))

        return jax.lax.map(one, (before, after))

    return jax.vmap(fold)(arrays, before, after)
