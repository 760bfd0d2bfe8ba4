"""One colour for one thing in all figures, told apart by the colour-blind.

They are those of Okabe and Ito (2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

TRUTH, PREDICTION, THIRD, MUTED = "#E69F00", "#0072B2", "#009E73", "#7F7F7F"
MODEL_COLOURS = {"cnn1": "#D55E00", "cnn2": PREDICTION}
OKABE_ITO = (
    *("#000000", "#E69F00", "#56B4E9", "#009E73"),
    *("#0072B2", "#D55E00", "#CC79A7", "#F0E442"),
)


def colours_of(names: Sequence[str]) -> dict[str, Any]:
    """Return each name's colour: Okabe and Ito's, or shades where there are more."""
    if len(names) <= len(OKABE_ITO):
        return dict(zip(names, OKABE_ITO, strict=False))
    shades = plt.colormaps["viridis"](np.linspace(0, 0.9, len(names)))
    return dict(zip(names, shades, strict=True))
