"""A sweep over three Dask workers, one of which is killed."""

import threading
import time

import pytest
from refusals import refusal
from sweeps import VALUES, sweep
from tiny_notebook import executions, write_tiny_notebook

from brainseg_utils.sweep.command import sweep_notebook

distributed = pytest.importorskip("distributed", reason="Dask is not installed")


@pytest.fixture
def cluster():
    options = {"n_workers": 3, "threads_per_worker": 1, "processes": True}
    with distributed.LocalCluster(**options, dashboard_address=None) as cluster:
        yield cluster


def test_a_killed_worker_costs_no_run_and_the_table_is_the_local_one(cluster, tmp_path):
    for name in ("local", "dask"):
        (tmp_path / name).mkdir()
        write_tiny_notebook(tmp_path / name / "tiny.ipynb")
    here, there = tmp_path / "local", tmp_path / "dask"
    _, local = sweep(here / "tiny.ipynb", here / "out", report=lambda line: None)
    with distributed.Client(cluster) as client:
        victim = next(iter(client.scheduler_info()["workers"].values()))
        process = cluster.workers[victim["id"]].process.pid
        killed = threading.Thread(target=kill_when_busy, args=(client, victim, process))
        killed.start()
        executor = client.get_executor(pure=False)
        outcomes, table = sweep(
            there / "tiny.ipynb", there / "out", executor=executor, report=print
        )
        killed.join()
    assert [outcome.status for outcome in outcomes] == ["done"] * len(VALUES)
    assert set(executions(there)) == set(VALUES)
    unlike = ["seconds", "folder"]
    assert table.drop(columns=unlike).equals(local.drop(columns=unlike))


def kill_when_busy(client, victim, process):
    import psutil

    while not any(client.processing().values()):
        time.sleep(0.05)
    time.sleep(0.7)
    psutil.Process(process).kill()


def test_a_scheduler_that_does_not_answer_is_named(tmp_path):
    notebook = write_tiny_notebook(tmp_path / "tiny.ipynb")
    address = "tcp://127.0.0.1:9"
    error = refusal(
        lambda: sweep_notebook(
            notebook, settings=[f"folder={tmp_path}"], folder=tmp_path, dask=address
        )
    )
    assert (error.code, error.path) == ("E-DASK", address)
