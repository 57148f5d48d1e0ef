"""A liquid mixture with its vapour: what one has to know to calculate phase equilibria of it."""

import itertools
from collections.abc import Sequence
from typing import Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffneq.thermo.mixtures.data.binaries import NRTL, UNIQUAC, WILSON
from diffneq.thermo.mixtures.data.substances import Substance, substance
from diffneq.thermo.mixtures.models.excess import GAS_CONSTANT, ExcessModel
from diffneq.thermo.mixtures.models.ideal import Ideal
from diffneq.thermo.mixtures.models.nrtl import nrtl
from diffneq.thermo.mixtures.models.uniquac import uniquac
from diffneq.thermo.mixtures.models.wilson import wilson
from diffneq.thermo.mixtures.properties import log_gamma
from diffneq.thermo.mixtures.saturation import MolarVolumes, VapourPressures, dippr101, molar_volumes
from diffneq.thermo.mixtures.virial import VirialVapour, tsonopoulos

ModelName = Literal["NRTL", "Wilson", "UNIQUAC", "ideal"]


class Mixture(eqx.Module):
    """gamma_i x_i f_i(T, P) = phi_i y_i P, f_i = P_sat phi_sat exp[V (P - P_sat)/(R T)].

    `liquid`, one excess Gibbs energy; `saturation`, vapour pressures; `vapour`, None for an ideal gas; `volumes`, None
    to leave out Poynting's factor. `names` of the components are in the order of all arrays.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    liquid: ExcessModel
    saturation: VapourPressures
    vapour: VirialVapour | None = None
    volumes: MolarVolumes | None = None

    def __check_init__(self):
        sizes = {self.saturation.low.shape[0], self.liquid.size, len(self.names)} - {None}
        if len(sizes) > 1:
            raise ValueError(
                f"Mixture: names, liquid and saturation count {len(self.names)}, {self.liquid.size} and "
                f"{self.saturation.low.shape[0]} components; they must agree."
            )

    def pure(self, T, P) -> Float[Array, " n"]:
        """ln f_i(T, P), fugacities of the pure liquids in Pa."""
        saturated = self.saturation.log(T)
        result = saturated
        if self.vapour is not None:
            result = result + self.vapour.log_phi_pure(T, jnp.exp(saturated))
        if self.volumes is not None:
            result = result + self.volumes(T) * (P - jnp.exp(saturated)) / (GAS_CONSTANT * T)
        return result

    def log_phi(self, T, P, y: Float[Array, " n"]) -> Float[Array, " n"]:
        """ln phi_i of the vapour."""
        return jnp.zeros_like(y) if self.vapour is None else self.vapour.log_phi(T, P, y)

    def log_K(self, T, P, x: Float[Array, " n"], y: Float[Array, " n"]) -> Float[Array, " n"]:
        """ln K_i = ln(y_i/x_i) = ln gamma_i + ln f_i - ln phi_i - ln P."""
        return log_gamma(self.liquid, T, x) + self.pure(T, P) - self.log_phi(T, P, y) - jnp.log(P)

    def doubtful(self, T, P, y: Float[Array, " n"]):
        """Whether the vapour is too dense for its model."""
        return jnp.asarray(False) if self.vapour is None else self.vapour.doubtful(T, P, y)


def mixture(
    names: Sequence[str], model: ModelName | ExcessModel = "NRTL", vapour: Literal["ideal", "virial"] = "ideal",
    poynting: bool = False,
) -> Mixture:  # fmt: skip
    """A `Mixture` of tabulated substances.

    Arguments: `names` of substances (`data.substances`); `model`, the name of one with tabulated parameters
    (`data.binaries`) or any `ExcessModel`; `vapour`, "ideal" or "virial" (Tsonopoulos; ChemSep's binary parameters
    were fitted with the ideal gas); `poynting`, the correction of liquid fugacities for the pressure.

    Raises:
        ValueError: x64 is off, an unknown substance, a pair without parameters of the model (it names models that
            have them), an acid in a virial vapour.

    >>> with jax.enable_x64(True):
    ...     mixture(["ethanol", "water"]).names
    ('ethanol', 'water')
    """
    if not jax.config.jax_enable_x64:  # pyright: ignore[reportAttributeAccessIssue]
        raise ValueError("Phase equilibria need float64: call jax.config.update('jax_enable_x64', True) first.")
    known = [substance(name) for name in names]
    if len(known) < 2 or len({each.name for each in known}) < len(known):
        raise ValueError("A mixture needs two or more different substances.")
    if vapour not in ("ideal", "virial"):
        raise ValueError(f"vapour must be 'ideal' or 'virial', not {vapour!r}.")
    if vapour == "virial" and any(each.name == "acetic acid" for each in known):
        raise ValueError("The vapour of acetic acid dimerises, which no second virial coefficient describes.")
    return Mixture(
        tuple(each.name for each in known),
        tabulated(known, model) if isinstance(model, str) else model,
        dippr101(known),
        tsonopoulos(known) if vapour == "virial" else None,
        molar_volumes(known) if poynting else None,
    )


def tabulated(substances: Sequence[Substance], model: ModelName) -> ExcessModel:
    """A model with the parameters of `data.binaries`; see `mixture`."""
    if model not in get_args(ModelName):
        raise ValueError(f"model must be one of {', '.join(get_args(ModelName))}, not {model!r}.")
    names = [each.name for each in substances]
    if model == "NRTL":
        b, alpha = _matrices(names, "NRTL", lambda p: ((p[0], p[1]), (p[2], p[2])))
        return nrtl(b=b, alpha=alpha)
    if model == "Wilson":
        a, b = _matrices(names, "Wilson", lambda p: ((p[0], p[1]), (p[2], p[3])))
        return wilson(a, b)
    if model == "UNIQUAC":
        (b,) = _matrices(names, "UNIQUAC", lambda p: ((p[0], p[1]),))
        return uniquac([each.r for each in substances], [each.q for each in substances], b=b)
    return Ideal(len(names))


_TABLES = {"NRTL": NRTL, "Wilson": WILSON, "UNIQUAC": UNIQUAC}


def _matrices(names: Sequence[str], model: str, parts) -> list[np.ndarray]:
    """Matrices (n, n) from the rows of a table; `parts` makes pairs (12, 21) of a row."""
    result: list[np.ndarray] = []
    for i, j in itertools.combinations(range(len(names)), 2):
        for matrix_index, (forward, backward) in enumerate(parts(_row(names[i], names[j], model))):
            if len(result) <= matrix_index:
                result.append(np.zeros((len(names), len(names))))
            flipped = (names[i], names[j]) not in _TABLES[model]
            result[matrix_index][i, j] = backward if flipped else forward
            result[matrix_index][j, i] = forward if flipped else backward
    return result


def _row(first: str, second: str, model: str):
    table = _TABLES[model]
    for key in ((first, second), (second, first)):
        if key in table:
            return table[key]
    others = [name for name, t in _TABLES.items() if (first, second) in t or (second, first) in t]
    hint = f"choose model={others[0]!r}, or give" if others else "give"
    raise ValueError(
        f"There are no {model} parameters of {first} and {second} in the table; {hint} an ExcessModel of your own."
    )
