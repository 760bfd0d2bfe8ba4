"""Write `monai_metrics.json`: what MONAI says of the seeded pairs of masks.

Run once by hand, with an interpreter that has `monai` and `scipy`:

    python tests/monai_metrics.py

MONAI with PyTorch is too big for the tests' environment; they read the file.
"""

import json
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import monai
import numpy as np
import torch
from mask_pairs import MaskPair, checksum, mask_pairs
from monai.metrics import (
    compute_dice,
    compute_hausdorff_distance,
    compute_surface_dice,
)


def dice(pair: MaskPair) -> torch.Tensor:
    return compute_dice(*_tensors(pair), ignore_empty=False)


def hd95(pair: MaskPair) -> torch.Tensor:
    # In single precision, the rank alone is off by up to 3e-5 mm.
    quantile = torch.quantile
    with patch("torch.quantile", lambda d, q: quantile(d.double(), q).float()):
        return compute_hausdorff_distance(
            *_tensors(pair),
            include_background=True,
            percentile=95,
            spacing=pair.spacing_mm,
        )


def surface_dice(pair: MaskPair) -> torch.Tensor:
    return compute_surface_dice(
        *_tensors(pair),
        class_thresholds=[pair.tolerance_mm],
        include_background=True,
        spacing=pair.spacing_mm,
        use_subvoxels=True,
    )


def score(metric: Callable[[MaskPair], torch.Tensor], pair: MaskPair) -> float | None:
    """Return a metric to 9 decimals; None where MONAI gives NaN or infinity."""
    value = float(metric(pair).item())
    return round(value, 9) if np.isfinite(value) else None


def _tensors(pair: MaskPair) -> tuple[torch.Tensor, torch.Tensor]:
    """Return prediction and truth as `[batch, channel, x, y, z]`."""
    pred, true = torch.from_numpy(pair.pred), torch.from_numpy(pair.true)
    return pred[None, None].float(), true[None, None].float()


def main() -> None:
    pairs = list(mask_pairs())
    metrics = (dice, hd95, surface_dice)
    found = {m.__name__: [score(m, pair) for pair in pairs] for m in metrics}
    content = {"monai": monai.__version__, "pairs": checksum(pairs), **found}
    path = Path(__file__).with_name("monai_metrics.json")
    path.write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
