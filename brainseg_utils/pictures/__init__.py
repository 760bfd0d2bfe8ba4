"""Pictures of a patient with the predicted mask: still ones, and one to move through.

They take arrays as stored and their affine, never files or networks, and always show
the patient in radiological orientation and true proportions.
"""

from brainseg_utils.pictures.figures import draw_doubt, draw_montage, draw_planes
from brainseg_utils.pictures.views import View, turn

__all__ = ["View", "draw_doubt", "draw_montage", "draw_planes", "turn"]
