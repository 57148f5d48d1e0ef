"""Pictures: each is made from realistic data, shows it, leaves no trace in matplotlib, refuses misfits."""

import io

import matplotlib
import numpy as np
import pytest

from diffneq import plotting
from diffneq.plotting.style import short

RNG = np.random.default_rng(0)
OMEGA = np.geomspace(0.01, 6.0, 20)
Y = 0.017 / (1 - 6j * OMEGA)
ERROR = np.full(20, 2e-4)
TIME = np.linspace(0.0, 30.0, 61)
FIELD = np.array([-0.1, -0.05, 0.0, 0.05, 0.1])


class Estimated:
    value, error = 0.13, 0.002


def pictures():
    kinds = np.repeat([0, 1, 2], [30, 30, 10])
    places = RNG.uniform(-40, 80, (70, 2))
    return {
        "snapshot": lambda: plotting.snapshot(places, kinds, [40.0, 20.0], 1.0, walls=True),
        "window": lambda: plotting.snapshot(
            places, kinds, [40.0, 20.0], [1.0, 1.0, 0.5], window=20.0, field=False
        ),
        "current_voltage": lambda: plotting.current_voltage(
            FIELD, 0.13 * FIELD, 0.001 + 0 * FIELD, conductivity=Estimated(), cubic=(-0.5, 0.1),
            units={"field": "kT/eR"},
        ),
        "autocorrelation": lambda: plotting.autocorrelation(
            TIME, np.exp(-TIME / 6), 0.01 + 0 * TIME, {"exponential": np.exp(-TIME / 6)}
        ),
        "admittance": lambda: plotting.admittance(
            OMEGA, Y.real, Y.imag, ERROR, ERROR, kramers_kronig=(OMEGA, Y.real, Y.imag)
        ),
        "johnson_nyquist": lambda: plotting.johnson_nyquist(
            OMEGA, 2 * Y.real, 0.1 * Y.real, 2 * Y.real, 0.1 * Y.real
        ),
        "size": lambda: plotting.conductivity_against_size(
            [0.001, 0.002, 0.004], [0.13, 0.131, 0.128], [0.003] * 3, limit=(0.13, 0.002), slope=(0.1, 0.5)
        ),
        "time_series": lambda: plotting.time_series(
            TIME, RNG.normal(size=(4, 61)), steady=0.0, transient=5.0
        ),
        "power_balance": lambda: plotting.power_balance(FIELD, FIELD**2, FIELD**2, 0.01 * FIELD**2),
        "pulse_responses": lambda: plotting.pulse_responses(
            {"$E = 0$": (TIME, np.exp(-TIME / 6), 0.01 + 0 * TIME)}, {"$E = 0$": (1.3, 0.1)}, start=2.0
        ),
        "running_sum_rules": lambda: plotting.running_sum_rules(
            OMEGA, {"a": np.ones((3, 20))}, {"a": 0.1 * np.ones((3, 20))}, {"a": (1.0, 0.0, (1.0, 0.1))}
        ),
        "effective_temperatures": lambda: plotting.effective_temperatures(
            {"a": (OMEGA, 1 + 0 * OMEGA, 0.1 + 0 * OMEGA)}, {"a": {"bath": 1.0}}
        ),
        "velocity_tails": lambda: plotting.velocity_tails(
            {"a": (TIME / 2, -TIME / 4 - 0.92, 0.1 + 0 * TIME)}, {"a": (1.2, 8.0)}
        ),
        "temperatures": lambda: plotting.temperatures_against_field(
            FIELD[2:], {"electrons": [Estimated()] * 3}, 1.0, units={"field": "kT/eR"}
        ),
        "departures": lambda: plotting.departures_against_field(
            [0.0, 0.1, 0.2], {"kurtosis": [(0.0, 0.01), (0.01, 0.01), (0.2, 0.01)]}
        ),
        "profiles": lambda: plotting.profiles_across(
            FIELD, {"n": {"": (FIELD, 0.1 + 0 * FIELD)}, "T": {"a": (FIELD, ERROR[:5]), "b": (FIELD, ERROR[:5])}}
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(pictures()))
def test_every_picture_is_drawn_and_leaves_no_trace(name):
    before = dict(matplotlib.rcParams)
    figure = pictures()[name]()
    assert dict(matplotlib.rcParams) == before
    target = io.BytesIO()
    figure.savefig(target, dpi=50)
    assert target.getbuffer().nbytes > 2000
    lowest = figure.axes[-1]
    assert lowest.get_xlabel()
    assert all(axes.get_ylabel() for axes in figure.axes)


def test_pictures_without_errors_or_fits():
    plotting.current_voltage(FIELD, 0.13 * FIELD).savefig(io.BytesIO(), dpi=40)
    plotting.autocorrelation(TIME, np.exp(-TIME)).savefig(io.BytesIO(), dpi=40)
    plotting.johnson_nyquist(OMEGA, Y.real, None, Y.real, None).savefig(io.BytesIO(), dpi=40)
    plotting.time_series(TIME, TIME).savefig(io.BytesIO(), dpi=40)


def test_discs_have_their_true_size_and_lie_in_the_box():
    figure = plotting.snapshot([[41.0, -1.0]], [0], [40.0, 20.0], 1.5, names=("electrons",))
    discs = figure.axes[0].collections[0]
    np.testing.assert_allclose(discs.get_offsets(), [[1.0, 19.0]])
    np.testing.assert_allclose(discs.get_widths(), [3.0])


def test_the_printed_chi_squared():
    figure = plotting.johnson_nyquist(OMEGA, 1 + 0 * OMEGA, 0.3 + 0 * OMEGA, 2 + 0 * OMEGA, 0.4 + 0 * OMEGA)
    assert figure.axes[0].texts[0].get_text().endswith("4.00")


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(0.1223, 0.0061, "0.1223(61)"), (1.0, 0.0, "1"), (2.5, np.nan, "2.5"), (0.13, 0.00996, "0.130(10)")],
)
def test_short(value, error, text):
    assert short(value, error) == text


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: plotting.admittance(OMEGA, Y.real, Y.imag[:3]), "of one length"),
        (lambda: plotting.current_voltage([], []), "nothing to draw"),
        (lambda: plotting.snapshot((np.zeros(3), np.zeros(3)), [0] * 3, [1, 1], 1.0), "np.stack"),
        (lambda: plotting.snapshot(np.zeros((1, 2)), [3], [1, 1], 1.0), "species must be from 0 to 2"),
        (lambda: plotting.autocorrelation([0.0, 1.0], [0.0, 1.0]), "must be positive"),
        (lambda: plotting.power_balance([0.0], [0.0], [0.0]), "driven runs"),
        (lambda: plotting.running_sum_rules(OMEGA, {"a": OMEGA}, {"a": OMEGA}, {"a": (1, 0, 1)}), "must have shape"),
        (lambda: plotting.profiles_across([0.0, 1.0], {"n": {"": ([1.0], [1.0])}}), "of one length"),
    ],
)
def test_misfits_are_one_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()
