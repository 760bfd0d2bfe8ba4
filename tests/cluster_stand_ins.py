"""Stand-ins for clusters that no test has: each runs its jobs on this machine."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace


def slurm_cluster(**options):
    """Return a small cluster in place of `dask_jobqueue.SLURMCluster`."""
    from distributed import LocalCluster

    known = {"cores", "processes", "memory", "walltime", "job_extra_directives"}
    assert set(options) <= known, options
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
    scale = cluster.scale
    # One worker is there, and is enough; a cluster that closes scales to none.
    cluster.scale = lambda n=0, jobs=0: None if jobs else scale(n)
    return cluster


class AutoExecutor:
    """Stands for `submitit.AutoExecutor`: a job is a thread, and has a `result`."""

    def __init__(self, folder: str):
        self.folder, self.pool = folder, ThreadPoolExecutor(1)

    def update_parameters(self, **options) -> None:
        known = {"timeout_min", "gpus_per_node", "cpus_per_task", "mem_gb"}
        assert set(options) <= known, options

    def submit(self, function, *arguments):
        return self.pool.submit(function, *arguments)


def install(patch) -> None:
    """Let the stand-ins be imported under the names of what they stand for."""
    drive = SimpleNamespace(mount=lambda folder: None)
    for one in (
        module("dask_jobqueue", SLURMCluster=slurm_cluster),
        module("submitit", AutoExecutor=AutoExecutor),
        module("google.colab", drive=drive),
    ):
        patch.setitem(sys.modules, one.__name__, one)


def module(name: str, **members) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(members)
    return made
