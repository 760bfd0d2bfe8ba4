"""Score the package's run, complete its folder: `python tools/packaged_run.py`.

To be called when `runs.SCORES_VERSION` was raised, or when another run that
`brainseg pretrain` made took its place. The phantom patients of its training are made
anew where they are not there: 600, four minutes on two cores.

Of the first such run nothing but the weights was kept. What README.md in
`brainseg_utils/pretrained/` states of its training stands in STATED, and goes into
`training.json`; the course of its epochs is lost.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from brainseg_utils.cohorts import Cohort, DataConfig, load_cohort
from brainseg_utils.commands.pretraining import pretraining_config
from brainseg_utils.evaluation import score_run
from brainseg_utils.files import write_json, write_text
from brainseg_utils.fitting.compiling import load_model
from brainseg_utils.plans import split_of
from brainseg_utils.pretrained import PACKAGED, PHANTOMS
from brainseg_utils.run_files.model_card import FILE
from brainseg_utils.run_files.weights import read_weights
from brainseg_utils.runs import Run
from brainseg_utils.workspace import open_workspace

PATIENTS, EPOCHS = 600, 30
STATED = {
    "seconds": 8.4 * 60,
    "epochs": EPOCHS,
    "kept_epoch": EPOCHS,  # The recipe keeps the last.
    "batch_size": 16,
    "cores": 2,
    "versions": {"of the training": "were not kept; it was on 2026-11-25"},
}
# Measured with the weights of this digest; README.md says how to measure others.
OF_WEIGHTS = "c780d0795a2c8db9e707366c774817cbc8545a20f5bf9b86a82cd9b04b538426"
REAL = """\
## Dice on real patients

| patients | mean | lowest | 95 % interval over patients |
| --- | ---: | ---: | ---: |
| 5 of UPENN-GBM | 0.868 | 0.816 | 0.825 to 0.926 |

By `python benchmarks/phantom_to_patients.py --test FOLDER`. None of the five was used
to fit the network, but phantoms were shaped, and planes chosen, with Dice on these five
in view, so that these figures flatter; five patients of one hospital tell little about
any other.

"""
NEXT = "## Recipe\n"  # What follows them in the card.


def main() -> None:
    """Make the phantoms, score the weights on them, and write what is missing."""
    data = DataConfig(patients=PATIENTS, **PHANTOMS)
    cohort = load_cohort(data, open_workspace("pretraining"))
    run = Run(PACKAGED)
    if not (run.folder / "training.json").is_file():
        write_training(run, cohort)
    score_run(run, load_model(run, cohort), cohort, masks=False)
    add_real_patients(run)
    print(f"{run.folder} is whole: {run.done}")


def write_training(run: Run, cohort: Cohort) -> None:
    """Write what was asked for, and what is known of how it went."""
    config = pretraining_config(EPOCHS)
    facts = {"cohort": cohort.name, "store": cohort.store.key}
    split = split_of(config, cohort).as_dict()
    write_json(run.folder / "config.json", {**asdict(config), **facts, "split": split})
    write_json(run.folder / "training.json", training_facts(run))


def training_facts(run: Run) -> dict[str, Any]:
    """Return what README.md states of the training, and what its weights tell."""
    weights = read_weights(run.folder / "weights.npz").values()
    parameters = sum(array.size for array in weights)
    files = run.digests(["weights.npz"])
    return {**STATED, "parameters": parameters, "files": files}


def add_real_patients(run: Run) -> None:
    """Tell in the model card what the network got on real patients, if measured."""
    if run.digests(["weights.npz"])["weights.npz"] != OF_WEIGHTS:
        print("the card goes without real patients: these weights were not measured")
        return
    card = run.folder / FILE
    text = card.read_text(encoding="utf-8")
    write_text(card, text.replace(NEXT, REAL + NEXT))
    run.finish()


if __name__ == "__main__":
    main()
