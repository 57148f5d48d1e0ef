"""Train a small neural potential on Teter's garnet and run it in the constant-current dynamics beside Teter's.

    python scripts/neural_potential.py [--steps 800] [--count 20] [--run 4000]

Prints errors of energies and forces on held-out configurations, and the conductivity of both at one current.
"""

from __future__ import annotations

import argparse
import time

import jax

import diffneq
from diffneq.dynamics import Isokinetic
from diffneq.materials import cubic_llzo, electrolyte, teter
from diffneq.materials.units import femtoseconds, kelvin, picoseconds, siemens_per_centimetre
from diffneq.response.conductivity import constant_current
from diffneq.studies.neural_potential import configurations, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=800, help="gradient steps")
    parser.add_argument("--count", type=int, default=20, help="configurations at each of three temperatures")
    parser.add_argument("--run", type=int, default=4000, help="steps of the constant-current runs, of 2 fs; 0: none")
    given = parser.parse_args()
    crystal = cubic_llzo(jax.random.key(0))
    model = electrolyte(crystal, teter(crystal, cutoff=6.4), coupling="carriers")
    began = time.perf_counter()
    places = configurations(model, (600.0, 900.0, 1200.0), jax.random.key(1), given.count)
    print(f"{len(places)} configurations of {crystal.size} ions: {time.perf_counter() - began:.0f} s", flush=True)
    began = time.perf_counter()
    trained = train(model, places, jax.random.key(2), steps=given.steps)
    print(f"fitted in {time.perf_counter() - began:.0f} s; eV and angstrom")
    print(f"  fitted:   {trained.fitted}\n  held out: {trained.held_out}", flush=True)
    if not given.run:
        return
    neural = electrolyte(crystal, trained.potential, coupling="carriers")
    # A drift of 0.3 angstrom/ps at 900 K, which takes a field of 0.05 V/angstrom.
    flux = 0.3 / picoseconds(1.0) * crystal.counts[0]
    dynamics = Isokinetic(femtoseconds(2.0), kelvin(900.0), flux)
    for name, which in (("Teter", model), ("neural", neural)):
        began = time.perf_counter()
        run = diffneq.simulate(
            which,
            dynamics,
            steps=given.run,
            record_every=10,
            keys=jax.random.split(jax.random.key(3), 2),
            progress=False,
        )
        late = run.records["multiplier"][:, run.time.size // 4 :]
        sigma = constant_current(late, flux, float(which.box.volume), 10 * float(dynamics.dt))
        spread = abs(run.records["current"] - flux).max() / flux
        value, error = (siemens_per_centimetre(x) for x in (sigma.value, sigma.error))
        seconds = time.perf_counter() - began
        print(f"{name}: sigma = {value:.3f}({error:.3f}) S/cm, current constant to {spread:.0e}, {seconds:.0f} s")


if __name__ == "__main__":
    main()
