"""`diffneq fit-langevin`: files in, a table, a record and pictures out; and the bridge to StochasticForceInference."""

import json

import jax
import numpy as np
import pytest
import xarray

from diffneq.inference import ItoPolynomial, OrnsteinUhlenbeck, paths
from diffneq.inference.sfi import stochastic_force_inference
from diffneq.json_record import as_json
from diffneq.studies.langevin import LangevinOptions, run
from diffneq.studies.langevin.reading import read


def record(records=400, replicas=32):
    model = OrnsteinUhlenbeck(0.8, 1.2, force=0.4)
    return np.asarray(paths(model, jax.random.key(2), replicas=replicas, records=records, dt=0.25), np.float64)


def test_moments_from_a_file(tmp_path):
    """One model: JSON keys, table, pictures, the drift within its error."""
    file = tmp_path / "velocity.npy"
    np.save(file, record())
    report = run(LangevinOptions(file, dt=0.25, method="moments", models=("ItoPolynomial",), out=tmp_path / "out",
                                 degree=0, blocks=32, progress=False))  # fmt: skip
    assert abs(report.fits["ItoPolynomial"]["drift_coefficients[1]"].z_score(-0.8)) < 4
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["best"] == "ItoPolynomial" and told["parameters"]["drift_coefficients[1]"]["error"] > 0
    assert {path.name for path in report.pictures} == {"residuals.png", "drift-and-diffusion.png"}


@pytest.mark.slow
def test_likelihood_from_a_file(tmp_path):
    """Two models by likelihood: parameters within errors, selection, JSON keys, pictures."""
    file = tmp_path / "velocity.npy"
    np.save(file, record())
    wished = ("OrnsteinUhlenbeck", "ItoPolynomial")
    options = LangevinOptions(file, dt=0.25, models=wished, out=tmp_path / "out", blocks=32, progress=False)
    report = run(options)
    found = report.fits["OrnsteinUhlenbeck"]
    for name, value in {"friction": 0.8, "temperature": 1.2, "force": 0.4}.items():
        assert abs(found[name].z_score(value)) < 4
    assert report.white is not None and report.white.diagnostics["p_value"] > 1e-3
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert set(told) >= {"best", "parameters", "log_likelihood", "models", "selection", "options"}
    assert set(told["models"]) == set(wished) == set(told["selection"])
    assert told["models"]["OrnsteinUhlenbeck"]["parameters"]["friction"]["error"] > 0
    assert {path.name for path in report.pictures} == {"residuals.png", "drift-and-diffusion.png"}
    assert "held-out log likelihood" in report.table() and json.dumps(as_json(report.to_dict()))


@pytest.mark.slow
def test_long_time_and_moments_from_files(tmp_path):
    """Long-time matching from velocities alone, moments from a .nc file: the Einstein relation, the same drift."""
    x = record(2000)
    xarray.Dataset({"v": (("run", "time"), x)}, {"time": 0.25 * np.arange(2000)}).to_netcdf(tmp_path / "v.nc")
    shared = {"out": tmp_path / "out", "progress": False, "blocks": 64, "degree": 0}
    long = run(LangevinOptions(tmp_path / "v.nc", method="long-time", models=("ItoPolynomial",), **shared))
    assert long.long_time is not None and abs(long.long_time[2].z_score(2 * 1.2 / 0.8)) < 4
    assert "long-time.png" in {path.name for path in long.pictures}
    short = run(LangevinOptions(tmp_path / "v.nc", method="moments", models=("ItoPolynomial",), **shared))
    assert abs(short.fits["ItoPolynomial"]["drift_coefficients[1]"].z_score(-0.8)) < 4


def test_files_that_do_not_do(tmp_path):
    x = record(50, 1)[0]
    np.savetxt(tmp_path / "two.csv", np.column_stack([0.25 * np.arange(50), x, x]), delimiter=",",
               header="time,a,b", comments="")  # fmt: skip
    np.save(tmp_path / "bare.npy", x)
    found = read(tmp_path / "two.csv", None, ("b", None))
    assert found[1] is None and found[0] is not None and abs(found[0].dt - 0.25) < 1e-9
    np.testing.assert_allclose(found[0].scalar[0], x, rtol=1e-12)
    for call, words in (
        (lambda: read(tmp_path / "two.csv", None, (None,)), "the variables a, b: name one"),
        (lambda: read(tmp_path / "two.csv", None, ("c",)), "no variable 'c'"),
        (lambda: read(tmp_path / "bare.npy", None, (None,)), "say how far apart"),
        (lambda: read(tmp_path / "none.npy", 1.0, (None,)), "there is no file"),
        (lambda: LangevinOptions("x.csv", held_out=0.9), "held_out is a fraction"),
        (lambda: LangevinOptions("x.csv", models=("Langevin",)), "models must be"),
        (lambda: LangevinOptions("x.csv", displacement="x"), "add --method long-time"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_stochastic_force_inference():
    """Multiplicative noise in Ito's sense by the established package, where it is installed."""
    pytest.importorskip("SFI")
    true = ItoPolynomial((0.0, -1.0), (0.5, 0.0, 0.3))
    x = paths(true, jax.random.key(0), replicas=16, records=4000, dt=0.01, substeps=2)
    found = stochastic_force_inference(x, dt=0.01, degree=1, diffusion_degree=2)
    for name, value in {"drift_coefficients[1]": -1.0, "diffusion_coefficients[0]": 0.5,
                        "diffusion_coefficients[2]": 0.3}.items():  # fmt: skip
        assert abs(found[name].value - value) < 4 * found[name].error + 0.02, found.table()


def test_the_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "SFI", None)
    with pytest.raises(ImportError, match=r"pip install diffneq\[sfi\]"):
        stochastic_force_inference(record(50, 1), dt=0.25)
