"""New patients: a trained network taken, their files read, and a mask written for each.

`predict_case` makes the mask of a patient, on the grid of its own files.
"""

from brainseg_utils.prediction.case_prediction import (
    CasePrediction,
    predict_case,
    write_prediction,
)
from brainseg_utils.prediction.trained_runs import best_run, load_trained

__all__ = [
    "CasePrediction",
    "best_run",
    "load_trained",
    "predict_case",
    "write_prediction",
]
