"""Lesion of one synthetic patient: necrotic core, enhancing rim, oedema."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainseg_utils.phantom.anatomy import Anatomy, Head, to_patient
from brainseg_utils.phantom.template import lesion_sites

NECROSIS, OEDEMA, ENHANCING = 1, 2, 4
# Whole-tumour volumes in ml: a log-normal cut at both ends, as in BraTS cohorts.
MEDIAN_ML, SPREAD, SMALLEST_ML, LARGEST_ML = 85.0, 0.65, 15.0, 210.0
# Voxel size at which oedema spreads: coarse enough to be quick, fine enough for gyri.
SPREAD_MM = 4.0


@dataclass(frozen=True)
class Plan:
    """What distinguishes one lesion from the next; see `draw_plan`."""

    centres_mm: np.ndarray  # [foci, 3], positions in the patient
    stretch: np.ndarray  # [3, 3], makes ellipsoids of the foci's balls
    volume_ml: float  # whole tumour
    core_share: float  # of the whole tumour: necrosis and enhancing tumour
    necrotic_share: float  # of the core
    irregularity: float  # 0.5 smooth to 1.6 lobulated
    push: float  # 0 to 0.5, how much the core has displaced tissue
    edge_mm: float  # width over which oedema fades

    @property
    def core_radius_mm(self) -> float:
        """Radius of a ball as large as the core."""
        return (self.volume_ml * 1000 * self.core_share * 3 / (4 * np.pi)) ** (1 / 3)


@dataclass(frozen=True)
class Lesion:
    """A lesion at the brain's voxels.

    Attributes:
        labels: `[voxels]` uint8, 0 healthy, 1 necrotic core, 2 oedema, 4 enhancing.
        oedema: `[voxels]` float32, 0 to 1; the label begins at 0.5.
        wall: `[voxels]` float32, 0 to 1, highest in a shell 2 mm inside the core's
            border, where the tumour enhances most.
    """

    labels: np.ndarray
    oedema: np.ndarray
    wall: np.ndarray


def draw_plan(rng: np.random.Generator, head: Head) -> Plan:
    """Draw size, place, composition and shape of a lesion."""
    volume_ml = _draw_volume_ml(rng)
    kind = rng.choice(["ring", "solid", "faint"], p=[0.76, 0.14, 0.10])
    necrotic = {"ring": (3.0, 3.0), "solid": (1.0, 12.0), "faint": (12.0, 1.0)}[kind]
    core_share = np.clip(rng.beta(2.2, 3.4), 0.08, 0.85)
    widths = np.exp(rng.normal(0, 0.18, 3))
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    return Plan(
        centres_mm=draw_centres(rng, head),
        stretch=turn @ np.diag(widths / widths.prod() ** (1 / 3)) @ turn.T,
        volume_ml=volume_ml,
        core_share=core_share,
        necrotic_share=rng.beta(*necrotic),
        irregularity=rng.uniform(0.5, 1.6),
        push=rng.uniform(0.1, 0.5),
        edge_mm=rng.uniform(0.5, 1.6),
    )


def _draw_volume_ml(rng: np.random.Generator) -> float:
    while True:
        volume_ml = MEDIAN_ML * np.exp(SPREAD * rng.standard_normal())
        if SMALLEST_ML <= volume_ml <= LARGEST_ML:
            return float(volume_ml)


def draw_centres(rng: np.random.Generator, head: Head) -> np.ndarray:
    """Return one focus, or in a fifth of the patients two, `[foci, 3]` in mm."""
    sites = lesion_sites()
    first = sites[rng.integers(len(sites))]
    chosen = [first]
    if rng.random() < 0.2:
        distance_mm = np.linalg.norm(sites - first, axis=1)
        near = sites[(distance_mm > 25) & (distance_mm < 45)]
        chosen.append(near[rng.integers(len(near))])
    return np.stack([to_patient(head, site) for site in chosen])


def push_tissue(plan: Plan, points_mm: np.ndarray) -> np.ndarray:
    """Return where the tissue at `points_mm` `[3, voxels]` lay before the lesion grew.

    Tissue moved away from each focus, most at 0.7 of the reach:
    source = centre + offset * (1 - push * exp(-(distance / reach)**2)).
    """
    reach_mm = 12 + 1.5 * plan.core_radius_mm
    source = points_mm.astype(np.float32)
    for centre in plan.centres_mm.astype(np.float32):
        offset = points_mm - centre[:, None]
        near = np.exp(-(offset**2).sum(0) / reach_mm**2)
        source -= (plan.push / len(plan.centres_mm)) * near * offset
    return source


def grow_lesion(plan: Plan, anatomy: Anatomy, rng: np.random.Generator) -> Lesion:
    """Grow core, then oedema, each until it has the volume that the plan asks for."""
    spacing_mm = float(anatomy.axes_mm[0][1] - anatomy.axes_mm[0][0])
    voxels = plan.volume_ml * 1000 / spacing_mm**3
    shape_mm = _core_shape(plan, anatomy, rng)
    core, radius_mm = _smallest(shape_mm, plan.core_share * voxels)
    labels = np.zeros(len(shape_mm), np.uint8)
    labels[core] = ENHANCING
    labels[_necrosis(plan, anatomy, rng, core, radius_mm - shape_mm)] = NECROSIS
    score = _oedema_score(anatomy, rng, core)
    outer, limit_mm = _smallest(score, (1 - plan.core_share) * voxels)
    oedema = 1 / (1 + np.exp(np.clip((score - limit_mm) / plan.edge_mm, -30, 30)))
    labels[outer & (labels == 0)] = OEDEMA
    wall = np.exp(-(((radius_mm - shape_mm - 2.0) / 2.0) ** 2))
    return Lesion(labels, oedema.astype(np.float32), wall.astype(np.float32))


def _smallest(values: np.ndarray, count: float) -> tuple[np.ndarray, float]:
    """Return the mask of the `count` smallest values, and the value at its border."""
    count = int(np.clip(round(count), 1, len(values) - 1))
    border = np.partition(values, count)[count]
    return values < border, float(border)


def _core_shape(plan: Plan, anatomy: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """Return a distance from the foci in mm, warped by noise into lobes."""
    points, stretch = anatomy.points_mm(), plan.stretch.astype(np.float32)
    warp = 0.20 * anatomy.noise(rng, 22.0) + 0.10 * anatomy.noise(rng, 9.0)
    stretched = [
        np.linalg.norm(np.einsum("ij,jn->in", stretch, points - c[:, None]), axis=0)
        for c in plan.centres_mm.astype(np.float32)
    ]
    # A second focus is a little smaller than the first.
    distance = np.minimum.reduce([d + 4.0 * k for k, d in enumerate(stretched)])
    distance *= np.exp(plan.irregularity * warp)
    return distance + 15 * anatomy.maps["ventricle"]


def _necrosis(plan, anatomy, rng, core, depth_mm) -> np.ndarray:
    """Return the mask of the core's necrotic share: its depths, with uneven walls."""
    wall = np.exp(0.5 * anatomy.noise(rng, 9.0)) + 0.35 * anatomy.noise(rng, 5.0)
    score = np.where(core, wall - depth_mm / plan.core_radius_mm * 3, np.inf)
    return _smallest(score, plan.necrotic_share * core.sum())[0] & core


def _oedema_score(anatomy: Anatomy, rng, core: np.ndarray) -> np.ndarray:
    """Return how late oedema arrives at each voxel, in mm of white matter; inf in core.

    It spreads from the core through white matter, three times slower through grey,
    hardly through CSF; the finer grid's grey matter then shapes the fingers.
    """
    maps = anatomy.maps
    arrival = _spread(anatomy, rng, core)
    rough = 1.5 * anatomy.noise(rng, 6.0) + 0.8 * anatomy.noise(rng, 3.0)
    score = arrival + 12 * maps["grey"] + 40 * maps["csf"] + rough
    return np.where(core, np.inf, score).astype(np.float32)


def _spread(anatomy: Anatomy, rng: np.random.Generator, core: np.ndarray) -> np.ndarray:
    from scipy.ndimage import zoom
    from skimage.graph import MCP_Geometric

    axes = anatomy.axes_mm
    step = max(1, round(SPREAD_MM / float(axes[0][1] - axes[0][0])))
    maps = anatomy.maps
    cost = 1 + 2.5 * maps["grey"] + 20 * maps["csf"]
    cost *= np.exp(0.35 * anatomy.noise(rng, 18.0))
    outside = 50.0
    coarse = _block_means(anatomy.fill(cost - outside), step) + outside
    starts = np.argwhere(
        _block_means(anatomy.fill(core.astype(np.float32)), step) > 0.3
    )
    if len(starts) == 0:
        starts = np.argwhere(anatomy.fill(core))[:1] // step
    spread = MCP_Geometric(coarse).find_costs(starts.tolist())[0]
    spread_mm = spread.astype(np.float32) * step * (axes[0][1] - axes[0][0])
    fine = zoom(spread_mm, step, order=1, grid_mode=True, mode="nearest")
    x, y, z = anatomy.brain.shape
    return fine[:x, :y, :z][anatomy.brain]


def _block_means(block: np.ndarray, step: int) -> np.ndarray:
    """Return means over cubes of `step` voxels; the far edges are padded."""
    padded = np.pad(block, [(0, -n % step) for n in block.shape], mode="edge")
    x, y, z = (n // step for n in padded.shape)
    return padded.reshape(x, step, y, step, z, step).mean(axis=(1, 3, 5))
