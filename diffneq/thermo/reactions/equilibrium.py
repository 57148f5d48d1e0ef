"""Chemical equilibrium: the mixture of least Gibbs energy, or of most entropy, that some elements can form."""

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, ArrayLike, Float

from diffneq.thermo.reactions.devices import states
from diffneq.thermo.reactions.feed import check_amounts, feed_properties, read_feed
from diffneq.thermo.reactions.results import to_dataset
from diffneq.thermo.reactions.solver.problems import KINDS, Kind, Sizes
from diffneq.thermo.reactions.solver.state import State, equilibrium_state
from diffneq.thermo.reactions.table import Arrays, Table, tabulate
from diffneq.thermo.species import library
from diffneq.thermo.species.species import ATMOSPHERE, Species


def equilibrium(
    candidates: Iterable[Species],
    feed: Mapping[str, Any] | None = None,
    *,
    problem: Kind = "TP",
    T: Any = None,
    P: Any = ATMOSPHERE,
    x: Mapping[str, Any] | None = None,
    elements: Mapping[str, Any] | None = None,
    H: Any = None,
    S: Any = None,
    U: Any = None,
    V: Any = None,
    suspended: Iterable[str] = (),
    extrapolate: bool = False,
) -> xr.Dataset:
    """min G at T, P (or F at T, V; or the T at which H, S or U is as given) over all n >= 0 with A n = b.

    Gases mix ideally; condensed candidates are pure phases without volume.

    Arguments:
        candidates: species of one standard pressure, for example `species_of("nasa", "CHO")`.
        feed: species -> moles, names of candidates (or, for TP and TV, any formula).
        problem: what is fixed: TP, HP, SP, TV or UV.
        T, P: of the feed, K and Pa. For TP those of the result; else the feed's H, S, U and V at T and P are kept.
        x: mole fractions of the feed, which sum to 1, instead of `feed`.
        elements: symbol -> moles, instead of a feed.
        H, S, U, V: of the whole vessel, J, J/K, J, m3, in the place of the feed's.
        suspended: candidates that are left out, and whose driving force is reported.
        extrapolate: allow temperatures beyond the range of a gas's polynomial; such states are marked. Condensed phases
            are then candidates at all temperatures, else only in their own range.

    Numbers, or arrays of one length for many conditions, or `xarray.DataArray`s with dimensions of their own.

    Returns a dataset: `n` (mol), `y` (mole fractions in the gas), `mu` of the elements (J/mol), T, P, H, S, G, U, V,
    `driving` (J/mol by which G of a species that is not there lies above the plane; negative for one that is suspended:
    it would form; NaN where it does not exist at T), `certificate` (the lowest of the candidates', 0 at the minimum),
    `balance`, `status` (0: certified).

    Raises:
        ValueError: in one sentence, what is wrong with names, amounts, temperatures or the problem.

    >>> with jax.enable_x64(True):
    ...     made = equilibrium(species_of("shomate", ["N2", "H2", "NH3"]), {"N2": 1, "H2": 3}, T=700.0, P=1e7)
    >>> round(float(made.y.sel(species="NH3")), 4)
    0.1963
    """
    if problem not in KINDS:
        raise ValueError(f"problem is one of {', '.join(KINDS)}, not {problem!r}.")
    known = {s.name: s for s in candidates}
    aside = library.choose(suspended, known, "the candidates")
    table = tabulate([s for s in known.values() if s not in aside])
    if x is not None and feed is not None:
        raise ValueError("Give either feed= (moles) or x= (mole fractions).")
    amounts, atoms = read_feed(table, known, x if x is not None else feed, elements)
    wanted = {"T": T, "P": P, "H": H, "S": S, "U": U, "V": V}
    names, arrays, dims = _together(amounts, {k: v for k, v in wanted.items() if v is not None})
    values = dict(zip(names, arrays, strict=True))
    moles = {name: values["n", name] for name in amounts}
    check_amounts(moles, x is not None)
    _check_conditions(values, problem)
    first, second = _fixed(problem, values, moles, known, elements is None, extrapolate)
    if problem.startswith("T") and not extrapolate:
        for name in table.gases:
            known[name].check_range(values["T"])
    b = np.stack([sum(n * atoms[name].get(e, 0.0) for name, n in moles.items()) for e in table.elements])
    sizes = Sizes(table.room, table.chosen, extrapolate)
    state = states(table.arrays, sizes, problem, first, second, b, _span(table, extrapolate))
    return to_dataset(table, known, aside, state, b, dims)


def _together(amounts: Mapping[str, Any], rest: Mapping[str, Any]):
    """Everything broadcast and flattened, and the dimensions they had."""
    named = {**{("n", name): value for name, value in amounts.items()}, **rest}
    arrays = []
    for value in named.values():
        if isinstance(value, xr.DataArray):
            arrays.append(value)
            continue
        array = np.asarray(value, float)
        if array.ndim > 1:
            raise ValueError("Give numbers, 1-D arrays, or xarray.DataArrays with named dimensions.")
        arrays.append(xr.DataArray(array, dims=("condition",) if array.ndim else ()))
    lengths = {a.sizes["condition"] for a in arrays if "condition" in a.dims}
    if len(lengths) > 1:
        raise ValueError(f"Arrays of lengths {', '.join(map(str, sorted(lengths)))} do not go together.")
    together = xr.broadcast(*arrays)
    return tuple(named), [np.asarray(a.values, float).reshape(-1) for a in together], together[0]


def _check_conditions(values: Mapping[Any, np.ndarray], problem: str) -> None:
    for name in ("T", "P", "V"):
        if name in values and not (np.isfinite(values[name]) & (values[name] > 0)).all():
            raise ValueError(f"{name} must be finite and positive.")
    if "T" not in values and (problem.startswith("T") or problem[0] not in values):
        raise ValueError(f"Give T: {'the temperature' if problem.startswith('T') else 'of the feed'}, K.")


def _fixed(problem, values, moles, known, has_feed: bool, extrapolate: bool) -> tuple[np.ndarray, np.ndarray]:
    """The two quantities of the problem: as given, or those of the feed at T and P."""
    missing = [q for q in problem if q not in values]
    if missing and not has_feed:
        raise ValueError(f"With elements instead of a feed the problem {problem} needs {' and '.join(missing)}.")
    have = feed_properties(moles, known, values["T"], values["P"], extrapolate) if missing else {}
    first, second = (values[q] if q in values else have[q] for q in problem)
    if problem.endswith("V") and not (second > 0).all():
        raise ValueError("The feed holds no gas, so it has no volume; give V.")
    return first, second


def _span(table: Table, extrapolate: bool) -> np.ndarray:
    low, high = table.range
    return np.array([low / 2.0, high * 1.5] if extrapolate else [low, high])


def species_of(source: str, names: Iterable[str], also: Iterable[Species] = ()) -> tuple[Species, ...]:
    """Species of a collection by name, or all that consist of some elements (a string of symbols such as "CHO").

    Raises:
        ValueError: an unknown collection or name, with close ones; elements that no species consists of.

    >>> with jax.enable_x64(True):
    ...     [s.name for s in species_of("gri30", "HO")]
    ['H2', 'H', 'O', 'O2', 'OH', 'H2O', 'HO2', 'H2O2']
    """
    among = library.collection(source)
    if not isinstance(names, str):
        return (*library.choose(names, among, f"the collection '{source}'"), *also)
    symbols = set(library.parse_formula(names))
    found = tuple(s for s in among.values() if {e for e, _ in s.elements} <= symbols)
    if not found:
        raise ValueError(f"The collection '{source}' has no species of {names}.")
    return (*found, *also)


def equilibrium_at(
    table: Table,
    first: ArrayLike,
    second: ArrayLike,
    b: Float[Array, "elements"] | Float[Array, "elements B"],
    problem: Kind = "TP",
    arrays: Arrays | None = None,
    extrapolate: bool = False,
) -> State:
    """The equilibrium as a pure function, for `jax.jit`, `jax.grad`, `jax.jvp`; forward, backward and repeatedly.

    Arguments:
        table: from `tabulate`.
        first, second: what `problem` says, T (K), P (Pa), H (J), S (J/K), U (J), V (m3); numbers or (B,).
        b: moles of the elements in the order of `table.elements`, the batch last.
        arrays: in place of `table.arrays`, to differentiate with respect to the data of the species.

    Derivatives follow the implicit function theorem at the phases that are stable.

    >>> with jax.enable_x64(True):
    ...     table = tabulate(species_of("shomate", ["N2", "H2", "NH3"]), ["N", "H"])
    ...     made = lambda T: equilibrium_at(table, T, 1e7, jnp.array([2.0, 6.0])).n[2, 0]
    ...     value, slope = jax.value_and_grad(made)(700.0)
    >>> round(float(value), 4), round(float(slope), 6)
    (0.6563, -0.004761)
    """
    b = jnp.asarray(b, float)
    b = b[:, None] if b.ndim == 1 else b
    first, second = jnp.atleast_1d(jnp.asarray(first, float)), jnp.atleast_1d(jnp.asarray(second, float))
    B = max(b.shape[1], len(first), len(second))
    first, second = jnp.broadcast_to(first, (B,)), jnp.broadcast_to(second, (B,))
    b = jnp.broadcast_to(b, (b.shape[0], B))
    sizes = Sizes(table.room, table.chosen, extrapolate)
    return _at(arrays or table.arrays, sizes, problem, first, second, b, jnp.asarray(_span(table, extrapolate)))


_at = jax.jit(equilibrium_state, static_argnums=(1, 2))
