"""One of two processes of a jax.distributed program that sweeps: rank, port, folder."""

import os
import sys

if __name__ == "__main__":
    rank, port, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    os.environ["OU_WORKER"] = "1"
    import jax

    jax.distributed.initialize(f"localhost:{port}", num_processes=2, process_id=rank)
    import numpy as np
    import ou

    from diffneq.errors import SweepError
    from diffneq.sweeps import sweep

    grid = {"force": [0.1, 0.2, 0.3]}
    options = {"seeds": 2, "steps": 20, "record_every": 5, "progress": False, "block": 1}

    def fail():
        raise RuntimeError("bad memory")

    if rank == 1:
        ou.BEFORE.append(fail)
    try:
        sweep(ou.build, grid, store=f"{folder}/s.zarr", **options)
        failed = "no"
    except SweepError as error:
        failed = str(error).splitlines()[0]
    ds = sweep(ou.build, grid, store=f"{folder}/s.zarr", resume=True, **options)
    np.save(f"{folder}/{rank}.npy", ds.position.values)
    refused = ""
    try:
        sweep(ou.build, grid, **options)
    except ValueError as error:
        refused = str(error)
    print(f"calls={len(ou.CALLS)} processes={jax.process_count()} failed={failed!r} refused={refused!r}")
