"""A finished run that no network was trained for: its masks are the truth, moved."""

import json

import numpy as np
from hostile_models import write_run

from brainseg_utils.evaluation import score_mask
from brainseg_utils.files import read_json, write_json
from brainseg_utils.intervals import bootstrap_interval
from brainseg_utils.nifti import write_volume
from brainseg_utils.run_files.inputs import RunInputs
from brainseg_utils.run_files.model_card import write_model_card
from brainseg_utils.runs import Run, write_history
from brainseg_utils.volumes import read_mask

HISTORY = {
    "epoch": [1, 2],
    "loss": [0.9, 0.5],
    "val_loss": [0.8, 0.6],
    "dice": [0.1, 0.5],
    "val_dice": [0.2, 0.4],
}


def write_scored_run(folder, cohort):
    """Write a run that tests all of a cohort's patients but the first three."""
    run = Run(write_run(folder))
    names = [*cohort.cases]
    split = {"train": names[:2], "validation": names[2:3], "test": names[3:]}
    facts = {"cohort": cohort.name, "split": split}
    write_json(folder / "config.json", read_json(folder / "config.json") | facts)
    facts = {"parameters": 1, "versions": {}}
    write_json(folder / "training.json", read_json(folder / "training.json") | facts)
    write_history(run, HISTORY)
    scores = {part: _scores(run, cohort, split[part]) for part in list(split)[1:]}
    write_json(folder / "scores.json", scores)
    RunInputs.of(cohort.store, split["train"]).write(folder)
    dice = [of["dice_volume"] for of in scores["test"].values()]
    interval = bootstrap_interval(dice)
    write_model_card(run, {"validation": interval, "test": interval})
    run.finish()
    return run


def _scores(run, cohort, names):
    scores = {}
    for shift, name in enumerate(names, 1):
        truth, affine = read_mask(cohort.cases[name])
        mask = np.roll(truth, shift, axis=0)
        record = cohort.store.case(name)
        slices = cohort.store.masks[record["start"] : record["stop"]]
        scores[name] = score_mask(cohort.cases[name], cohort.store, mask, slices)
        write_volume(run.prediction(name), mask.astype(np.uint8), affine)
    return scores


def changed(run, name, content):
    """Change a file of a run and seal it, as whoever made the run could have.

    `content` is bytes, None for no such file, or a function of its JSON.
    """
    path = run.folder / name
    if content is None:
        path.unlink()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(json.dumps(content(json.loads(path.read_text()))))
    run.finish()
