"""What an exactly solved driven system knows of its work: one generating function, and cumulants by differentiation."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.stats import norm


class ExactWork(eqx.Module):
    """A system in equilibrium at temperature T that is driven for a while; W is the work done on it.

    What a system gives: `cumulant_generating_function(s)`, K(s) = ln<exp(-s W/T)> for the dimensionless s, so that
    K(1) = -dF/T (Jarzynski), and `free_energy_difference()`. From K follow the cumulants,
    kappa_n = (-T)^n d^n K/ds^n at s = 0. Everything is differentiable in the float leaves. K is +inf, or NaN, where
    the mean diverges.
    """

    temperature: eqx.AbstractVar[Array]

    @abc.abstractmethod
    def cumulant_generating_function(self, s) -> Array:
        """K(s) = ln<exp(-s W/T)>."""

    @abc.abstractmethod
    def free_energy_difference(self) -> Array:
        """dF = F(end) - F(start) at temperature T [energy]."""

    @eqx.filter_jit
    def work_cumulants(self, order: int = 3) -> Array:
        """kappa_1 .. kappa_order of W, (order,) [energy^n]: mean, variance, third central moment, ..."""
        found = derivatives(self.cumulant_generating_function, jnp.zeros_like(self.temperature), order)
        return found * (-self.temperature) ** jnp.arange(1, order + 1)

    def mean_work(self) -> Array:
        """<W> [energy]."""
        return self.work_cumulants(1)[0]

    def work_variance(self) -> Array:
        """<W^2> - <W>^2 [energy^2]."""
        return self.work_cumulants(2)[1]


class GaussianWork(ExactWork):
    """Work with a normal density and dF = 0: Var W = 2 T <W>, so that K(s) = -s (1 - s) <W>/T.

    That is the work of moving a harmonic well that keeps its shape. What a system gives: `dissipation()`.
    """

    @abc.abstractmethod
    def dissipation(self) -> Array:
        """<W> - dF = <W> [energy]."""

    def cumulant_generating_function(self, s) -> Array:
        return -s * (1 - s) * self.dissipation() / self.temperature

    def free_energy_difference(self) -> Array:
        return jnp.zeros_like(self.temperature)

    def work_density(self, work) -> Array:
        """P(W) [1/energy] at each entry of `work`."""
        mean = self.dissipation()
        return norm.pdf(jnp.asarray(work), mean, jnp.sqrt(2 * self.temperature * mean))


def derivatives(function: Callable[[Array], Array], at: Array, order: int) -> Array:
    """f', f'', ... up to `order` of a scalar function of a scalar, (order,), by forward mode upon forward mode."""

    def tower(x, levels: int):
        if levels == 0:
            return function(x)[None]
        values, slopes = jax.jvp(lambda y: tower(y, levels - 1), (x,), (jnp.ones_like(x),))
        return jnp.concatenate([values, slopes[-1:]])

    return tower(at, order)[1:]
