"""Parts of the equilibrium solver, each against a plain calculation: linear systems, hull, blocks, grid, energies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calphad_systems import wheel
from scipy.optimize import linprog

from diffneq.thermo.calphad.energy import formula_energy, formula_moles
from diffneq.thermo.calphad.sizes import bucket
from diffneq.thermo.calphad.solver import hull
from diffneq.thermo.calphad.solver.dispatch import all_blocks, for_each_block
from diffneq.thermo.calphad.solver.energies import Coefficients, Phase, evaluate
from diffneq.thermo.calphad.solver.grid import make_grid
from diffneq.thermo.calphad.solver.linear import solve_definite, solve_pivoted
from diffneq.thermo.calphad.solver.monomials import monomials
from diffneq.thermo.calphad.solver.points import NEVER, Points, grid_energies, smallest
from diffneq.thermo.calphad.solver.response import response
from diffneq.thermo.calphad.solver.slots import Slots, merged
from diffneq.thermo.calphad.solver.symmetry import equivalent_sublattices, representatives


@pytest.fixture(autouse=True)
def batch_last(x64):
    """The layout of the solver: quantities without a batch meet those with one."""
    with jax.numpy_rank_promotion("allow"):
        yield


def random_constitution(system, phase, rng, count=1):
    """(n_y, count), dirichlet on every sublattice, 1 in the padding."""
    y = np.ones((system.tables.sizes[2], count))
    for row in np.asarray(system.tables.sites[phase]):
        places = np.flatnonzero(row)
        if len(places):
            y[places] = rng.dirichlet(np.ones(len(places)), count).T
    return y


# Linear systems


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_definite_systems(n):
    rng = np.random.default_rng(n)
    half = rng.normal(size=(6, n, n))
    A, R = half @ half.transpose(0, 2, 1) + np.eye(n), rng.normal(size=(6, n, 3))
    x, smallest_pivot = solve_definite(jnp.asarray(A.transpose(1, 2, 0)), jnp.asarray(R.transpose(1, 2, 0)), 1e-12)
    np.testing.assert_allclose(np.moveaxis(x, 2, 0), np.linalg.solve(A, R), rtol=1e-9, atol=1e-12)
    pivots = [np.diag(np.linalg.cholesky(a)) ** 2 for a in A]
    np.testing.assert_allclose(smallest_pivot, np.min(pivots, axis=1), rtol=1e-9)


def test_indefinite_systems_step_downhill():
    A = jnp.asarray(np.diag([2.0, -0.5]))[..., None]
    g = jnp.array([1.0, 1.0])[:, None, None]
    x, pivot = solve_definite(A, -g, 1e-2)
    assert pivot[0] == -0.5
    np.testing.assert_allclose(x[:, 0, 0], [-0.5, -2.0])  # -g/|d|, against the gradient on both axes


def test_small_pivots_are_raised_to_the_floor():
    x, pivot = solve_definite(jnp.full((1, 1, 1), 1e-9), jnp.ones((1, 1, 1)), 1e-2)
    assert x[0, 0, 0] == pytest.approx(100.0) and pivot[0] == 1e-9


@pytest.mark.parametrize("n", [1, 3, 8])
def test_pivoted_systems(n):
    rng = np.random.default_rng(n)
    # rows of very different size, and a zero diagonal, as in the system of Newton's method
    A = rng.normal(size=(7, n, n)) * 10.0 ** rng.uniform(-6, 6, (7, n, 1))
    if n > 1:
        A[:, range(n), range(n)] = 0.0
    R = rng.normal(size=(7, n, 2))
    x, _ = solve_pivoted(jnp.asarray(A.transpose(1, 2, 0)), jnp.asarray(R.transpose(1, 2, 0)))
    residual = np.einsum("bij,bjk->bik", A, np.moveaxis(x, 2, 0)) - R
    scale = np.abs(A).max(axis=2, keepdims=True) * np.abs(np.moveaxis(x, 2, 0)).max(axis=1, keepdims=True)
    assert np.abs(residual / (scale + np.abs(R))).max() < 1e-13


def test_singular_systems_are_seen_in_the_pivot_and_leave_the_unknown_at_zero():
    A = jnp.array([[1.0, 1.0], [2.0, 2.0]])[..., None]
    x, pivot = solve_pivoted(A, jnp.array([3.0, 6.0])[:, None, None])
    assert pivot[0] < 1e-14
    np.testing.assert_allclose(x[:, 0, 0], [3.0, 0.0])


# The hull


def random_program(elements, seed, points=300, lanes=5):
    rng = np.random.default_rng(seed)
    x = np.concatenate([np.eye(elements), rng.dirichlet(np.ones(elements), points)])
    g = rng.normal(size=(len(x), lanes)) * 0.3 + 3.0 * np.sum(x * np.log(np.maximum(x, 1e-300)), axis=1)[:, None]
    right = rng.dirichlet(np.ones(elements), lanes).T
    return x, g, right


@pytest.mark.parametrize("elements", [1, 2, 3, 5])
def test_hull_is_the_minimum_of_the_linear_program(elements):
    x, g, right = random_program(elements, elements)
    lanes = g.shape[1]
    rows = jnp.broadcast_to(jnp.eye(elements)[..., None], (elements, elements, lanes))
    demand = hull.Demand(rows, jnp.asarray(right), jnp.zeros((elements, lanes)))
    pool = hull.empty_pool(0, elements, 1, lanes)
    start = hull.first_basis(demand, len(x))
    basis = hull.solve(jnp.asarray(g), jnp.asarray(x), pool, demand, start, jnp.ones(lanes, bool))
    mu = hull.potentials(basis, demand)
    for lane in range(lanes):
        best = linprog(g[:, lane], A_eq=x.T, b_eq=right[:, lane])
        assert float(jnp.sum(basis.amount[:, lane] * basis.cost[:, lane])) == pytest.approx(best.fun, abs=1e-8)
        assert float(mu[:, lane] @ right[:, lane]) == pytest.approx(best.fun, abs=1e-8)
        np.testing.assert_allclose(x[basis.column[:, lane]].T @ basis.amount[:, lane], right[:, lane], atol=1e-12)
    assert np.min(g - x @ np.asarray(mu)) > -2e-9  # no column below the plane by more than the entering limit


def test_hull_with_a_prescribed_potential():
    """One row less: minimise G - mu_0 x_0 per mole of the others."""
    x, g, _ = random_program(3, 8)
    lanes = g.shape[1]
    fixed = np.zeros((3, lanes))
    fixed[0] = np.linspace(-6.0, -4.0, lanes)
    rows = np.zeros((2, 3, lanes))
    rows[0, 1], rows[1, 2] = 1.0, 1.0
    right = np.tile([[0.35], [0.65]], lanes)
    demand = hull.Demand(jnp.asarray(rows), jnp.asarray(right), jnp.asarray(fixed))
    start = hull.first_basis(demand, len(x))
    pool = hull.empty_pool(0, 3, 1, lanes)
    basis = hull.solve(jnp.asarray(g), jnp.asarray(x), pool, demand, start, jnp.ones(lanes, bool))
    mu = np.asarray(hull.potentials(basis, demand))
    np.testing.assert_allclose(mu[0], fixed[0], rtol=1e-12)
    for lane in range(lanes):
        best = linprog(g[:, lane] - x @ fixed[:, lane], A_eq=x[:, 1:].T, b_eq=right[:, lane])
        assert mu[1:, lane] @ right[:, lane] == pytest.approx(best.fun, abs=1e-8)


def test_columns_of_the_pool_enter_and_unwanted_lanes_stay():
    x, g, right = random_program(2, 1, lanes=2)
    demand = hull.Demand(jnp.broadcast_to(jnp.eye(2)[..., None], (2, 2, 2)), jnp.asarray(right), jnp.zeros((2, 2)))
    pool = hull.empty_pool(3, 2, 1, 2)
    pool = pool._replace(g=pool.g.at[1].set(-50.0), x=pool.x.at[1].set(jnp.asarray(right)))
    start = hull.first_basis(demand, len(x) + 3)
    basis = hull.solve(jnp.asarray(g), jnp.asarray(x), pool, demand, start, jnp.array([True, False]))
    assert float(hull.potentials(basis, demand)[:, 0] @ right[:, 0]) == pytest.approx(-50.0)
    np.testing.assert_array_equal(basis.column[:, 1], start.column[:, 1])


def test_smallest_value_and_its_place():
    values = np.random.default_rng(0).normal(size=(777, 9)) * 1e4
    values[5] = NEVER
    index, value = smallest(jnp.asarray(values))
    # the index takes 10 of 52 bits: values that agree to 2^-42 may be exchanged, and these do not
    np.testing.assert_array_equal(index, values.argmin(axis=0))
    np.testing.assert_array_equal(value, values.min(axis=0))


# Blocks


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 1.0])
def test_blocks_visit_every_wanted_pair_once_with_its_phase(share):
    rng = np.random.default_rng(3)
    pairs, phases, width = 203, 5, 8
    phase, wanted = rng.integers(0, phases, pairs), rng.random(pairs) < share
    phase[phase == 2] = 3  # one phase that nobody has
    visits = jnp.zeros((2, pairs), int)

    def body(carry, own, pair):
        return carry.at[0, pair].add(1, mode="drop").at[1, pair].add(own, mode="drop")

    visits = for_each_block(body, visits, jnp.asarray(phase, jnp.int32), jnp.asarray(wanted), phases, width)
    np.testing.assert_array_equal(visits[0], wanted)
    np.testing.assert_array_equal(visits[1], np.where(wanted, phase, 0))
    own, pair = all_blocks(jnp.asarray(phase, jnp.int32), jnp.asarray(wanted), phases, width)
    seen = [(int(p), int(j)) for p, row in zip(own, pair, strict=True) for j in row if j < pairs]
    assert sorted(seen) == sorted((int(phase[j]), int(j)) for j in np.flatnonzero(wanted))


def test_merging_keeps_the_amounts_and_other_phases():
    phase = jnp.array([[0], [0], [1], [0]], jnp.int32)
    y = jnp.array([[0.30, 0.31, 0.30, 0.90], [0.70, 0.69, 0.70, 0.10]])[..., None]
    slots = merged(Slots(phase, y, jnp.array([[0.2], [0.6], [0.1], [0.1]]), jnp.ones((4, 1), bool)), 0.02)
    np.testing.assert_array_equal(slots.active[:, 0], [True, False, True, True])
    np.testing.assert_allclose(slots.amount[:, 0], [0.8, 0.0, 0.1, 0.1])
    np.testing.assert_allclose(slots.y[0, 0, 0], 0.25 * 0.30 + 0.75 * 0.31)  # the mean, by amounts


# Mirror images and the grid

SYMMETRIES = [
    ("alni_dupin_2001.tdb", "AL NI", "BCC_B2", [2]),
    ("alni_dupin_2001.tdb", "AL NI", "FCC_L12", []),  # 3 : 1
    ("alni_dupin_2001.tdb", "AL NI", "AL3NI2", []),
    # In the bcc tetrahedron only second neighbours can be exchanged alone, not any two of the four sublattices.
    ("Al-Fe_sundman2009.tdb", "AL FE", "BCC_4SL", [2, 2]),
    ("CoV-20Wan.tdb", "CO V", "SIGMA_D8B", []),
]


@pytest.mark.parametrize("name, elements, phase, sizes", SYMMETRIES)
def test_equivalent_sublattices(name, elements, phase, sizes):
    system = wheel(name, elements, phase)
    assert [len(group) for group in equivalent_sublattices(system.tables)[0]] == sizes


def test_one_of_every_set_of_mirror_images_is_kept():
    rng = np.random.default_rng(4)
    group = [np.array([0, 1]), np.array([2, 3]), np.array([4, 5])]
    first = rng.dirichlet(np.ones(2), (20, 3)).reshape(20, 6)
    blocks = first.reshape(20, 3, 2)
    images = np.concatenate([blocks[:, list(p)] for p in ((0, 1, 2), (2, 1, 0), (1, 2, 0))]).reshape(60, 6)
    kept = representatives(images, [group])
    assert len(kept) == 20
    as_sets = lambda points: sorted(tuple(sorted(map(tuple, p.reshape(3, 2).round(9)))) for p in points)
    assert as_sets(kept) == as_sets(first)


@pytest.mark.parametrize(
    "name, elements",
    [
        ("alni_dupin_2001.tdb", "AL NI"),
        ("al2o3_nd2o3_zro2.tdb", "ND O ZR"),
        ("cuo.tdb", "CU O"),
        ("alcocrni.tdb", "AL CO CR"),
    ],
)
def test_grid_holds_valid_constitutions_of_every_phase(name, elements):
    system = wheel(name, elements)
    grid = make_grid(system.tables, 1.0)
    sites, charge = np.asarray(system.tables.sites), np.asarray(system.tables.charge)
    for i, record in enumerate(system.phases):
        y = grid.y[grid.phase == i][grid.valid[grid.phase == i]]
        sums = y @ sites[i].T
        used = sites[i].any(axis=1)
        np.testing.assert_allclose(sums[:, used], 1.0, rtol=0, atol=1e-12)
        assert (y > 0).all()
        if record.is_charged:  # corners hold 1e-13 of the absent species
            assert np.abs(y @ charge[i]).max() < 1e-6
        free = sum(int(row.sum()) - 1 for row in sites[i][used])
        assert grid.freedom[i] == free - int(record.is_charged and charge[i].any())
        assert len(y) >= 1


def test_density_multiplies_the_points_inside():
    tables = wheel("cumg.tdb", "CU MG", "FCC_A1 LIQUID").tables
    few, many = (make_grid(tables, density).valid.sum() for density in (1.0, 3.0))
    assert few == 2 * (2 + 58 + 6)
    assert many == 2 * (2 + 3 * 58 + 6)


def test_pure_elements_are_on_the_grid():
    system = wheel("crtiv_ghosh.tdb", "CR TI V")
    searcher_points = Points.of(system.tables, stack_of(system), make_grid(system.tables, 1.0))
    x = np.asarray(searcher_points.x)
    for e in range(3):
        assert (x[:, e] > 1 - 1e-9).any()


# Energies


def stack_of(system):
    return jax.tree.map(jnp.asarray, Phase.all_of(system.tables, monomials(system.tables)))


def coefficients_of(system, T, lanes):
    R = system.tables.gas_constant
    T = jnp.full(lanes, T)
    energy = system.tables.energy_coefficients(T, jnp.full(lanes, 101325.0)) / (R * T)
    return energy, system.tables.physical_coefficients(T, jnp.full(lanes, 101325.0)), T, R


DERIVATIVES = [
    ("alni_dupin_2001.tdb", "AL NI", 0.0),  # ordered, vacancies, magnetic
    ("crtiv_ghosh.tdb", "CR TI V", 0.0),
    ("CoV-20Wan.tdb", "CO V", 0.0),
    ("femn.tdb", "FE MN", 0.0),  # Einstein, two-state, Xiong
    ("cuo.tdb", "CU O", 0.7),  # ionic liquid and gas; the Hessian is then of G - mu . M
    ("al2o3_nd2o3_zro2.tdb", "ND O ZR", 0.0),
]


@pytest.mark.parametrize("name, elements, slope", DERIVATIVES)
def test_energy_gradient_and_hessian_in_closed_form(name, elements, slope):
    """Against derivatives of `formula_energy` by differentiation of the code; 1e-9 of the largest entry is rounding."""
    system = wheel(name, elements)
    tables, stack, T, lanes = system.tables, stack_of(system), 911.0, 3
    energy, physical, temperatures, R = coefficients_of(system, T, lanes)
    mu = slope * jnp.arange(1.0, tables.sizes[1] + 1)
    rng = np.random.default_rng(6)

    @jax.jit
    def reference(phase, y):
        plain = lambda y: formula_energy(tables, phase, T, 101325.0, y) / (R * T)
        shifted = lambda y: plain(y) - mu @ formula_moles(tables, phase, y)
        moles = lambda y: formula_moles(tables, phase, y)
        return plain(y), jax.grad(plain)(y), jax.hessian(shifted)(y), moles(y), jax.jacfwd(moles)(y)

    @jax.jit
    def ours(phase, y):
        c = Coefficients(energy[phase], physical[phase], temperatures, R)
        return evaluate(stack.at(phase), c, y, tables.channels, jnp.repeat(mu[:, None], lanes, 1))

    for i in range(len(system.phases)):
        y = jnp.asarray(random_constitution(system, i, rng, lanes))
        found, present = ours(i, y), np.asarray(tables.present[i])
        for lane in range(lanes):
            value, gradient, hessian, moles, slopes = reference(i, y[:, lane])
            close = lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-9 * (1 + np.abs(b).max()))
            close(found.value[lane], value)
            close(found.gradient[present, lane], gradient[present])
            both = np.ix_(present, present)
            close(found.hessian[..., lane][both], hessian[both])
            close(found.moles[:, lane], moles)
            close(found.moles_gradient[:, present, lane], slopes[:, present])


def test_energies_of_the_grid_are_those_of_the_phases():
    system = wheel("alni_dupin_2001.tdb", "AL NI")
    tables, stack, grid = system.tables, stack_of(system), make_grid(system.tables, 1.0)
    points = Points.of(tables, stack, grid)
    energy, physical, T, R = coefficients_of(system, 1234.0, 1)
    g = np.asarray(grid_energies(points, energy, physical, T, R, tables.channels))[:, 0]
    rng, flat, phase = np.random.default_rng(7), grid.y.reshape(len(g), -1), np.repeat(grid.phase, grid.y.shape[1])
    reference = jax.jit(lambda i, y: formula_energy(tables, i, 1234.0, 101325.0, y) / (R * 1234.0))
    for place in rng.choice(np.flatnonzero(grid.valid.reshape(-1)), 60, replace=False):
        atoms = float(points.atoms.reshape(-1)[place])
        expected = float(reference(phase[place], jnp.asarray(flat[place]))) / atoms
        assert g[place] == pytest.approx(expected, abs=1e-10)
    assert (g[~grid.valid.reshape(-1)] == NEVER).all()


@pytest.mark.parametrize("name, elements", [("alni_dupin_2001.tdb", "AL NI"), ("al2o3_nd2o3_zro2.tdb", "ND O ZR")])
def test_response_solves_the_constrained_newton_step(name, elements):
    """Against the dense saddle-point system [H A'; A 0] with A the sublattice sums and the charge."""
    system = wheel(name, elements)
    tables, stack, lanes = system.tables, stack_of(system), 4
    energy, physical, T, R = coefficients_of(system, 1500.0, lanes)
    rng = np.random.default_rng(9)
    for i in range(len(system.phases)):
        y, phase = jnp.asarray(random_constitution(system, i, rng, lanes)), stack.at(i)
        present, sites = np.asarray(tables.present[i]), np.asarray(tables.sites[i])
        e = evaluate(phase, Coefficients(energy[i], physical[i], T, R), y, tables.channels)
        r = response(phase, e, y, 0.0)
        mu = jnp.asarray(rng.normal(size=(tables.sizes[1], lanes)))
        step = np.asarray(r.at(mu) * y)[present]
        A = sites[sites.any(axis=1)][:, present]
        charge = np.asarray(tables.charge[i])[present]
        A = np.vstack([A, charge]) if charge.any() else A
        for lane in range(lanes):
            H = np.asarray(e.hessian[..., lane])[np.ix_(present, present)]
            slope = np.asarray(e.gradient - jnp.einsum("eyb,eb->yb", e.moles_gradient, mu))[present, lane]
            system_matrix = np.block([[H, A.T], [A, np.zeros((len(A), len(A)))]])
            left = charge @ np.asarray(y)[present, lane] if charge.any() else 0.0
            right = np.concatenate([-slope, np.zeros(len(A))])
            right[-1] -= left
            exact = np.linalg.lstsq(system_matrix, right, rcond=1e-13)[0][: present.sum()]
            if float(r.stiffness[lane]) > 1e-3 and np.linalg.matrix_rank(A) == len(A):
                np.testing.assert_allclose(step[:, lane], exact, rtol=0, atol=1e-7 * (1 + np.abs(exact).max()))


@pytest.mark.parametrize("n, size", [(1, 1), (2, 2), (5, 6), (17, 24), (24, 24), (25, 32)])
def test_buckets(n, size):
    assert bucket(n) == size
