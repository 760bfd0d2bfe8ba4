"""Phantom patients to learn from: more various than those of any one hospital.

What a network learns on patients that all look alike holds for them alone. Here lesions
are of every size and kind, also without a core, and every scanner has contrasts of its
own, wider than any real one's: real patients then lie inside what was seen. (Tobin et
al. 2017, arXiv:1703.06907, call that domain randomisation; Billot et al. 2023,
arXiv:2107.09559, train on random contrasts alone.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from brainseg_utils.phantom.anatomy import Head, draw_head
from brainseg_utils.phantom.lesion import Plan, draw_centres
from brainseg_utils.phantom.mimics import MIMICS
from brainseg_utils.phantom.scanner import (
    SEQUENCES,
    TISSUES,
    Protocol,
    ordinary,
)

# Share of all lesions, and the beta distribution of the core's necrotic share.
KINDS = {
    "ring": (0.50, (3.0, 3.0)),
    "solid": (0.14, (1.0, 12.0)),
    "faint": (0.16, (12.0, 1.0)),
    "diffuse": (0.20, (6.0, 1.0)),  # Oedema almost alone.
}
MEDIAN_ML, SPREAD, SMALLEST_ML, LARGEST_ML = 60.0, 0.9, 4.0, 260.0


def draw_wide_head(rng: np.random.Generator) -> Head:
    """Draw a head, as `anatomy.draw_head` does, from a wider range.

    Half of them are stripped generously, as many tools do: with CSF, and up to 6 mm of
    what lies outside the brain.
    """
    head = draw_head(rng)
    generous = rng.random() < 0.5
    strip_mm, strip_csf_mm = rng.uniform(-6, 0), rng.choice([0.0, 2.0])
    return replace(
        head,
        warp_mm=rng.uniform(1.2, 3.2),
        atrophy=rng.normal(0.3, 0.9),
        strip_mm=strip_mm if generous else head.strip_mm,
        strip_csf_mm=strip_csf_mm if generous else head.strip_csf_mm,
    )


def draw_wide_plan(rng: np.random.Generator, head: Head) -> Plan:
    """Draw a lesion, as `lesion.draw_plan` does, from a wider range."""
    kind = rng.choice([*KINDS], p=[share for share, _ in KINDS.values()])
    volume_ml = MEDIAN_ML * np.exp(SPREAD * rng.standard_normal())
    core_share = np.clip(rng.beta(2.2, 3.4), 0.08, 0.9)
    if kind == "diffuse":
        core_share = rng.uniform(0.002, 0.04)
    widths = np.exp(rng.normal(0, 0.22, 3))
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    return Plan(
        centres_mm=draw_centres(rng, head),
        stretch=turn @ np.diag(widths / widths.prod() ** (1 / 3)) @ turn.T,
        volume_ml=float(np.clip(volume_ml, SMALLEST_ML, LARGEST_ML)),
        core_share=core_share,
        necrotic_share=rng.beta(*KINDS[kind][1]),
        irregularity=rng.uniform(0.4, 1.7),
        push=rng.uniform(0.0, 0.5),
        edge_mm=rng.uniform(0.5, 2.2),
    )


def draw_wide_protocols(
    rng: np.random.Generator, spacing_mm: float
) -> dict[str, Protocol]:
    """Draw the four sequences, as `scanner.draw_protocols` does, from a wider range.

    Args:
        rng: Source of everything.
        spacing_mm: Voxel size: a larger voxel is the mean of more signal, and has less
            noise.
    """
    strength = {name: rng.uniform(*bounds) for name, (bounds, _) in MIMICS.items()}
    oedema_shows = rng.uniform(0.35, 1.25)
    return {
        name: Protocol(
            signal=_draw_signal(rng, column, oedema_shows),
            spread={
                t: r[column][2] * rng.uniform(0.5, 1.3) for t, r in TISSUES.items()
            },
            gain=300.0,
            bias=rng.uniform(0.02, 0.14),
            noise=rng.uniform(0.01, 0.08) / max(spacing_mm, 1.0),
            thickness_mm=rng.uniform(1, 3 if name.startswith("t1") else 5),
            thick_axis=int(rng.choice(3, p=(0.15, 0.15, 0.7))),
            mimics={m: strength[m] * MIMICS[m][1][column] for m in MIMICS},
            # From bone and air to fat and dura.
            margin=float(np.exp(rng.uniform(np.log(0.05), np.log(1.3)))),
        )
        for column, name in enumerate(SEQUENCES)
    }


def _draw_signal(
    rng: np.random.Generator, column: int, oedema_shows: float
) -> dict[str, float]:
    """Return each tissue's signal; how far a lesion stands out is drawn as well.

    At 0 a lesion would look like healthy tissue, at 1 as it does on average.
    """
    signal = {
        tissue: row[column][0] * np.exp(rng.normal(0, 0.06))
        + 1.6 * row[column][1] * ordinary(rng)
        for tissue, row in TISSUES.items()
    }
    core_shows = rng.uniform(0.5, 1.2)
    healthy = 0.5 + 0.5 * signal["grey"]
    for tissue, shows in (
        ("oedema", oedema_shows),
        ("necrosis", core_shows),
        ("enhancing", core_shows),
    ):
        signal[tissue] = healthy + shows * (signal[tissue] - healthy)
    return {"white": 1.0, **signal}
