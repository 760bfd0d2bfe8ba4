"""The MNI152 brain that nilearn ships, as maps to warp into synthetic patients.

Tissue probabilities: Fonov et al., "Unbiased average age-appropriate brain templates
from birth to adulthood", NeuroImage 47 (2009), S102.
"""

from __future__ import annotations

from functools import lru_cache
from threading import Lock

import numpy as np

# Middle of the MNI152 brain in its own mm; part of the template that holds the brain
# with a margin for distances outside it, and the position of that part's first voxel.
MNI_MIDDLE_MM = np.array((0.0, -17.5, 5.0))
MNI_PART = (slice(20, 177), slice(20, 214), slice(0, 162))
MNI_ORIGIN_MM = np.array((-78.0, -114.0, -72.0))
# Where structures lie that the template does not name, read off the template by eye:
# (centre, widths) in mm of MNI152, x without its sign because both sides have one.
BALLS = {
    "middle": (((0, -20, 15), (28, 45, 26)),),  # round all ventricles
    "limbic": (  # insula, hippocampus, cingulate: a little bright in FLAIR
        ((38, 4, 0), (6, 14, 10)),
        ((26, -20, -15), (7, 13, 7)),
        ((5, 15, 30), (4, 25, 12)),
    ),
    # Pallidum and dentate nucleus: dark in T2.
    "iron": (((20, -3, 0), (6, 10, 6)), ((26, -62, -35), (6, 6, 5))),
    # Thalamus and basal ganglia, brain stem: grey matter without sulci.
    "nuclei": (((16, -8, 6), (11, 16, 9)), ((6, -28, -25), (9, 9, 15))),
    "choroid": (((24, -38, 8), (6, 8, 10)),),
}
_TEMPLATE_LOCK = Lock()


def template_maps(spacing_mm: float) -> dict[str, np.ndarray]:
    """Return the template's maps `[x, y, z]`, smoothed for sampling at `spacing_mm`."""
    # The lock keeps threads from preparing the same maps twice.
    with _TEMPLATE_LOCK:
        return _smoothed_maps(spacing_mm)


@lru_cache(maxsize=2)
def _smoothed_maps(spacing_mm: float) -> dict[str, np.ndarray]:
    from scipy.ndimage import gaussian_filter

    if spacing_mm <= 1:
        return _full_maps()
    sigma = 0.35 * np.sqrt(max(spacing_mm**2 - 1, 0))
    return {name: gaussian_filter(v, sigma) for name, v in _full_maps().items()}


@lru_cache(maxsize=1)
def _full_maps() -> dict[str, np.ndarray]:
    """Derive the maps from the template's tissues at 1 mm."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    grey, white, mask = _load_tissues()
    # Smoothing closes pinholes of the mask, which would make the middle seem shallow.
    mask = gaussian_filter(mask, 2.0) > 0.5
    outside_mm, depth_mm = (distance_transform_edt(m) for m in (~mask, mask))
    csf = np.where(mask, 1 - grey - white, 0)
    blobs = {name: _soft_balls(mask.shape, balls) for name, balls in BALLS.items()}
    ventricle = (csf > 0.5) & (depth_mm > 22) & (blobs["middle"] > 0.3)
    maps = {
        "grey": grey,
        "white": white,
        "depth_mm": depth_mm - outside_mm,
        "ventricle": gaussian_filter(ventricle.astype(np.float32), 0.7),
        "ventricle_mm": np.minimum(distance_transform_edt(~ventricle), 40),
        "limbic": blobs["limbic"] * grey,
        "iron": blobs["iron"],
        "nuclei": blobs["nuclei"],
        "choroid": blobs["choroid"] * (csf > 0.4),
        "sinus": _sinus(depth_mm),
    }
    return {name: volume.astype(np.float32) for name, volume in maps.items()}


def _load_tissues() -> list[np.ndarray]:
    """Read grey matter, white matter and brain mask, which nilearn ships."""
    from nilearn import datasets

    loaders = (
        datasets.load_mni152_gm_template,
        datasets.load_mni152_wm_template,
        datasets.load_mni152_brain_mask,
    )
    return [
        load(resolution=1).get_fdata(dtype=np.float32)[MNI_PART] for load in loaders
    ]


def _mni_axes(shape: tuple[int, ...]) -> list[np.ndarray]:
    """Return open arrays of the template's positions in mm: right, front, up."""
    grids = np.ogrid[tuple(slice(0, n) for n in shape)]
    return [grid + origin for grid, origin in zip(grids, MNI_ORIGIN_MM, strict=True)]


def _soft_balls(shape: tuple[int, ...], balls: tuple) -> np.ndarray:
    """Return soft balls of height 1 in both hemispheres; see `BALLS`."""
    x, y, z = _mni_axes(shape)
    heights = []
    for (cx, cy, cz), (wx, wy, wz) in balls:
        across = (np.abs(x) - cx) / wx
        squares = across**2 + ((y - cy) / wy) ** 2 + ((z - cz) / wz) ** 2
        heights.append(np.exp(-squares / 2))
    return np.maximum.reduce(heights)


def _sinus(depth_mm: np.ndarray) -> np.ndarray:
    """Return where the large venous sinuses touch the brain: midline and tentorium."""
    x, y, z = _mni_axes(depth_mm.shape)
    sagittal = (np.abs(x) < 4) & ((z > 30) | (y < -70))
    transverse = (y < -50) & (np.abs(z + 18) < 7)
    straight = (np.abs(x) < 2.5) & (np.abs(z - 0.5 * (y + 60) - 2) < 3) & (y < -50)
    return ((sagittal | transverse) & (depth_mm < 6)) | (straight & (y > -85))


def lesion_sites() -> np.ndarray:
    """Return template voxels `[sites, 3]` at which a lesion may start.

    White matter of the cerebrum: gliomas of adults rarely start below the tentorium.
    """
    maps = template_maps(1.0)
    x, y, z = _mni_axes(maps["white"].shape)
    below = ((z < -10) & (y < -42)) | ((z < 0) & (np.abs(x) < 18) & (y < -5))
    depth = maps["depth_mm"]
    allowed = (
        (maps["white"] > 0.5) & (depth > 8) & ~below & (np.abs(x) > 12) & (z > -40)
    )
    return np.argwhere(allowed)[::7]
