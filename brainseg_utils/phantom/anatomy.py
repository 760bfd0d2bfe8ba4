"""Anatomy of one synthetic patient: the MNI152 brain, warped as people differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from brainseg_utils.phantom.noise import smooth_noise
from brainseg_utils.phantom.template import (
    MNI_MIDDLE_MM,
    MNI_ORIGIN_MM,
    template_maps,
)

# Block of the BraTS volume that holds any of these brains, and the brain's middle,
# in mm from the first voxel; axes run to the left, posterior and superior. Both are
# measured on five patients of UPENN-GBM, which share the BraTS grid.
BLOCK_MM = ((36.0, 202.0), (26.0, 230.0), (0.0, 154.0))
MIDDLE_MM = np.array((118.5, 128.0, 70.0))


@dataclass(frozen=True)
class Head:
    """What distinguishes one healthy head from the next; see `draw_head`."""

    scale: np.ndarray  # [3], size against MNI152
    rotation: np.ndarray  # [3, 3]
    shift_mm: np.ndarray  # [3]
    warp_mm: float  # how far smooth deformation moves a point, standard deviation
    atrophy: float  # shift of the log-odds of CSF
    folding: float  # how much the cortex differs from the template's
    sulci: float  # how much CSF its furrows hold
    pia: float  # share of solid tissue in the CSF of sulci and cisterns
    strip_csf_mm: float  # depth to which the skull stripping took CSF away
    strip_mm: float  # how deep the skull stripping cut; negative leaves a margin


@dataclass(frozen=True)
class Anatomy:
    """Tissue of one patient. Every map is `[voxels]` float32, one value a brain voxel.

    Attributes:
        brain: `[x, y, z]` bool, the block's voxels inside the brain.
        axes_mm: Positions along x, y and z of the block's voxels.
        maps: `csf`, `grey`, `white` (shares, sum 1), `ventricle`, `limbic`, `iron`,
            `choroid`, `sinus`, `margin` (0 to 1; the last is what skull stripping has
            left outside the brain), `depth_mm` below the surface of what is left, and
            `ventricle_mm`, the distance to the nearest ventricle.
    """

    brain: np.ndarray
    axes_mm: tuple[np.ndarray, np.ndarray, np.ndarray]
    maps: dict[str, np.ndarray]

    def points_mm(self) -> np.ndarray:
        """Return the brain voxels' positions, `[3, voxels]` float32."""
        indices = np.nonzero(self.brain)
        return np.stack([a[i] for a, i in zip(self.axes_mm, indices, strict=True)])

    def noise(self, rng: np.random.Generator, scale_mm: float) -> np.ndarray:
        """Return smooth noise at the brain voxels; see `smooth_noise`."""
        return smooth_noise(rng, self.axes_mm, scale_mm)[self.brain]

    def fill(self, values: np.ndarray) -> np.ndarray:
        """Return the block `[x, y, z]` with `values` in the brain and 0 elsewhere."""
        block = np.zeros(self.brain.shape, values.dtype)
        block[self.brain] = values
        return block


def block_axes(spacing_mm: float) -> tuple[np.ndarray, ...]:
    """Return the positions in mm of the block's voxels along x, y and z."""
    return tuple(
        np.arange(np.ceil(low / spacing_mm), high // spacing_mm + 1, dtype=np.float32)
        * np.float32(spacing_mm)
        for low, high in BLOCK_MM
    )


def draw_head(rng: np.random.Generator) -> Head:
    """Draw a head; brains come out at 1.2 to 1.8 litres, as UPENN-GBM's do."""
    return Head(
        scale=0.93
        * np.exp(0.025 * rng.standard_normal() + 0.02 * rng.standard_normal(3)),
        rotation=_rotation(rng.normal(0, 0.03, 3)),
        shift_mm=rng.normal(0, 1.5, 3),
        warp_mm=rng.uniform(1.2, 2.6),
        atrophy=rng.normal(0.3, 0.6),
        folding=rng.uniform(0.3, 0.7),
        sulci=rng.uniform(0.4, 1.0),
        pia=rng.uniform(0.2, 0.5),
        strip_csf_mm=rng.uniform(0, 4),
        strip_mm=rng.uniform(-0.5, 2.0),
    )


def _rotation(angles: np.ndarray) -> np.ndarray:
    """Return the rotation by small angles in radians about x, y and z."""
    x, y, z = angles
    half = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) / 2
    # Cayley's formula: an exact rotation from a skew matrix.
    return np.linalg.solve(np.eye(3) - half, np.eye(3) + half)


def to_template(head: Head, points_mm: np.ndarray) -> np.ndarray:
    """Map patient positions `[3, ...]` in mm to voxel positions of the template."""
    flat = points_mm.reshape(3, -1) - (MIDDLE_MM + head.shift_mm)[:, None]
    linear = np.diag((-1.0, -1.0, 1.0)) @ np.diag(1 / head.scale) @ head.rotation
    offset = MNI_MIDDLE_MM - MNI_ORIGIN_MM
    found = np.einsum("ij,jn->in", linear.astype(np.float32), flat.astype(np.float32))
    return (found + offset[:, None].astype(np.float32)).reshape(points_mm.shape)


def to_patient(head: Head, voxel: np.ndarray) -> np.ndarray:
    """Map one template voxel `[3]` to patient mm: the inverse of `to_template`."""
    centred = (voxel + MNI_ORIGIN_MM - MNI_MIDDLE_MM) * (-1.0, -1.0, 1.0) * head.scale
    return head.rotation.T @ centred + MIDDLE_MM + head.shift_mm


def build_anatomy(
    head: Head, rng: np.random.Generator, spacing_mm: float, push: Callable
) -> Anatomy:
    """Warp the template to one patient.

    Args:
        head: From `draw_head`.
        rng: Source of the deformation and of the cortex's detail.
        spacing_mm: Voxel size.
        push: Function from patient positions `[3, voxels]` in mm to those their
            tissue came from: a lesion's mass effect. It moves tissue, not the skull.
    """
    from scipy.ndimage import map_coordinates

    axes_mm = block_axes(spacing_mm)
    maps = template_maps(spacing_mm)
    points = np.stack(np.meshgrid(*axes_mm, indexing="ij"))
    for component in points:
        component += head.warp_mm * smooth_noise(rng, axes_mm, 45.0)
        component += 0.3 * head.warp_mm * smooth_noise(rng, axes_mm, 14.0)
    depth = map_coordinates(
        maps["depth_mm"], to_template(head, points), order=1, mode="nearest"
    )
    margin = np.clip(-depth, 0, 1)
    depth -= head.strip_mm + 0.6 * smooth_noise(rng, axes_mm, 20.0)
    brain = depth > 0
    source = to_template(head, push(points[:, brain]))
    sampled = {
        name: map_coordinates(volume, source, order=1, mode="nearest")
        for name, volume in maps.items()
    }
    sampled |= {"depth_mm": depth[brain], "margin": margin[brain]}
    anatomy = Anatomy(brain, axes_mm, sampled)
    _fold_tissue(anatomy, head, rng)
    return _strip_surface(anatomy, head)


def _fold_tissue(anatomy: Anatomy, head: Head, rng: np.random.Generator) -> None:
    """Turn the template's averaged probabilities into one person's tissue shares.

    An average of many brains is blurred and has lost most sulci. Smooth noise puts
    some back: where it is near zero lies a sheet of CSF, and where it is far from zero
    the white matter of a gyrus. A power then sharpens the borders.
    """
    maps = anatomy.maps
    shares = {t: maps[t] for t in ("grey", "white")}
    shares["csf"] = np.clip(1 - maps["grey"] - maps["white"], 0, 1)
    cortex = np.clip(2 * (maps["grey"] + shares["csf"]) - 0.6, 0, 1) * (
        1 - maps["nuclei"]
    )
    folds = np.abs(anatomy.noise(rng, 9.0))
    shares["csf"] = shares["csf"] + head.sulci * cortex * np.exp(-((folds / 0.17) ** 2))
    gyrus = np.clip(folds - 0.8, 0, 0.8) * (maps["depth_mm"] > 4)
    shares["white"] = shares["white"] + head.folding * cortex * gyrus
    log_odds = {"csf": head.atrophy * (0.5 + maps["ventricle"]), "grey": 0, "white": 0}
    for name, share in shares.items():
        detail = head.folding * anatomy.noise(rng, 6.0)
        shares[name] = np.clip(share, 0.003, 1) ** 2 * np.exp(detail + log_odds[name])
    total = shares["csf"] + shares["grey"] + shares["white"]
    maps |= {name: share / total for name, share in shares.items()}
    # Outside the ventricles CSF shares its voxels with pia, vessels and trabeculae.
    solid = head.pia * maps["csf"] * np.clip(maps["ventricle_mm"] / 3, 0, 1)
    maps |= {"csf": maps["csf"] - solid, "grey": maps["grey"] + solid}
    maps["ventricle"] = maps["ventricle"] * maps["csf"]


def _strip_surface(anatomy: Anatomy, head: Head) -> Anatomy:
    """Remove CSF near the surface, as skull stripping does: gyri form the outline."""
    maps = anatomy.maps
    kept = (maps["csf"] < 0.45) | (maps["depth_mm"] > head.strip_csf_mm)
    brain = anatomy.fill(kept)
    return Anatomy(brain, anatomy.axes_mm, {name: v[kept] for name, v in maps.items()})
