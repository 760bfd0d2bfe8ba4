"""A patient to move through in a browser: one piece of HTML that needs nothing else.

Written here because nilearn's `view_img`, the best kept of its kind, shows one sequence
in 2 MB, cannot change to another or to an reference mask, and fetches its icon from the
network (nilearn 0.14). Widgets such as ipyniivue need a kernel, and fetch their code.
"""

from __future__ import annotations

import base64
import html
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainseg_utils.page import png_uri
from brainseg_utils.pictures.colours import PREDICTION, TRUTH
from brainseg_utils.pictures.figures import doubt_of, draw_planes, figure_png
from brainseg_utils.pictures.grey import grey_levels
from brainseg_utils.pictures.mosaics import as_jpeg, as_png, tile_shape
from brainseg_utils.pictures.slice_plots import SEQUENCE_NAMES
from brainseg_utils.pictures.views import CONVENTION, PLANES, View

MOST_VOXELS = 5_000_000  # A brain at 1 mm has 3.5 million in its box.
HEIGHT_PX = 690
DOUBT, FULL = "#D55E00", np.uint8(255)

# Where frames are taken out, as on GitHub, the still picture beneath is seen.
FRAGMENT = """<div style="position: relative; min-height: {height}px">
<img alt="{title}" src="{still}" style="max-width: 100%">
<iframe title="{title}" srcdoc="{page}" style="position: absolute; top: 0; left: 0;
width: 100%; height: {height}px; border: 0; background: white"></iframe></div>"""


@dataclass(frozen=True)
class Viewer:
    """What a notebook shows of a patient: HTML to move through, or a still picture.

    Attributes:
        page: A whole HTML document, of a few MB.
        still: A PNG file, for readers who show no frames or scripts.
        title: What it shows, in words.
    """

    page: str
    still: bytes
    title: str

    def as_html(self) -> str:
        """Return a fragment to put into any page; several may stand in one."""
        return FRAGMENT.format(
            height=HEIGHT_PX,
            title=html.escape(self.title),
            still=png_uri(self.still),
            page=html.escape(self.page),
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict:
        return {
            "text/html": self.as_html(),
            "image/png": base64.b64encode(self.still).decode(),
            "text/plain": self.title,
        }


def make_viewer(view: View, sequence: str, title: str = "Patient") -> Viewer:
    """Return a viewer with a choice of plane, sequence and slice, and of masks.

    A volume of more than `MOST_VOXELS` is thinned: of its finest axis every second
    slice is kept, and so on.

    Args:
        view: The patient.
        sequence: The sequence to begin with, and that of the still picture.
        title: What to call it where it cannot be seen.
    """
    steps = thinning(view)
    thin = tuple(slice(None, None, step) for step in steps)
    facts = {
        "tiles": tile_shape(view.mask[thin].shape),
        "shape": view.mask[thin].shape,
        "thinned": steps,
        "spacing": [s * step for s, step in zip(view.spacing_mm, steps, strict=True)],
        "corner": view.corner,
        "whole": view.whole,
        "planes": {name: plane._asdict() for name, plane in PLANES.items()},
        "largest": {
            name: view.largest(name) // steps[plane.axis]
            for name, plane in PLANES.items()
        },
        "first": SEQUENCE_NAMES.get(sequence, sequence),
        "sequences": {
            SEQUENCE_NAMES.get(name, name): as_jpeg(grey_levels(image)[thin])
            for name, image in view.images.items()
        },
        "layers": _layers(view, thin),
        "note": CONVENTION,
    }
    return Viewer(_page(facts), figure_png(draw_planes(view, sequence)), title)


def thinning(view: View) -> list[int]:
    """Return of how many slices one is kept, along x, y and z."""
    steps = [1, 1, 1]
    while np.prod(-(-np.array(view.mask.shape) // steps)) > MOST_VOXELS:
        steps[int(np.argmin(np.multiply(view.spacing_mm, steps)))] += 1
    return steps


def _layers(view: View, thin: tuple[slice, ...]) -> list[dict[str, Any]]:
    """Return what can be laid over the greys, lowest first; masks have a border."""
    layers = [_layer("mask of the model", PREDICTION, view.mask[thin] * FULL)]
    if view.truth is not None:
        layers.insert(0, _layer("reference mask", TRUTH, view.truth[thin] * FULL))
    if view.probability is not None:
        # Sixteen levels are enough to see, and compress several times better.
        levels = np.round(doubt_of(view.probability[thin]) * 15).astype(np.uint8)
        layers.append(_layer("doubt", DOUBT, levels * np.uint8(17), outlined=False))
    return layers


def _layer(
    name: str, colour: str, levels: np.ndarray, outlined: bool = True
) -> dict[str, Any]:
    rgb = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return {"name": name, "outlined": outlined, "colour": rgb, "uri": as_png(levels)}


def _page(facts: dict[str, Any]) -> str:
    page, script = (_read(f"viewer.{kind}") for kind in ("html", "js"))
    # Inside a script, "<" could begin what ends it.
    data = json.dumps(facts).replace("<", "\\u003c")
    return page.replace("SCRIPT", script, 1).replace("DATA", data, 1)


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
