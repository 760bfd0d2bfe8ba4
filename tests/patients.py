"""Made-up patients of a few thousand voxels, in each naming style."""

from pathlib import Path

import numpy as np

from brainseg_utils.nifti import write_volume

SHAPE = (24, 20, 12)
BRAIN = (slice(4, 20), slice(2, 18), slice(1, 11))  # 16 x 16 x 10 voxels.
TUMOUR_CORNER = (10, 6, 4)

IMAGE_NAMES = {
    "brats2018": ("{0}/{0}_{1}.nii.gz", ("t1", "t1ce", "t2", "flair")),
    "brats2023": ("{0}/{0}-{1}.nii.gz", ("t1n", "t1c", "t2w", "t2f")),
    "upenn": (
        "images_structural/{0}/{0}_{1}.nii.gz",
        ("T1", "T1GD", "T2", "FLAIR"),
    ),
}
MASK_NAMES = {
    "brats2018": "{0}/{0}_seg.nii.gz",
    "brats2023": "{0}/{0}-seg.nii.gz",
    "upenn": "images_segm/{0}_segm.nii.gz",
}


def write_patient(
    folder: Path, case_id: str, style: str = "brats2018", tumour_width: int = 4
) -> None:
    """Write noise in a box for a brain and a brighter cube in it for a tumour."""
    rng = np.random.default_rng(tumour_width)
    mask = make_mask(tumour_width)
    pattern, suffixes = IMAGE_NAMES[style]
    for suffix in suffixes:
        image = np.zeros(SHAPE, np.int16)
        image[BRAIN] = rng.integers(100, 200, image[BRAIN].shape)
        path = folder / pattern.format(case_id, suffix)
        write_volume(path, image + 100 * (mask > 0).astype(np.int16), np.eye(4))
    write_volume(folder / MASK_NAMES[style].format(case_id), mask, np.eye(4))


def make_mask(tumour_width: int) -> np.ndarray:
    """Return a cube of oedema (2) with one voxel of necrosis (1)."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[tuple(slice(c, c + tumour_width) for c in TUMOUR_CORNER)] = 2
    mask[TUMOUR_CORNER] = 1
    return mask
