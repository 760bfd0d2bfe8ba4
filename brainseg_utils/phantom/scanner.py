"""Scanner of one synthetic patient: from tissue to four MR sequences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainseg_utils.phantom.anatomy import Anatomy
from brainseg_utils.phantom.lesion import ENHANCING, NECROSIS, Lesion
from brainseg_utils.phantom.mimics import MIMICS, draw_mimics
from brainseg_utils.phantom.noise import smooth_noise

SEQUENCES = ("t1", "t1ce", "t2", "flair")
# Signal against healthy white matter in T1, T1ce, T2 and FLAIR: mean, standard
# deviation between patients, and within one patient's tissue. Chosen so that z-scored
# phantoms match five patients of UPENN-GBM.
TISSUES = {
    "csf": ((0.35, 0.04, 0), (0.42, 0.04, 0), (3.60, 0.40, 0), (0.56, 0.10, 0)),
    "grey": ((0.76, 0.02, 0), (0.82, 0.02, 0), (1.42, 0.07, 0), (1.17, 0.06, 0)),
    "oedema": (
        (0.73, 0.05, 0.04),
        (0.76, 0.05, 0.05),
        (2.4, 0.3, 0.3),
        (1.82, 0.17, 0.22),
    ),
    "necrosis": (
        (0.6, 0.05, 0.06),
        (0.65, 0.08, 0.14),
        (2.75, 0.4, 0.4),
        (1.4, 0.28, 0.3),
    ),
    "enhancing": (
        (0.66, 0.04, 0.06),
        (1.22, 0.09, 0.24),
        (2.2, 0.3, 0.4),
        (1.62, 0.2, 0.26),
    ),
}


@dataclass(frozen=True)
class Protocol:
    """How one sequence of one patient looks; see `draw_protocols`."""

    signal: dict[str, float]  # of each tissue, white matter 1
    spread: dict[str, float]  # of that signal within the tissue
    gain: float  # signal of white matter in the file's numbers
    bias: float  # standard deviation of the coil's log sensitivity
    noise: float  # standard deviation, white matter 1
    thickness_mm: float  # of the acquired slices
    thick_axis: int
    mimics: dict[str, float]  # strength of each healthy look-alike
    margin: float | None = None  # signal of what is left outside the brain; else CSF's


def draw_protocols(rng: np.random.Generator) -> dict[str, Protocol]:
    """Draw the four sequences' contrast, gain, coil, noise and look-alikes."""
    strength = {name: rng.uniform(*bounds) for name, (bounds, _) in MIMICS.items()}
    protocols = {}
    for column, name in enumerate(SEQUENCES):
        signal = {
            tissue: row[column][0] + row[column][1] * ordinary(rng)
            for tissue, row in TISSUES.items()
        }
        protocols[name] = Protocol(
            signal={"white": 1.0, **signal},
            spread={tissue: row[column][2] for tissue, row in TISSUES.items()},
            gain=float(np.clip(300 * np.exp(0.4 * rng.standard_normal()), 120, 450)),
            bias=rng.uniform(0.04, 0.11),
            noise=rng.uniform(0.02, 0.06),
            thickness_mm=rng.uniform(1, 2 if name.startswith("t1") else 4.5),
            thick_axis=int(rng.choice(3, p=(0.1, 0.1, 0.8))),
            mimics={m: strength[m] * MIMICS[m][1][column] for m in MIMICS},
        )
    return protocols


def ordinary(rng: np.random.Generator) -> float:
    """Draw a standard normal number without its tails: no lesion is invisible."""
    return float(np.clip(rng.standard_normal(), -1.5, 1.5))


def scan(
    anatomy: Anatomy,
    lesion: Lesion,
    protocols: dict[str, Protocol],
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Return the four sequences of the block, `[x, y, z]` int16, background 0."""
    mimics = draw_mimics(anatomy, rng)
    textures = _draw_textures(anatomy, lesion, rng)
    coil = smooth_noise(rng, anatomy.axes_mm, 90.0)
    scans = {}
    for name, protocol in protocols.items():
        signal = _mix(anatomy, lesion, protocol, mimics, textures)
        block = _blur(anatomy.fill(signal), anatomy, protocol)
        own = smooth_noise(rng, anatomy.axes_mm, 90.0)
        block *= np.exp(protocol.bias * (0.7 * coil + 0.7 * own))
        noisy = _add_rician(block[anatomy.brain], protocol.noise, rng) * protocol.gain
        # A brain voxel is never 0: that value is the background's alone.
        scans[name] = anatomy.fill(np.clip(np.rint(noisy), 1, 32000).astype(np.int16))
    return scans


def _draw_textures(anatomy: Anatomy, lesion: Lesion, rng) -> dict[str, np.ndarray]:
    """Return noise `[voxels]` shared by the sequences: it belongs to the tissue."""
    mottle = 0.8 * anatomy.noise(rng, 10.0) + 0.6 * anatomy.noise(rng, 4.0)
    return {
        "tissue": 0.7 * anatomy.noise(rng, 15.0) + 0.7 * anatomy.noise(rng, 4.0),
        "oedema": 0.8 * anatomy.noise(rng, 18.0) + 0.6 * anatomy.noise(rng, 6.0),
        "necrosis": mottle,
        "enhancing": 2
        * lesion.wall
        * np.clip(0.9 + 0.5 * anatomy.noise(rng, 14.0), 0, 2)
        - 0.8
        + 0.6 * anatomy.noise(rng, 5.0),
    }


def _mix(anatomy, lesion, protocol, mimics, textures) -> np.ndarray:
    """Return the noise-free signal `[voxels]` of one sequence."""
    maps, tone = anatomy.maps, protocol.signal
    signal = sum(tone[t] * maps[t] for t in ("csf", "grey", "white"))
    for name, strength in protocol.mimics.items():
        if strength:
            signal = signal + strength * mimics[name]
    if protocol.margin is not None:
        signal += maps["margin"] * (protocol.margin - signal)
    signal *= 1 + 0.03 * textures["tissue"]
    # Oedema adds water to tissue: what was brighter before stays a little brighter.
    wet = 0.8 * tone["oedema"] + 0.2 * signal
    wet += protocol.spread["oedema"] * textures["oedema"]
    signal += lesion.oedema * (1 - maps["csf"]) * (wet - signal)
    for tissue, label in (("necrosis", NECROSIS), ("enhancing", ENHANCING)):
        inside = lesion.labels == label
        uneven = protocol.spread[tissue] * textures[tissue][inside]
        signal[inside] = tone[tissue] + uneven
    return np.maximum(signal, 0.03).astype(np.float32)


def _blur(block: np.ndarray, anatomy: Anatomy, protocol: Protocol) -> np.ndarray:
    """Blur as partial volume does: slightly in plane, by the slice across it.

    Divided by the blurred brain, so that the empty background does not darken it.
    """
    from scipy.ndimage import gaussian_filter

    spacing_mm = float(anatomy.axes_mm[0][1] - anatomy.axes_mm[0][0])
    sigma = np.full(3, 0.55)
    # A slice's box profile of width w has the standard deviation w / sqrt(12).
    sigma[protocol.thick_axis] = max(0.55, protocol.thickness_mm / 12**0.5)
    brain = anatomy.brain.astype(np.float32)
    sigma = sigma / spacing_mm
    weight = gaussian_filter(brain, sigma, truncate=3)
    return gaussian_filter(block, sigma, truncate=3) / np.maximum(weight, 1e-3) * brain


def _add_rician(
    signal: np.ndarray, noise: float, rng: np.random.Generator
) -> np.ndarray:
    """Return the magnitude of a signal with normal noise in both channels."""
    real, imaginary = noise * rng.standard_normal((2, len(signal)), dtype=np.float32)
    return np.hypot(signal + real, imaginary)
