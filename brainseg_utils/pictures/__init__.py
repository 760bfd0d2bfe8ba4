"""Pictures of a patient with the predicted mask: still ones, and one to move through.

They take arrays as stored and their affine, never files or networks, and always show
the patient in radiological orientation and true proportions.
"""

from brainseg_utils.pictures.figures import (
    draw_doubt,
    draw_montage,
    draw_planes,
    figure_png,
)
from brainseg_utils.pictures.viewer import Viewer, make_viewer
from brainseg_utils.pictures.views import View, turn

__all__ = [
    "View",
    "Viewer",
    "draw_doubt",
    "draw_montage",
    "draw_planes",
    "figure_png",
    "make_viewer",
    "turn",
]
