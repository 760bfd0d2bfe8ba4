"""Healthy structures of a synthetic patient that look like lesions."""

from __future__ import annotations

import numpy as np

from brainseg_utils.phantom.anatomy import Anatomy

# Healthy structures that look like lesions: range of a patient's strength, white matter
# 1, and the factor by which it shows in T1, T1ce, T2 and FLAIR. See `draw_mimics`.
MIMICS = {
    "spots": ((0.0, 1.0), (-0.1, 0, 0.5, 1)),
    "caps": ((0.2, 1.2), (-0.08, 0, 0.4, 1)),
    "vessels": ((0.7, 1.9), (0.1, 1, -1, 0)),
    "sinus": ((0.4, 1.9), (0, 1, 0, 0)),
    "dura": ((0.2, 1.0), (0, 1, -2.5, 0.5)),
    "choroid": ((0.5, 1.6), (0, 1, 0, 0.4)),
    "limbic": ((0.1, 0.6), (0, 0, 0.5, 1)),
    "iron": ((0.1, 0.3), (0.2, 0, -1, -0.8)),
    "pulsation": ((0.0, 0.5), (0, 0, 0, 1)),
    "patches": ((0.0, 0.08), (0, 0, 0, 1)),
}


def draw_mimics(anatomy: Anatomy, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return maps `[voxels]`, 0 to 1, of healthy structures that look like lesions."""
    maps, noise = anatomy.maps, anatomy.noise
    near_csf = np.clip(1.5 * maps["csf"] + 0.5 * (maps["depth_mm"] < 4), 0, 1)
    # Two smooth fields are both near zero along curves: a tree of thin tubes.
    tubes = np.exp(-(noise(rng, 9.0) ** 2 + noise(rng, 9.0) ** 2) / 0.23**2)
    speckle = (
        np.clip(noise(rng, 5.0) - 2.1 + 1.0 * (noise(rng, 40.0) > 0.7), 0, 0.6) / 0.6
    )
    lumpy = np.clip(0.6 + 0.5 * noise(rng, 7.0), 0, 1.5)
    return {
        "vessels": tubes * near_csf * (1 - maps["ventricle"]),
        "sinus": maps["sinus"] * (maps["depth_mm"] < 5) * lumpy,
        "dura": np.exp(-maps["depth_mm"] / 1.2) * np.clip(noise(rng, 25.0), 0, 2),
        "choroid": maps["choroid"] * (noise(rng, 5.0) > 0) * lumpy,
        "spots": speckle * maps["white"] ** 2,
        "caps": np.exp(-maps["ventricle_mm"] / 3.0) * maps["white"] * lumpy,
        "limbic": maps["limbic"],
        "patches": np.clip(noise(rng, 22.0) - 0.3, 0, 2) * (1 - maps["csf"]),
        "iron": maps["iron"] * (1 - maps["csf"]),
        "pulsation": maps["csf"]
        * (maps["depth_mm"] > 8)
        * np.clip(noise(rng, 12.0), 0, 2),
    }
