"""Train one network by the paper's recipe and leave a run folder."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

from brainseg_utils.cohorts import Cohort
from brainseg_utils.compute import Compute
from brainseg_utils.config import TrainingConfig
from brainseg_utils.drive.mirror import Mirror
from brainseg_utils.errors import BrainSegError
from brainseg_utils.files import write_json
from brainseg_utils.fitting.compiling import build_model, compile_model, load_model
from brainseg_utils.fitting.fit import Fit
from brainseg_utils.fitting.jobs import Job
from brainseg_utils.machine import peak_memory_mb, versions
from brainseg_utils.plans import find_run, split_of
from brainseg_utils.pretrained.rehearsal import rehearsal_store
from brainseg_utils.run_files.states import State, read_state, remove_states
from brainseg_utils.run_files.weights import save_weights
from brainseg_utils.runs import RECORD, Run, write_history
from brainseg_utils.store import SliceStore
from brainseg_utils.system.crashpoints import crashpoint
from brainseg_utils.system.interruptions import tidy_on_sigterm
from brainseg_utils.system.memory_errors import is_out_of_memory, out_of_memory
from brainseg_utils.workspace import Workspace

RESULTS = ("history.csv", "weights.npz", "training.json")

__all__ = ["build_model", "compile_model", "load_model", "train"]


def train(
    config: TrainingConfig,
    cohort: Cohort,
    workspace: Workspace,
    verbose: bool = True,
    compute: Compute | None = None,
    must_resume: bool = False,
) -> Run:
    """Train a network: begin, go on where it was interrupted, or return at once.

    Killed at any moment and called again, it ends with the weights and the history of
    an uninterrupted training, on a CPU bit for bit; at most the epoch that was under
    way is repeated.

    Args:
        config: What to train.
        cohort: Patients and slices; the fold's test patients are not touched.
        workspace: Where the run folder goes.
        verbose: Whether to print a line an epoch; warnings are always printed.
        compute: How to run it: GPUs, precision, what to do when memory ends.
        must_resume: Refuse to begin anew where nothing is to go on from.

    Returns:
        The run, with configuration, history and the weights that the recipe keeps:
        the best epoch's or the last one's.

    Raises:
        BrainSegError: `E-NO-CKPT` (nothing to resume), `E-CKPT` (every state damaged),
            `E-CKPT-MISMATCH` (of another training), `E-NAN`, `E-OOM`, `E-GPU`,
            `E-DISK`, `E-CACHE-GONE`. The state of the last good epoch is kept.
    """
    split_of(config, cohort)  # Too few patients: before a folder is made.
    run = find_run(config, cohort, workspace)
    report = print if verbose else _say_nothing
    with run.locked(report), tidy_on_sigterm():
        mirror = Mirror.of(run)
        mirror.pull()
        if run.trained:
            report(f"trained already: {run.folder.name}")
            remove_states(run.states)  # Where it was killed before it tidied up.
        else:
            rehearsed = _rehearsed(config, cohort, workspace)
            how = compute or Compute(), report
            job = Job(config, cohort, run, mirror, *how, rehearsed)
            _train(job, _find_state(run, must_resume))
        mirror.keep_results()
    return run


def _say_nothing(line: str) -> None:
    pass


def _rehearsed(
    config: TrainingConfig, cohort: Cohort, workspace: Workspace
) -> SliceStore | None:
    wanted = config.rehearsal_share > 0
    return rehearsal_store(cohort.store, workspace) if wanted else None


def _find_state(run: Run, must_resume: bool) -> State | None:
    state = read_state(run.states)
    traces = [n for n in (*RESULTS, RECORD) if (run.folder / n).is_file()]
    if state is None and traces:
        raise BrainSegError(
            "E-CKPT",
            run.states,
            f"holds no state, but {', '.join(traces)} beside it tell of a training.",
            f"Get it from a copy, or delete {run.folder} (and its copy, where "
            "BRAINSEG_MIRROR made one) to train from epoch 1.",
        )
    if state is None and must_resume:
        raise BrainSegError(
            "E-NO-CKPT",
            run.states,
            "a training was to go on, and there is nothing to go on from.",
            "Check the parameters and BRAINSEG_HOME, or begin without must_resume.",
        )
    return state


def _train(job: Job, state: State | None) -> None:
    job.compute.check()
    _write_config(job)
    batch_size = state.facts["batch_size"] if state else job.config.batch_size
    while True:
        try:
            fit = Fit(job, batch_size, state)
            fit.run()
            break
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            shape = job.cohort.store.images.shape[1:]
            refusal = out_of_memory(error, batch_size, shape)
            if not job.compute.halve_on_oom or batch_size == 1:
                raise refusal from error
        batch_size //= 2
        job.report(f"memory ended; goes on with {batch_size} slices in a batch")
        state = read_state(job.run.states)
    _save(job, fit)


def _write_config(job: Job) -> None:
    write_json(
        job.run.folder / "config.json",
        {
            **asdict(job.config),
            "cohort": job.cohort.name,
            "store": job.cohort.store.key,
            "split": job.split.as_dict(),
        },
    )


def _save(job: Job, fit: Fit) -> None:
    folder, history = job.run.folder, fit.record.columns
    write_history(job.run, history)
    save_weights(fit.model, folder / "weights.npz")
    crashpoint("training.weights")
    write_json(folder / "training.json", _training_facts(job, fit))
    crashpoint("training.saved")
    remove_states(job.run.states)


def _training_facts(job: Job, fit: Fit) -> dict[str, Any]:
    history = fit.record.columns
    return {
        "seconds": fit.seconds,
        "epochs": len(history["epoch"]),
        "kept_epoch": _kept_epoch(job, history),
        "batch_size": fit.batch_size,
        "parameters": fit.model.count_params(),
        "peak_memory_mb": peak_memory_mb(),
        "cores": os.cpu_count(),
        "compute": job.compute.facts(),
        "versions": versions(),
        "files": job.run.digests(("weights.npz", "history.csv")),
    }


def _kept_epoch(job: Job, history: dict[str, list[float]]) -> int:
    """Return the epoch whose weights are kept, counted from 1."""
    if job.config.keep == "last":
        return len(history["epoch"])
    monitor, mode = job.config.monitor
    best = {"max": max, "min": min}[mode](history[monitor])
    return history[monitor].index(best) + 1
