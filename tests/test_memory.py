"""A set ten times larger than memory allows, prepared and read in bounded memory."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from brainseg_utils.nifti import write_volume

ALLOWED = 64 * 2**20  # Bytes, beyond what the libraries take when they are imported.
SIDE, IMAGE_SIZE, PATIENTS = 32, 128, 145
ON_DISK = PATIENTS * SIDE * IMAGE_SIZE**2 * (4 * 2 + 1)

# Slices are enlarged, so that small files make a large store.
SCRIPT = """
import resource, sys, threading
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from brainseg_utils.augmentation import RICH
from brainseg_utils.batches import Batches
from brainseg_utils.cases import find_cases
from brainseg_utils.store.grid import SliceGrid
from brainseg_utils import slices

slices.WORKERS = 2  # Each takes its share of memory, whatever the number of cores.
threading.stack_size(2**18)
# OpenBLAS sets 32 MB aside for each thread that multiplies at once with others, and
# never touches most of them: they are the library's, and no patient's.
with ThreadPoolExecutor(12) as pool:
    list(pool.map(np.linalg.svd, [np.ones((300, 300))] * 48))
allowed, patients, prepared, side, size = sys.argv[1:]
status = open("/proc/self/status").read()
used = int(status.split("VmData:")[1].split()[0]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (used + int(allowed),) * 2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
grid = SliceGrid(int(side), int(size))
store = slices.prepare_slices(find_cases(patients)[0], prepared, grid)
batches = Batches(store, np.arange(len(store.images)), 16, RICH, shuffle=True)
for step in range(batches.steps):
    images, masks = batches.batch(0, step)
try:
    store.held()
except MemoryError:
    print("held: refused")
print("grew", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_store_ten_times_larger_than_memory_is_prepared_and_read(tmp_path):
    assert ON_DISK > 10 * ALLOWED
    rng = np.random.default_rng(0)
    for number in range(PATIENTS):
        for name in ("t1", "t1ce", "t2", "flair", "seg"):
            voxels = rng.integers(1, 99, (SIDE,) * 3, np.int16)
            voxels = (voxels > 95).astype(np.int16) if name == "seg" else voxels
            path = tmp_path / "patients" / f"P{number}" / f"P{number}_{name}.nii"
            write_volume(path, voxels, np.eye(4))
    arguments = [
        ALLOWED,
        tmp_path / "patients",
        tmp_path / "prepared",
        SIDE,
        IMAGE_SIZE,
    ]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, arguments)],
        cwd=Path(__file__).parents[1],
        # One heap for all threads: the allocator would keep freed blocks in each.
        env={**os.environ, "MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert sum(p.stat().st_size for p in tmp_path.rglob("*.slices")) == ON_DISK
    assert "held: refused" in done.stdout, "else the limit would prove nothing"
    assert int(done.stdout.split("grew")[1]) * 1024 < ALLOWED
