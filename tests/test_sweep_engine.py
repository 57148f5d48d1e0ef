"""Sweeps of the real engine: the same bits on one device and on two."""

import numpy as np
import pytest

import diffneq
from diffneq.sweeps import sweep


def build(field):
    model = diffneq.models.Conductor.preset("soft", electrons=30)
    return model, model.dynamics(), diffneq.drives.Constant(field)


@pytest.mark.slow
def test_a_sweep_has_the_same_bits_on_one_device_and_on_two():
    grid = {"field": ([0.0, 0.1, 0.2], "kT/(e L)")}
    one, two = (sweep(build, grid, seeds=1, steps=40, progress=False, devices=n) for n in (1, 2))
    assert two.identical(one)
    assert one.current.dims == ("field", "seed", "time")
    assert np.all(one.status == 0)
    assert np.all(one.work.sel(field=0.0) == 0)
    assert np.all(one.work.sel(field=0.2) != 0)
