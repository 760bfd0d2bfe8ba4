"""A made-up patient that no flip and no swap of axes leaves as it was."""

import nibabel
import numpy as np

from brainseg_utils.pictures import turn

SHAPE, SPACING = (40, 52, 12), (1.5, 1.0, 4.0)
# Voxels of the tumour along x (the patient's right), y (front) and z (upwards).
TUMOUR = (slice(28, 36), slice(30, 46), slice(5, 9))
RAS = np.diag([*SPACING, 1.0])


def draw_patient():
    """Return images, mask, probability and truth `[x, y, z]` in RAS+."""
    rng = np.random.default_rng(0)
    brain = np.zeros(SHAPE, bool)
    brain[3:38, 4:50, 1:11] = True
    mask = np.zeros(SHAPE, np.uint8)
    mask[TUMOUR] = 1
    truth = np.roll(mask, -2, axis=1)
    greys = rng.normal(100, 10, SHAPE) + np.arange(SHAPE[0])[:, None, None]
    images = {"t1": greys * brain, "flair": (greys + 60 * mask) * brain}
    return images, mask, mask * 0.6 + brain * 0.2, truth


def store(array, codes, affine=RAS):
    """Return an array and an affine as a file with other axes holds them.

    Args:
        array: `[x, y, z]` in RAS+.
        codes: Where the stored axes lead, such as `"LPS"`.
        affine: Of the array.
    """
    wanted = nibabel.orientations.axcodes2ornt(codes)
    change = nibabel.orientations.ornt_transform(nibabel.io_orientation(RAS), wanted)
    back = nibabel.orientations.inv_ornt_aff(change, array.shape)
    return nibabel.apply_orientation(array, change), affine @ back


def make_view(codes="RAS", affine=RAS):
    """Return the patient's view, with the arrays stored as `store.codes` says."""
    images, mask, probability, truth = draw_patient()
    kept = {name: store(image, codes)[0] for name, image in images.items()}
    others = [store(array, codes)[0] for array in (probability, truth)]
    return turn(kept, *store(mask, codes, affine), *others)
