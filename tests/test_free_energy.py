"""Free energies from work: published digits, closed forms, coverage of the error bars, and what they decline to say."""

import importlib.util
import json
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from switching import there_and_back

from diffneq.fluctuations.free_energy import (
    bar,
    bennett_overlap,
    compare,
    crossing,
    cumulants,
    gaussian_overlap,
    jarzynski,
    k_statistics,
    large_sample_bias,
    multistate,
    pareto_shape,
    shared_area,
    staged,
    statistical_inefficiency,
    subsample_bias,
    work_profile,
)

ONE_WAY = {"jarzynski": jarzynski, "cumulants": cumulants}
TWO_WAY = {
    "bar": bar,
    "gaussian crossing": lambda f, r: crossing(f, r, bootstrap=60),
    "kernel crossing": lambda f, r: crossing(f, r, method="kernel", bootstrap=60),
}


def gaussian(rng, dissipation, forward, reverse=None, free_energy=0.0):
    """Works of Gaussian switching either way."""
    sigma = np.sqrt(2 * dissipation)
    reverse = forward if reverse is None else reverse
    up, down = rng.normal(size=forward), rng.normal(size=reverse)
    return free_energy + dissipation + sigma * up, dissipation - free_energy + sigma * down


def pymbar_example(sigma):
    """pymbar 4.0.3, testsystems.gaussian_work_example(mu_F=None, DeltaF=1, sigma_F=sigma, seed=0), 200 works each."""
    random = np.random.RandomState(0)
    mean = 1 + sigma**2 / 2
    return random.randn(200) * sigma + mean, random.randn(200) * sigma - mean + sigma**2


def four_states():
    """Reduced potentials of four traps, samples of each."""
    random, counts = np.random.RandomState(3), [200, 150, 100, 250]
    centre, stiffness = np.array([0.0, 0.8, 1.6, 2.4]), np.array([1, 1.5, 2, 3.0])
    draws = zip(centre, stiffness, counts, strict=True)
    x = np.concatenate([random.normal(a, k**-0.5, n) for a, k, n in draws])
    return stiffness[:, None] * (x - centre[:, None]) ** 2 / 2, counts


# Golden numbers: printed by pymbar 4.0.3 (bar, exp, exp_gauss, MBAR), run once outside this repository.
def test_two_states_agree_with_pymbar_to_its_digits():
    forward, reverse = pymbar_example(1.0)
    found = bar(forward, reverse)
    assert found.value == pytest.approx(1.0876235208536975, abs=1e-10)
    assert found.error == pytest.approx(0.04961671318594607, abs=1e-10)
    one_way = jarzynski(forward)
    assert one_way.value == pytest.approx(1.0881826492014186, abs=1e-10)
    assert one_way.error == pytest.approx(0.07632006089109725, abs=1e-10)
    second = cumulants(forward, 2)
    biased = second.value - second.diagnostics["cumulants"][1] * (1 / 2 * (199 / 200 - 1))  # pymbar divides by n
    assert biased == pytest.approx(1.0492583, abs=1e-7)
    assert second.error == pytest.approx(0.0892, rel=0.1)  # its error assumes Gaussian work, ours does not
    assert not found.warnings + one_way.warnings + second.warnings
    unequal = bar(np.random.RandomState(0).randn(300) + 1.5, pymbar_unequal())
    assert (unequal.value, unequal.error) == pytest.approx((1.0657112606337298, 0.04611609625859325), abs=1e-9)


def pymbar_unequal():
    random = np.random.RandomState(0)
    random.randn(300)
    return random.randn(150) - 0.5


def test_many_states_agree_with_pymbar_to_its_digits():
    found = multistate(*four_states())
    assert found.values == pytest.approx([0, 0.22832194, 0.31360629, 0.44919473], abs=1e-8)
    errors = [found.difference(0, j).error for j in (1, 2, 3)]
    assert errors == pytest.approx([0.04943278, 0.0891347, 0.12705829], abs=1e-7)
    assert found.difference(1, 3).error == pytest.approx(0.10091568, abs=1e-7)
    overlap = [[0.59833173, 0.27101456, 0.07863404, 0.05201967], [0.04161573, 0.08862325, 0.15554374, 0.71421728]]
    assert found.overlap is not None
    assert found.overlap[[0, 3]] == pytest.approx(np.array(overlap), abs=1e-7)
    assert not found.difference().warnings


THEIRS = """
import json, sys, numpy as np, pymbar
given = json.load(open(sys.argv[1]))
two = pymbar.bar(*(np.array(given[name]) for name in ("forward", "reverse")), relative_tolerance=1e-14)
many = pymbar.MBAR(np.array(given["potentials"]), given["counts"]).compute_free_energy_differences()
json.dump([two["Delta_f"], two["dDelta_f"], *many["Delta_f"][0], *many["dDelta_f"][0]], open(sys.argv[1], "w"))
"""


@pytest.mark.skipif(importlib.util.find_spec("pymbar") is None, reason="pymbar is not installed")
def test_pymbar_itself_agrees(tmp_path):
    """In a process of its own: pymbar changes the precision of JAX for all."""
    forward, reverse = gaussian(np.random.default_rng(8), 2.0, 400, 150, 1.7)
    potentials, counts = four_states()
    given = {"forward": forward, "reverse": reverse, "potentials": potentials, "counts": np.array(counts)}
    exchange = tmp_path / "numbers.json"
    exchange.write_text(json.dumps({name: values.tolist() for name, values in given.items()}))
    subprocess.run([sys.executable, "-c", THEIRS, str(exchange)], check=True, capture_output=True)
    theirs = json.loads(exchange.read_text())
    two, many = bar(forward, reverse), multistate(potentials, counts)
    ours = [two.value, two.error, *many.values, 0.0, *(many.difference(0, j).error for j in (1, 2, 3))]
    assert ours == pytest.approx(theirs, abs=1e-7)


def test_works_too_wide_for_the_sample_are_flagged():
    """sigma_F = 5: pymbar's exp says 5.72 +- 0.75 for a true 1.0."""
    forward, reverse = pymbar_example(5.0)
    one_way = jarzynski(forward)
    assert one_way.value == pytest.approx(5.724, abs=1e-3)
    assert one_way.error == np.inf and "no honest error" in one_way.warnings[0]
    both = bar(forward, reverse)
    assert (both.value, both.error) == pytest.approx((1.7406713772504654, 0.7721617076163343), abs=1e-8)
    assert "poor overlap" in both.warnings[0] and both.dof < 4
    for dissipation in (10.0, 20.0):
        forward, reverse = gaussian(np.random.default_rng(1), dissipation, 200)
        assert jarzynski(forward).error == np.inf
        assert any("overlap" in text for text in bar(forward, reverse).warnings)


def test_the_variance_of_bennetts_ratio_by_quadrature():
    """2/O - 4 of Gaussian work, dissipation 1/2 .. 20: the table of physics/fluctuation.md, section 4."""
    table = {0.5: 1.02547, 1: 2.15492, 2: 4.89681, 5: 19.6977, 10: 99.9966, 20: 1654.85}
    for dissipation, value in table.items():
        assert 2 / gaussian_overlap(dissipation) - 4 == pytest.approx(value, rel=5e-6)
    large = 200.0
    law = 4 / np.sqrt(np.pi) * np.sqrt(large) * np.exp(large / 4)
    assert 2 / gaussian_overlap(large) - 4 == pytest.approx(law, rel=0.02)


def repeated(dissipation, runs, times, seed):
    rng = np.random.default_rng(seed)
    return [bar(*gaussian(rng, dissipation, runs)) for _ in range(times)]


@pytest.mark.parametrize("dissipation, product", [(0.5, 1.02547), (1, 2.15492), (2, 4.89681), (5, 19.6977)])
def test_the_variance_of_bennetts_ratio_by_repetition(dissipation, product):
    runs, times = 500, 100
    found = repeated(dissipation, runs, times, 3)
    measured = 2 * runs * np.var([e.value for e in found], ddof=1)
    assert abs(measured - product) < 4 * product * np.sqrt(2 / (times - 1))
    stated = 2 * runs * np.array([e.error**2 for e in found])
    assert abs(stated.mean() - product) < 4 * stated.std() / np.sqrt(times) + 0.03 * product  # of the next order in 1/n


def covered(estimates, truth):
    """z-score of the number of 95 % intervals that hold the truth."""
    hits = sum(low <= truth <= high for low, high in (e.interval() for e in estimates))
    count = len(estimates)
    return (hits - 0.95 * count) / np.sqrt(0.95 * 0.05 * count)


@pytest.mark.parametrize("name", [*ONE_WAY, *TWO_WAY])
def test_intervals_cover(name):
    rng, found = np.random.default_rng(11), []
    for _ in range(80):
        forward, reverse = gaussian(rng, 0.5, 300, 200, 1.0)
        found.append(ONE_WAY[name](forward) if name in ONE_WAY else TWO_WAY[name](forward, reverse))
    assert abs(covered(found, 1.0)) < 4
    assert sum(bool(e.warnings) for e in found) < 15


@pytest.mark.slow
@pytest.mark.parametrize(
    "dissipation, runs", [(0.1, 50), (0.5, 50), (1, 200), (1.5, 200), (2, 1000), (3, 10_000), (5, 10_000)]
)
def test_finite_errors_of_jarzynski_cover(dissipation, runs):
    """At least 90 % wherever an error is given at all, and none is given where the average is not resolved."""
    rng = np.random.default_rng(5)
    found = [jarzynski(gaussian(rng, dissipation, runs)[0]) for _ in range(300)]
    given = [e for e in found if np.isfinite(e.error)]
    assert dissipation < 5 or not given
    hits = sum(abs(e.value) < 1.96 * e.error for e in given)
    assert hits >= 0.9 * len(given) - 4 * np.sqrt(0.09 * len(given))


@pytest.mark.slow
@pytest.mark.parametrize("dissipation, runs", [(0.5, 20), (5, 20), (5, 200), (10, 200), (15, 200), (20, 2000)])
def test_finite_errors_of_bennett_cover(dissipation, runs):
    found = [e for e in repeated(dissipation, runs, 300, 6) if np.isfinite(e.error)]
    hits = sum(low <= 0 <= high for low, high in (e.interval() for e in found))
    assert hits >= 0.9 * len(found) - 4 * np.sqrt(0.09 * len(found))


@pytest.mark.slow
def test_the_bias_of_jarzynski():
    """<dF_n> of Gaussian work: the measured table of physics/fluctuation.md, section 4, whose errors are <= 0.03."""
    table = {0.5: (0.50, 0.074, 0.007, 0.002), 1: (1.0, 0.192, 0.028, 0.003), 2: (2.0, 0.531, 0.120, 0.017)}
    table |= {5: (5.0, 1.99, 0.78, 0.29), 10: (10, 5.11, 2.80, 1.54)}
    work = np.random.default_rng(2).normal(size=2_000_000)
    for dissipation, row in table.items():
        for runs, value in zip((1, 10, 100, 1000), row, strict=True):
            each = dissipation + np.sqrt(2 * dissipation) * work.reshape(-1, runs)
            biases = -np.log(np.mean(np.exp(-each), 1))
            error = biases.std() / np.sqrt(len(biases))
            assert abs(biases.mean() - value) < max(4 * error, 0.03 * max(dissipation / 5, 1)), (dissipation, runs)
    curve = subsample_bias(1 + np.sqrt(2) * work, [1, 10, 100, 1000])
    assert max(abs(e.z_score(b)) for e, b in zip(curve, (1.0, 0.192, 0.028, 0.0032), strict=True)) < 4


def test_the_bias_in_diagnostics():
    """Jackknife and large-n law against (e^2D - 1)/2n, over repetitions."""
    rng = np.random.default_rng(2)
    found = [jarzynski(gaussian(rng, 0.5, 200)[0]).diagnostics for _ in range(200)]
    wanted = large_sample_bias(0.5, 200)
    for key in ("bias", "bias_large_n"):
        values = [d[key] for d in found]
        assert abs(np.mean(values) - wanted) < 4 * np.std(values) / np.sqrt(200) + 0.1 * wanted
    assert np.mean([d["reverse_dissipation"] for d in found]) == pytest.approx(0.5, abs=0.1)


BAD = {
    "constant": (np.zeros(50), np.zeros(50)),
    "one run": (np.array([1.0]), np.array([-1.0])),
    "NaN": (np.array([1.0, np.nan, 2.0, 3.0]), np.array([1.0, 0.5, 2.0, 1.0])),
    "all infinite": (np.full(40, np.inf), np.zeros(40)),
    "minus infinite": (np.array([0.1, 0.2, -np.inf, 0.4]), np.arange(4.0)),
    "few runs": (np.arange(5.0), np.arange(5.0) / 2),
    "far apart": (100 + np.arange(40.0) / 40, 100 + np.arange(40.0) / 40),
}


NAMES = [(name, case) for case in BAD for name in (*ONE_WAY, *TWO_WAY) if not (case == "far apart" and name in ONE_WAY)]


@pytest.mark.parametrize("name, case", NAMES)
def test_bad_works_are_declined(name, case):
    """No honest error, a sentence why, and never 0 +- 0."""
    forward, reverse = BAD[case]
    found = ONE_WAY[name](forward) if name in ONE_WAY else TWO_WAY[name](forward, reverse)
    assert found.warnings
    if (case, name) == ("far apart", "gaussian crossing"):
        assert "extrapolation" in found.warnings[0]  # Gaussian laws have tails
    elif case == "few runs" and name in ("bar", "cumulants"):
        assert found.dof < 10  # known from the overlap, from the jackknife
    else:
        assert found.error == np.inf


def test_a_hard_wall_makes_infinite_work():
    """A wall put into a box: W is 0 or infinite, exp(-dF) the share of the room; both ways with a finite step too."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=2000)
    found = jarzynski(np.where(x < 0.3, 0.0, np.inf))
    assert abs(found.z_score(-np.log(0.3))) < 4 and 0.02 < found.error < 0.06
    assert "infinite" in found.warnings[0] and len(found.warnings) == 1
    step = 0.7  # energy left of 0.15: dF = -ln(0.15 e^-0.7 + 0.15)
    forward = np.where(x < 0.3, np.where(x < 0.15, step, 0.0), np.inf)
    inside = rng.uniform(size=2000) < np.exp(-step) / (1 + np.exp(-step))
    found = bar(forward, np.where(inside, -step, 0.0))
    assert abs(found.z_score(-np.log(0.15 * (1 + np.exp(-step))))) < 4 and 0 < found.error < 0.06
    assert cumulants(forward).error == np.inf and crossing(forward, np.where(inside, -step, 0.0)).error == np.inf


def test_a_quench_is_not_gaussian():
    """W = (k1/k0 - 1) z^2/2: dF = ln(k1/k0)/2 by the sound estimators; the Gaussian ones say that they are not."""
    rng = np.random.default_rng(4)
    forward, reverse = rng.normal(size=4000) ** 2 / 2, -(rng.normal(size=4000) ** 2) / 4
    truth = np.log(2) / 2
    for found in (jarzynski(forward), bar(forward, reverse)):
        assert abs(found.z_score(truth)) < 4 and found.error < 0.02 and not found.warnings
    assert any("order 3" in text for text in cumulants(forward).warnings)
    assert any("skewed" in text for text in crossing(forward, reverse).warnings)
    z = np.linspace(-12, 12, 4001)
    accepted = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) / (1 + np.exp(z**2 / 2 - truth))
    assert abs(bennett_overlap(forward, reverse).z_score(accepted.sum() * (z[1] - z[0]))) < 4


def test_units_and_shifts():
    forward, reverse = gaussian(np.random.default_rng(0), 1.0, 200)
    for name, estimator in {"jarzynski": jarzynski, "cumulants": lambda w, T: cumulants(w, 3, T)}.items():
        one, other = estimator(forward, 1.0), estimator(2.5 * forward + 10, 2.5)
        assert (other.value - 10, other.error) == pytest.approx((2.5 * one.value, 2.5 * one.error)), name
    for method in (bar, crossing, lambda f, r, T: crossing(f, r, T, method="kernel")):
        one, other = method(forward, reverse, 1.0), method(2.5 * forward + 10, 2.5 * reverse - 10, 2.5)
        assert (other.value - 10, other.error) == pytest.approx((2.5 * one.value, 2.5 * one.error), rel=1e-6)


def test_bootstrap_and_asymptotic_errors_agree():
    forward, reverse = gaussian(np.random.default_rng(0), 1.0, 400)
    resampled, formula = bar(forward, reverse, bootstrap=200, seed=1), bar(forward, reverse)
    assert resampled.value == formula.value
    assert resampled.error == pytest.approx(formula.error, rel=4 / np.sqrt(400))


def test_correlated_works():
    """Each work five times over: the errors are those of the distinct ones."""
    forward, reverse = gaussian(np.random.default_rng(0), 0.5, 400)
    many = np.repeat(forward, 5), np.repeat(reverse, 5)
    assert statistical_inefficiency(many[0]) == pytest.approx(5, rel=0.25)
    assert jarzynski(many[0], inefficiency=5).error == pytest.approx(jarzynski(forward).error)
    assert bar(*many, inefficiency=5.0).error == pytest.approx(bar(forward, reverse).error)
    assert bar(*many, inefficiency="auto").error == pytest.approx(bar(forward, reverse).error, rel=0.15)
    potentials, counts = four_states()
    thrice = multistate(np.repeat(potentials, 3, 1), [3 * n for n in counts], inefficiency=3.0)
    assert thrice.difference().error == pytest.approx(multistate(potentials, counts).difference().error)


def test_k_statistics_and_tails_against_scipy():
    draws = np.random.default_rng(1).gamma(2.0, size=60)
    assert k_statistics(draws) == pytest.approx([stats.kstat(draws, r) for r in (1, 2, 3, 4)])
    for shape in (0.3, 0.8):
        weights = stats.genpareto.rvs(shape, size=20_000, random_state=5)
        found, error = pareto_shape(np.log(weights))
        assert abs(found - shape) < 3 * error < 0.35
    assert pareto_shape(np.zeros(100))[0] == -np.inf


STIFFNESS = np.linspace(1.0, 3.0, 6)


def test_free_energies_along_a_protocol():
    """A breathing trap: F_t = ln(k_t/k_0)/2 at every step from both directions; the last is Bennett's."""
    rng = np.random.default_rng(7)
    forward, reverse = there_and_back(rng, 3000, STIFFNESS, 0.3)
    found = work_profile(forward, reverse[:1500])
    exact = np.log(STIFFNESS[1:] / STIFFNESS[0]) / 2
    assert max(abs(e.z_score(x)) for e, x in zip(found.profile(), exact, strict=True)) < 4
    assert not found.difference().warnings
    whole = bar(forward.sum(1), reverse[:1500].sum(1))
    assert found.difference().value == pytest.approx(whole.value, abs=1e-10)
    assert found.difference().error == pytest.approx(whole.error, rel=0.05)
    together = multistate_of_paths(forward.sum(1), reverse[:1500].sum(1))
    assert together.value == pytest.approx(whole.value, abs=1e-9)


def multistate_of_paths(forward, reverse):
    """Two path ensembles as two states: u_F = 0, u_R = W."""
    work = np.concatenate([forward, -reverse])
    return multistate(np.stack([np.zeros_like(work), work]), [len(forward), len(reverse)]).difference()


def test_errors_along_a_protocol_are_those_of_repetitions():
    rng = np.random.default_rng(3)
    z = []
    for _ in range(100):
        found = work_profile(rng.normal(0.4, 0.8**0.5, (150, 3)), rng.normal(0.4, 0.8**0.5, (100, 3)))
        z.append([found.difference(0, 1).z_score(0), found.difference(1, 2).z_score(0), found.difference().z_score(0)])
    assert np.abs(np.std(z, axis=0) - 1).max() < 4 / np.sqrt(200)


def test_stages_add_up():
    rng = np.random.default_rng(7)
    ends = list(pairwise(STIFFNESS))
    forward = [(b - a) * rng.normal(0, a**-0.5, 500) ** 2 / 2 for a, b in ends]
    reverse = [(a - b) * rng.normal(0, b**-0.5, 500) ** 2 / 2 for a, b in ends]
    found = staged(forward, reverse)
    assert abs(found.z_score(np.log(3) / 2)) < 4 and not found.warnings
    assert found.error == pytest.approx(np.sqrt(sum(e.error**2 for e in found.diagnostics["stages"])))
    apart = staged([forward[0], 80 + forward[1]], [reverse[0], 80 + reverse[1]])
    assert apart.error == np.inf and apart.warnings[0].startswith("stage 1")


def test_states_that_no_sample_connects():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, 100), rng.normal(12, 1, 100), rng.normal(13, 1, 100)])
    found = multistate((x - np.array([[0], [12], [13], [12.5]])) ** 2 / 2, [100, 100, 100, 0])
    assert found.difference(0, 1).error == np.inf and "no overlap" in found.difference(0, 1).warnings[-1]
    near, bare = found.difference(1, 2), found.difference(1, 3)  # the last state was never sampled itself
    assert abs(near.z_score(0)) < 4 and abs(bare.z_score(0)) < 4 and not near.warnings + bare.warnings


def test_overlap_and_shared_area():
    """A = 2 P(W < dF) of Gaussian work, table of section 4: P = .15866 at dissipation 2."""
    forward, reverse = gaussian(np.random.default_rng(6), 2.0, 4000)
    assert abs(shared_area(forward, reverse, 0.0).z_score(2 * 0.15866)) < 4
    found = bennett_overlap(forward, reverse)
    assert abs(found.z_score(gaussian_overlap(2.0))) < 4
    assert found.diagnostics["second_order"] == pytest.approx(found.value, rel=0.05)


def test_side_by_side():
    forward, reverse = gaussian(np.random.default_rng(0), 1.0, 300, 250, 2.0)
    found = compare(forward, reverse, unit="kT")
    assert max(abs(e.z_score(2.0)) for e in found.estimates.values()) < 4
    table = str(found).splitlines()
    assert len(table) == 10 and table[7].startswith("Bennett ratio")
    axes = found.figure().axes
    assert len(axes) == 2 and "[kT]" in axes[1].get_xlabel()
    assert [t.get_text().removesuffix(" (!)") for t in axes[1].get_yticklabels()] == list(found.estimates)
    flagged = compare(forward, np.full(50, np.nan))
    assert "NaN" in str(flagged)


def test_misuse():
    good = np.arange(30.0)
    wrong = [
        (lambda: jarzynski(np.zeros((3, 2))), "must be"),
        (lambda: jarzynski([]), "at least one run"),
        (lambda: bar(good, []), "reverse must be"),
        (lambda: jarzynski(good, temperature=0.0), "temperature"),
        (lambda: jarzynski(good, inefficiency=0.5), "inefficiency"),
        (lambda: cumulants(good, 5), "order = 5"),
        (lambda: crossing(good, good, method="spline"), "method"),
        (lambda: subsample_bias(good, [40]), "sizes"),
        (lambda: multistate(np.zeros((2, 5)), [2, 2]), "adding up"),
        (lambda: multistate(np.full((2, 4), np.nan), [2, 2]), "NaN"),
        (lambda: work_profile(np.zeros((3, 2)), np.zeros((3, 1))), "equally many"),
        (lambda: work_profile(np.full((3, 2), np.inf), np.zeros((3, 2))), "infinity"),
        (lambda: staged([good], []), "equally many"),
        (lambda: gaussian_overlap(-1.0), "positive"),
    ]
    for call, text in wrong:
        with pytest.raises(ValueError, match=text):
            call()
