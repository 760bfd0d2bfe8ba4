"""The named ways to train: what a configuration is where it is not told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

# The paper's, where it says what it did; filters are our choice, as it names none.
PAPER: Mapping[str, Any] = MappingProxyType(
    {
        "filters": 16,
        "dropout_rate": 0.0,
        "dropout_placement": "everywhere",
        "spatial_dropout": False,
        "normalization": "batch",
        "stem": "plain",
        "start": "",
        "loss": "dice",
        "epochs": 50,
        "learning_rate": 1e-4,
        "fine_learning_rate": 0.0,
        "frozen_blocks": 2,
        "schedule": "constant",
        "weight_average": 0.0,
        "settle": False,
        "patience": 10,
        "keep": "best",
        "augmentation": "paper",
        "rotation_degrees": 15.0,
        "tumour_share": 0.0,
        "painted_share": 0.0,
        "rehearsal_share": 0.0,
        "neighbours": 0,
        "planes": "axial",
        "mirror": False,
        "threshold": 0.5,
        "smallest_ml": 0.0,
    }
)
# Built up one change at a time in notebook 08, which shows what each is worth.
RECOMMENDED: Mapping[str, Any] = MappingProxyType(
    {
        **PAPER,
        "start": "phantom",
        "loss": "dice+bce",
        "learning_rate": 3e-4,
        "schedule": "warmup-cosine",
        "settle": True,
        "keep": "last",
        "augmentation": "rich",
        "rotation_degrees": 180.0,
        "tumour_share": 0.5,
        "rehearsal_share": 0.5,
        "planes": "three",
        "mirror": True,
    }
)
RECIPES = {"paper": PAPER, "recommended": RECOMMENDED}
