"""A run of a small conductor that saves itself after every short chunk, to be stopped from outside."""

import sys

import jax


def simulation(steps=4000, field=0.1, devices=1, **options):
    import diffneq

    model = diffneq.models.Conductor.preset("soft", electrons=90)
    return diffneq.simulate(
        model,
        model.dynamics(),
        diffneq.drives.Sine(field, frequency=0.05),
        keys=jax.random.split(jax.random.key(8), 3),
        steps=steps,
        progress=False,
        devices=devices,
        **options,
    )


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", 2)
    from diffneq.simulation import checkpoint, loop

    checkpoint._SAVE_EVERY = 0.0
    loop._CHUNK_SECONDS = 1e-9
    simulation(checkpoint=sys.argv[1])
