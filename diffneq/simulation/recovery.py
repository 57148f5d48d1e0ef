"""What the loop does when a list overflowed, somebody outran the skin, or a replica was lost."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np

from diffneq.particles.list_cost import quickest_skin
from diffneq.particles.neighbours import ListPlan, plan_list, widen

# A list is used until the fastest particle has gone this part of half the skin: by its speed at the start, ...
_CAUTION = 0.8
# ... and by how far it went in the chunk before: the farthest of a million moves varies by four percent.
_CAUTION_BY_MOVES = 0.82
_LONGEST_CADENCE = 1000


def longest_stride(batch, state) -> float:
    """How far the fastest particle goes in a step, by its speed now [L]."""
    fastest = float(jnp.sqrt(jnp.max(sum(v * v for v in state.velocity))))
    return fastest * float(np.max(np.asarray(batch.system[1].dt)))


def usual_stride(batch, state) -> float:
    """About how far the fastest of many particles goes in a step [L]: 5 times the mean, to a power of sqrt(2).

    Of the hottest replica; so coarse that runs of one kind choose the same lists, and share a program.
    """
    squares = np.asarray(sum(v * v for v in state.velocity), float)
    count = np.maximum((squares > 0).sum(-1), 1)
    hottest = float(np.max(squares.sum(-1) / count)) / len(state.velocity)
    if not (math.isfinite(hottest) and hottest > 0):
        return 0.0
    stride = 5 * math.sqrt(hottest) * float(np.max(np.asarray(batch.system[1].dt)))
    return 2.0 ** (round(2 * math.log2(stride)) / 2)


class Lists:
    """The plan of the lists and the number of steps between two builds.

    The plan changes where a chunk has to be run again; the cadence follows the moves of the chunk before, and stays
    below any at which somebody outran the skin.
    """

    def __init__(self, plan: ListPlan | None, cadence: int, limit: int = _LONGEST_CADENCE):
        self.plan, self.cadence, self.limit = plan, cadence, limit
        self.reruns = 0

    @classmethod
    def choose(cls, model, skin: float | None, stride: float | None = None) -> Lists:
        """A plan for the model's range; the skin defaults to the one of least estimated cost.

        Arguments: `stride`, how far the fastest particle goes in a step [L]; None where that is not known.
        """
        reach = getattr(model, "cutoff", None)
        if reach is None:
            return cls(None, _LONGEST_CADENCE)
        size = sum(model.counts)
        if skin is None:
            skin = quickest_skin(model.box, size, reach, stride, getattr(model, "tabulated", False))
        return cls(plan_list(model.box, size, reach, skin), _LONGEST_CADENCE)

    def set_cadence(self, batch, state) -> None:
        """From the speed of the fastest particle at the start."""
        self.cadence = max(1, int(_CAUTION * self._half(batch) / max(longest_stride(batch, state), 1e-12)))
        self.cadence = min(self.cadence, self.limit)

    def overflowed(self, report, alive) -> bool:
        """Make room where a list overflowed; True if the chunk has to be run again."""
        if self.plan is None or not alive.any():
            return False
        fill, cell_fill = np.asarray(report.fill)[alive].max(), np.asarray(report.cell_fill)[alive].max()
        wider = widen(self.plan, int(fill), int(cell_fill))
        if wider == self.plan:
            return False
        self.plan, self.reruns = wider, self.reruns + 1
        return True

    def outrun(self, report, going, cadence: int, run, batch) -> bool:
        """Build more often, or with a wider skin, where somebody moved too far; True if the chunk has to be run again.

        Arguments: `going`, the replicas that were well before the chunk; `cadence` of the chunk.
        """
        moved = np.asarray(report.moved)
        going = going & np.isfinite(moved)  # what is not finite is lost, whatever the lists are
        half = self._half(batch)
        if not np.any(going & (moved >= half)):
            return False
        farthest = float(moved[going].max())
        if cadence > 1:
            self.limit = cadence - 1
            self.cadence = max(1, min(int(_CAUTION * cadence * half / farthest), self.limit))
        elif self.plan is None or self.plan.all_pairs:
            return False  # the chunk has said which are lost
        elif not self._widen_skin(batch.system[0], farthest):
            # The range of the forces in a single step: no list helps, the step is too long for these replicas.
            run.lose(going & (moved > half))
            return True
        self.reruns += 1
        return True

    def follow(self, report, alive, cadence: int, batch) -> None:
        """The next cadence, from how far somebody went in a chunk of this one; at most twice as long."""
        moved = np.asarray(report.moved)[alive]
        if not moved.size or moved.max() <= 0:
            return
        allowed = int(_CAUTION_BY_MOVES * cadence * self._half(batch) / float(moved.max()))
        self.cadence = max(1, min(allowed, 2 * cadence, self.limit))

    def _half(self, batch) -> float:
        """How far anybody may go between two builds [L].

        Without a list to outrun, displacements must stay well below the quarter of a box at which a replica is lost.
        """
        if self.plan is None or self.plan.all_pairs:
            return min(float(np.min(np.asarray(p))) for p in batch.system[0].box.heights) / 8
        return self.plan.skin / 2

    def _widen_skin(self, model, farthest: float) -> bool:
        """Lists for somebody who goes `farthest` in one step; False where that is beyond the range of the forces."""
        skin, reach = 2 * farthest / _CAUTION, float(np.max(np.asarray(model.cutoff)))
        if farthest > reach:
            return False
        try:
            self.plan = plan_list(model.box, sum(model.counts), reach, skin)
        except ValueError:  # the box is too small for it
            return False
        return True


def failures_of(run, valid) -> list[str]:
    """A sentence for each replica that was lost since the last call."""
    new = [int(r) for r in np.flatnonzero((run.failed != 0) & ~run.reported & valid)]
    run.reported[new] = True
    sentences = [
        f"Replica {r} stopped at step {int(run.failed[r])}: its state was no longer finite, or a particle crossed the "
        f"box at once; the time step is probably too long. Its records up to step {run.good_until(r)} are kept."
        for r in new
    ]
    run.failures.extend(sentences)
    return sentences


# Energy from nowhere, per particle and in mean kinetic energies: in all, and in a step. Both must be exceeded: a
# symplectic step has an error that only fluctuates, and a bath carries a slow leak away.
_HEATED, _HEATED_IN_A_STEP = 0.02, 2e-6


def heating_warning(batch, run, valid) -> list[str]:
    """A sentence where energy appeared that neither drive nor bath brought: the time step heats the system."""
    good = valid & (run.failed == 0)
    if not good.any() or run.done == 0:
        return []
    model, dynamics, _ = batch.system
    moving = max(1, sum(n for n, moves in zip(model.counts, model.mobile, strict=True) if moves))
    error = (run.energy - run.first_energy - run.work - run.heat) / moving / run.kinetic_scale
    heated = float(np.mean(error[good]))
    if abs(heated) < max(_HEATED, _HEATED_IN_A_STEP * run.done):
        return []
    return [
        f"The time step {float(np.max(np.asarray(dynamics.dt))):g} heats the system: a particle gained {heated:.2g} of "
        f"its mean kinetic energy in {run.done} steps, without work or heat; use a shorter step."
    ]
