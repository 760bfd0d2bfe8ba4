"""Keras callbacks: two phases, early stopping, what is kept, and what is told."""

from brainseg_utils.callbacks.checkpoint import Checkpoint
from brainseg_utils.callbacks.early_stopping import EarlyStopping
from brainseg_utils.callbacks.epoch_seeds import EpochSeeds
from brainseg_utils.callbacks.phase_switch import PhaseSwitch
from brainseg_utils.callbacks.progress import Progress, Record
from brainseg_utils.callbacks.schedule import Schedule
from brainseg_utils.callbacks.stop_on_nan import StopOnNaN

__all__ = [
    "Checkpoint",
    "EarlyStopping",
    "EpochSeeds",
    "PhaseSwitch",
    "Progress",
    "Record",
    "Schedule",
    "StopOnNaN",
]
