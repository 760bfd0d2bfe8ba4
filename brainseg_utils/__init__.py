"""What the notebooks and the `brainseg` command stand on, from scans to scores.

## Read first

The path of one patient, from file to mask, each step with the function to begin at:

1. `cases.find_cases` finds which files are a patient's, whatever the folder's layout; a
   `layouts.Case` is the result.
2. `nifti.read_volume` turns a file into voxels and believes nothing in it;
   `volumes.load_case` brings a patient's sequences and mask together on one grid.
3. `checks.check_folder` lists every problem of a folder, each with its remedy; all of
   them are of one kind, `errors.BrainSegError`.
4. `slices.prepare_slices` cuts and normalises patients once; a `store.SliceStore` reads
   the slices from disk. A `cohorts.Cohort` is patients with their store.
5. `splits.split_cases` divides patients, never slices.
6. `batches.Batches` are what a network sees, a function of seed, epoch and step;
   `pipelines.make_dataset` feeds them through `tf.data`.
7. `config.TrainingConfig` says what a training is, `models.build_cnn2` builds the
   network, `training.train` trains it and leaves a `runs.Run`, which is a folder.
8. `evaluation.evaluate_run` scores the test patients; `intervals` and `comparison` say
   how far to trust the means.
9. `prediction.predict_case` makes a new patient's mask, on the grid of its own files.

In lines:

```python
from brainseg_utils.cohorts import DataConfig, load_cohort
from brainseg_utils.config import TrainingConfig
from brainseg_utils.evaluation import evaluate_run
from brainseg_utils.training import load_model, train
from brainseg_utils.workspace import open_workspace

workspace = open_workspace()
cohort = load_cohort(DataConfig(data_dir="/my/patients"), workspace)
run = train(TrainingConfig("cnn2", recipe="recommended", minutes=4), cohort, workspace)
scores = evaluate_run(run, load_model(run, cohort), cohort)
print(run.folder, {case: one["dice_volume"] for case, one in scores["test"].items()})
```

Arrays are `[batch, height, width, channel]` and volumes `[x, y, z]` as stored; channels
stand in the order T1, T1ce, T2, FLAIR; masks are 0 and 1; lengths are in mm.
"""
