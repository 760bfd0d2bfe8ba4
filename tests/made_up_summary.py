"""A suite's results, made up."""

DICE = {"mean": 0.8, "low": 0.7, "high": 0.9, "patients": {"A": 0.7, "B": 0.9}}
ENTRY = {
    "dice_volume": DICE,
    "hd95_mm": 4.56,
    "surface_dice": 0.65,
    "dice_slice": 0.85,
    "dice_batch": 0.75,
}
SUMMARY = {
    "models": {"cnn1": {**ENTRY, "seconds": 12.3}, "cnn2": {**ENTRY, "seconds": 45.6}},
    "controls": {"predict_nothing": ENTRY, "best_threshold": ENTRY},
    "cohort": {"name": "<made-up>", "patients": 9},
    "folds": 1,
    "seeds": 2,
    "profile": "quick",
    "machine": "a machine",
}
