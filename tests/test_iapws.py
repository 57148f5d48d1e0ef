"""IAPWS-95 against the tables of its release, against its own automatic derivatives, and at the critical point.

Golden numbers: IAPWS R6-95(2018), Tables 6, 7 and 8, to their last printed digit.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffneq.thermo.fluids import bulk, saturation_at_pressure, saturation_at_temperature, virial_coefficients, water
from diffneq.thermo.fluids.helmholtz import alpha_by_autodiff
from diffneq.thermo.fluids.iapws95 import by_terms, quick

TABLE_6 = {  # at 500 K, 838.025 kg/m3: phi0, phir, unscaled
    "phi": ("2.04797733", "-3.42693206"),
    "phi_d": ("0.384236747", "-0.364366650"),
    "phi_dd": ("-0.147637878", "0.856063701"),
    "phi_t": ("9.04611106", "-5.81403435"),
    "phi_tt": ("-1.93249185", "-2.23440737"),
    "phi_dt": ("0.0", "-1.12176915"),
}
TABLE_7 = """
300 996.556  99.2418352 4.13018112 1501.51914 0.393062643
300 1005.308 20002.2515 4.06798347 1534.92501 0.387405401
300 1188.202 700004.704 3.46135580 2443.57992 0.132609616
500 0.435    99.9679423 1.50817541 548.314253 7.94488271
500 4.532    999.938125 1.66991025 535.739001 6.82502725
500 838.025  10000.3858 3.22106219 1271.28441 2.56690919
500 1084.564 700000.405 3.07437693 2412.00877 2.03237509
647 358      22038.4756 6.18315728 252.145078 4.32092307
900 0.241    100.062559 1.75890657 724.027147 9.16653194
900 52.615   20000.0690 1.93510526 698.445674 6.59070225
900 870.769  700000.006 2.66422350 2019.33608 4.17223802
"""
TABLE_8 = """
275 0.698451167 999.887406 0.00550664919 7.75972201 2504.28995 0.0283094670 9.10660121
450 932.203564  890.341250 4.81200360    749.161585 2774.41078 2.10865845   6.60921221
625 16908.2693  567.090385 118.290280    1686.26976 2550.71625 3.80194683   5.18506121
"""


def as_printed(value: float, printed: str) -> bool:
    """Does the value round to the digits in print?"""
    mantissa, _, exponent = printed.lower().partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    return abs(float(value) - float(printed)) <= 0.5000001 * 10.0**-decimals


def printed_rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.split("\n") if line.strip()]


def test_table_6(x64):
    model = water()
    delta, tau = jnp.asarray(838.025 / 322.0), jnp.asarray(647.096 / 500.0)
    ideal = lambda d, t: model.ideal(model.T_critical / t, d * model.rho_critical)
    residual = lambda d, t: model.residual(model.T_critical / t, d * model.rho_critical)

    def all_of(f):
        (d, t), ((dd, dt), (_, tt)) = jax.grad(f, (0, 1))(delta, tau), jax.hessian(f, (0, 1))(delta, tau)
        return dict(zip(TABLE_6, (f(delta, tau), d, dd, t, tt, dt), strict=True))

    found = jax.jit(lambda: (all_of(ideal), all_of(residual)))()
    for name, (first, second) in TABLE_6.items():
        assert as_printed(found[0][name], first), name
        assert as_printed(found[1][name], second), name


def test_table_7(x64):
    rows = printed_rows(TABLE_7)
    T, rho = (np.array([float(row[k]) for row in rows]) for k in (0, 1))
    state = bulk(water(), T, rho)
    found = zip(state.p / 1e3, state.cv / 1e3, state.w, state.s / 1e3, strict=True)
    for row, values in zip(rows, found, strict=True):
        for value, printed in zip(values, row[2:], strict=True):
            assert as_printed(value, printed), (row, float(value))


def test_table_8(x64):
    rows, model = printed_rows(TABLE_8), water()
    found = jax.jit(saturation_at_temperature)(model, np.array([float(row[0]) for row in rows]))
    assert not found.status.any()
    liquid, vapour = both_phases(model, found)
    energies = (liquid.h / 1e3, vapour.h / 1e3, liquid.s / 1e3, vapour.s / 1e3)
    columns = (found.p / 1e3, found.liquid, found.vapour, *energies)
    for row, values in zip(rows, zip(*columns, strict=True), strict=True):
        for value, printed in zip(values, row[1:], strict=True):
            if printed == "7.75972201":  # h' at 275 K; 7.7597220154 (and so in CoolProp) is printed cut off
                assert abs(float(value) - 7.7597220154) < 1e-9
            else:
                assert as_printed(value, printed), (row, float(value))


def test_virial_coefficients(x64):
    # computed from the 56 terms in closed form at 600 K
    found = virial_coefficients(water(), 600.0)
    assert as_printed(found.B, "-0.555366808e-2")
    assert as_printed(found.C, "-0.669015050e-5")


def both_phases(model, found):
    return bulk(model, found.T, found.liquid), bulk(model, found.T, found.vapour)


def states(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Random states, and all that is special about the critical point."""
    random = np.random.default_rng(7)
    T, rho = random.uniform(273.16, 1273.0, count), 10.0 ** random.uniform(-3.0, 3.08, count)
    # Deep inside the dome, where no fluid is, powers of tau up to 50 cancel and no two sums agree to many digits.
    T = np.where((T < 500.0) & (rho > 50.0) & (rho < 800.0), T + 500.0, T)
    T[:5] = [647.096, 647.096, 700.0, 647.0961, 647.0]
    rho[:5] = [322.0, 1.0, 322.0, 322.0, 322.001]
    return T, rho


def test_closed_forms_are_the_derivatives_of_the_published_function(x64):
    model, (T, rho) = water(), states(300)
    wanted = jax.jit(alpha_by_autodiff)(model, T, rho)
    reduced = model._reduced(T, rho)
    for form in (by_terms, quick):
        found = jax.jit(form.alpha)(*reduced, model.leaves)
        for name, value, right in zip(wanted._fields, found, wanted, strict=True):
            np.testing.assert_allclose(value, right, rtol=2e-11, atol=2e-11, err_msg=f"{form.__name__} {name}")


def test_the_quick_form_has_the_derivatives_of_the_plain_one(x64):
    model, (T, rho) = water(), states(20)
    delta, tau = model._reduced(T, rho)
    found, wanted = (
        jax.jit(jax.vmap(jax.grad(lambda d, t, f=form: f.alpha(d, t, model.leaves).d0t2, (0, 1))))(delta, tau)
        for form in (quick, by_terms)
    )
    for value, right in zip(found, wanted, strict=True):
        np.testing.assert_allclose(value, right, rtol=1e-12)


def test_gradients_and_hessians_are_finite_everywhere(x64):
    model = water()
    a = lambda z: model.ideal(z[0], z[1]) + model.residual(z[0], z[1])
    edge = np.array([647.096, 647.096 * (1 + 2e-16), 647.0959, 647.0961, 300.0, 1273.0])
    T, rho = map(np.ravel, np.meshgrid(edge, [322.0, 322.0 * (1 + 2e-16), 321.999, 322.001, 1e-6, 1000.0]))
    points = jnp.stack([T, rho], axis=-1)
    assert np.isfinite(jax.jit(jax.vmap(jax.grad(a)))(points)).all()
    assert np.isfinite(jax.jit(jax.vmap(jax.hessian(a)))(points)).all()
    for form in (by_terms, quick):
        values = jax.jit(form.alpha)(*model._reduced(T, rho), model.leaves)
        assert all(np.isfinite(x).all() for x in values)


def test_the_critical_point_is_a_point_of_inflection(x64):
    state = bulk(water(), 647.096, 322.0)
    scale = float(state.R * state.T)
    assert abs(float(state.p) / 22.064e6 - 1.0) < 1e-9
    assert abs(float(state.dp_drho)) / scale < 1e-9


def test_heat_capacity_grows_towards_the_critical_point(x64):
    """c_v on the critical isochore diverges as |tau - 1|^(2 b - 2), b = 0.85 of term 55."""
    cv = bulk(water(), 647.096 * (1.0 + np.array([1e-9, 1e-11, 1e-13])), np.full(3, 322.0)).cv
    jump = np.diff(np.log(np.asarray(cv)))
    assert (jump > 0.0).all()
    assert jump[1] == pytest.approx(0.3 * np.log(100.0), rel=0.35)


def test_saturation_lines_agree_with_each_other_and_with_the_sheet(x64):
    """Clapeyron slopes: computed from the published coefficients, eight digits."""
    model, solve = water(), jax.jit(saturation_at_temperature)
    T = np.array([300.0, 373.15, 450.0, 550.0])
    slope = jax.jit(jax.vmap(jax.grad(lambda T: saturation_at_temperature(model, T).p)))(T)
    for value, printed in zip(slope / 1e3, ("0.20790346", "3.6193368", "21.774364", "93.320018"), strict=True):
        assert as_printed(value, printed)
    found = solve(model, T)
    liquid, vapour = both_phases(model, found)
    clapeyron = (vapour.s - liquid.s) / (1.0 / vapour.rho - 1.0 / liquid.rho)
    np.testing.assert_allclose(slope, clapeyron, rtol=1e-9)
    assert as_printed(found.p[0] / 1e3, "3.5368068")
    back = jax.jit(saturation_at_pressure)(model, found.p)
    np.testing.assert_allclose(back.T, T, rtol=1e-12)
    assert as_printed(jax.jit(saturation_at_pressure)(model, 101325.0).T, "373.1242958477")


def test_saturation_close_to_the_critical_point(x64):
    """Down to half a millikelvin; the order parameter falls with T_c - T, and their mean stays."""
    T = 647.096 - np.array([1.0, 0.1, 0.01, 1e-3, 5e-4])
    found = jax.jit(saturation_at_temperature)(water(), T)
    assert not found.status.any()
    gap = np.asarray(found.liquid - found.vapour)
    assert (np.diff(gap) < 0.0).all() and gap[-1] > 1.0
    middle = 0.5 * (found.liquid + found.vapour)
    np.testing.assert_allclose(middle[1:], 322.0, atol=0.1)  # the diameter of the dome ends at the critical density


def test_no_saturation_at_or_above_the_critical_point(x64):
    found = jax.jit(saturation_at_temperature)(water(), np.array([647.096, 800.0, 300.0]))
    assert np.isnan(found.p[:2]).all() and np.isfinite(found.p[2])
    assert found.status.tolist() == [8, 8, 0]
