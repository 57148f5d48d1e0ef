"""What comes back from the blocks: progress, errors, and the records where there is no store."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from diffneq.errors import DiskFullError, SweepError, SweepInterrupted
from diffneq.sweeps.block import Summary
from diffneq.sweeps.dataset import assemble
from diffneq.sweeps.grid import Grid
from diffneq.sweeps.plan import Plan
from diffneq.sweeps.store import FAILED, MISSING, Store, fill_value

if TYPE_CHECKING:
    import xarray as xr


class Collector:
    """Takes the summaries of blocks in any order. As a context it turns an interrupt into a sentence."""

    def __init__(self, grid: Grid, plan: Plan, manifest: Mapping[str, Any], store: Store | None, progress: bool):
        self.grid, self.plan, self.manifest, self.store = grid, plan, manifest, store
        self.finished: dict[int, Summary] = {}
        self.failed: dict[int, str] = {}
        self.progress = bool(progress) and jax.process_index() == 0
        self.bar: Any = None

    def __enter__(self) -> "Collector":
        from tqdm import tqdm

        done = 0 if self.store is None else self.store.counts()[0]
        hide = not self.progress or len(self.plan.blocks) == 1  # one block: simulate shows its own bar
        self.bar = tqdm(total=self.grid.n_runs, initial=done, unit="run", desc="sweep", disable=hide)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: TracebackType | None) -> None:
        self.bar.close()
        if isinstance(error, KeyboardInterrupt):
            by = "SIGTERM" if "SIGTERM" in str(error) else "the keyboard"
            stopped = SweepInterrupted(f"sweep stopped by {by}: {self._kept()}")
            stopped.dataset = self.partial()
            raise stopped from error

    def report(self, summary: Summary) -> None:
        """Note a block. Raises where going on is pointless: a full disk, or misuse before anything worked."""
        if not summary.error:
            self.finished[summary.block] = summary
            self.bar.update(summary.runs)
            return
        error = summary.exception
        if isinstance(error, DiskFullError) or (not self.finished and isinstance(error, (ValueError, TypeError))):
            raise error
        self.failed[summary.block] = summary.error
        if self.store is not None:
            self.store.mark_failed(summary.block)

    def raise_errors(self) -> None:
        """SweepError naming every block that failed, in any process, after all others were finished."""
        failed = dict(self.failed)
        if self.store is not None:
            for b in np.flatnonzero(self.store.marks() == FAILED):
                failed.setdefault(int(b), "failed in another process, which says why")
        if not failed:
            return
        lines = [f"block {b} ({self._names(b)}): {line}" for b, line in sorted(failed.items())]
        error = SweepError(
            f"{len(failed)} of {len(self.plan.blocks)} blocks failed; {self._kept()}\n" + "\n".join(lines)
        )
        error.dataset = self.partial()
        raise error

    def _names(self, block: int) -> str:
        runs = self.plan.blocks[block].runs
        first, last = self.grid.describe(runs[0]), self.grid.describe(runs[-1])
        return first if len(runs) == 1 else f"{first} to {last}"

    def _kept(self) -> str:
        if self.store is None:
            done = sum(s.runs for s in self.finished.values())
            total = self.grid.n_runs
            return f"{done} of {total} runs are in this error's .dataset; give store= to be able to resume"
        done, runs = self.store.counts()
        path = str(self.store.path)
        return f"{done} of {runs} runs are kept in {path!r}; call again with resume=True for the rest"

    def partial(self) -> "xr.Dataset | None":
        """What was finished, where there is no store to keep it."""
        return self.dataset() if self.store is None and self.finished else None

    def dataset(self) -> "xr.Dataset":
        """The finished blocks as a product grid."""
        tables = {b: s.rows.arrays() for b, s in self.finished.items() if s.rows is not None}
        units: dict[str, str] = {}
        shapes: dict[str, np.ndarray] = {}
        for block, table in tables.items():
            rows = self.finished[block].rows
            assert rows is not None
            units.update({"interval_end": rows.units.get("time", "t"), **rows.units})
            shapes.update(table)
        runs = np.concatenate([self.plan.blocks[b].runs for b in tables])
        columns = {}
        for name, like in shapes.items():
            parts = []
            for b, table in tables.items():
                nothing = np.full((1, *like.shape[1:]), fill_value(like.dtype), like.dtype)
                count = len(self.plan.blocks[b].runs)
                parts.append(table[name] if name in table else np.repeat(nothing, count, axis=0))
            columns[name] = np.concatenate(parts)
        return assemble(self.manifest, runs, columns, units)

    def wait_for_all(self, blocks: Sequence[int]) -> None:
        """Until every process has finished its blocks, by the store's marks: a collective would time out."""
        assert self.store is not None
        pause = 0.05
        while np.any(self.store.marks()[list(blocks)] == MISSING):
            time.sleep(pause)
            pause = min(2 * pause, 5.0)
