"""`diffneq response`: what it takes, what it writes, what it draws."""

import json
import types

import numpy as np
import pytest

from diffneq import cli
from diffneq.cli import running
from diffneq.options import ResponseOptions
from diffneq.plotting.derivatives import comparison, current_voltage
from diffneq.studies.response import run


def test_the_command_hands_over_what_was_asked(monkeypatch, capsys):
    seen = []
    report = types.SimpleNamespace(table=lambda: "sigma", to_dict=lambda: {"sigma": 0.125}, pictures=["methods.png"])
    study = types.SimpleNamespace(run=lambda options: seen.append(options) or report)
    monkeypatch.setattr(running, "import_module", {"diffneq.studies.response": study}.__getitem__)
    monkeypatch.setattr(running, "start_jax", lambda *given: None)
    words = "response --electrons 90 --horizon 12 --methods coupled tangent --fields 1e-6 0.1 --json"
    assert cli.main(words.split()) == 0
    assert json.loads(capsys.readouterr().out) == {"sigma": 0.125}
    assert seen == [ResponseOptions(electrons=90, horizon=12.0, methods=("coupled", "tangent"), fields=(1e-6, 0.1))]
    assert cli.main(["response", "--electrons", "3"]) == 2
    assert "electrons must be 30 or more" in capsys.readouterr().err


def test_the_picture_is_scaled_to_what_is_to_be_read():
    """The tangent past its horizon, a million times larger, does not set the range; a level and a point are drawn."""
    time = np.linspace(0.1, 5.0, 50)
    wild = np.where(time < 2, 0.1, 1e6)
    curves = {
        "coupled": (time, 0.1 * np.ones(50), 0.01 * np.ones(50)),
        "tangent": (time, wild, wild),
        "reweighting": (np.array([np.inf]), np.array([0.12]), np.array([0.01])),
    }
    figure = comparison(curves, "d<j>/dE", horizons={"tangent": 1.0}, reference=0.11, unit="e^2 t/m")
    upper, lower = figure.axes
    assert -0.5 < upper.get_ylim()[0] < upper.get_ylim()[1] < 0.5
    labels = [text.get_text() for text in upper.get_legend().get_texts()]
    assert labels == ["coupled", "tangent", "reference", "reweighting"]
    assert "e^2 t/m" in upper.get_title(loc="left")
    assert lower.get_yscale() == "log"
    with pytest.raises(ValueError, match="no curve"):
        comparison({}, "nothing")


def test_the_current_voltage_curve_has_both_methods():
    rows = np.array([[1e-6, 0.12, 0.01], [0.1, 0.11, 0.01]])
    axes = current_voltage(rows, rows[1:]).axes[0]
    assert axes.get_xscale() == "log" and axes.get_ylim()[0] == 0.0
    assert len(axes.get_legend().get_texts()) == 2


@pytest.mark.slow
def test_the_study_writes_table_record_pictures_and_data(tmp_path):
    options = ResponseOptions(
        electrons=30, replicas=8, snapshots=1, horizon=4.0, fields=(1e-6, 0.1), out=tmp_path, progress=False
    )
    report = run(options)
    assert {path.name for path in tmp_path.iterdir()} == {
        "methods.png", "current-voltage.png", "response.nc", "current-voltage.csv", "table.txt", "report.json",
    }  # fmt: skip
    record = json.loads((tmp_path / "report.json").read_text())
    assert set(record["conductivity"]) >= {"fluctuation_dissipation", "coupled", "transient_time_correlation"}
    assert {"likelihood_ratio", "reweighting"} <= set(record["refused"])
    # early, the charges fall freely: sigma(t) = n e^2 t/m in the middle of the first record
    curve = report.comparison.curves["coupled"]
    assert curve.value[0] == pytest.approx(0.016 * curve.time[0], rel=0.02)
    assert set(report.slopes) == {"stiffness", "temperature", "impurities"}
