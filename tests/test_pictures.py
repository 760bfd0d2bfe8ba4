import io
import itertools
from dataclasses import replace

import nibabel
import numpy as np
import pytest
from matplotlib import pyplot as plt
from pictured import RAS, SPACING, TUMOUR, draw_patient, make_view
from PIL import Image

from brainseg_utils import pictures
from brainseg_utils.pictures.drawing import MARGIN_MM, draw_bar, outline, show_slice
from brainseg_utils.pictures.figures import doubt_of
from brainseg_utils.pictures.grey import grey_levels
from brainseg_utils.pictures.views import PLANES

ORIENTATIONS = [
    "".join(codes)
    for axes in itertools.permutations(("LR", "PA", "IS"))
    for codes in itertools.product(*axes)
]
CORNER = (3, 4, 1)  # Where the brain's box begins.


def pixels(figure):
    return np.asarray(Image.open(io.BytesIO(pictures.figure_png(figure))))


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_a_view_is_the_same_however_the_patient_is_stored(codes):
    found, wanted = make_view(codes), make_view()
    assert found.spacing_mm == SPACING
    assert (found.corner, found.whole) == (wanted.corner, wanted.whole)
    for name in ("mask", "truth", "probability"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name))
    assert all(np.array_equal(found.images[n], i) for n, i in wanted.images.items())


@pytest.mark.parametrize("draw", ["draw_planes", "draw_montage", "draw_doubt"])
def test_a_picture_is_the_same_however_the_patient_is_stored(draw):
    first, *others = (
        pixels(getattr(pictures, draw)(make_view(codes), "flair"))
        for codes in ("RAS", "LPS", "SAR", "PIL")
    )
    assert first.shape[1] == 900
    assert all(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize(
    ("plane", "left_and_top"), [("axial", "RA"), ("coronal", "RS"), ("sagittal", "AS")]
)
def test_right_front_and_top_lie_where_radiologists_have_them(plane, left_and_top):
    # The tumour lies to the right, at the front, and a little above the middle.
    view = make_view("LPS")
    tumour = view.slices(plane, view.mask)[view.largest(plane)]
    rows, columns = (np.mean(places) for places in np.nonzero(tumour))
    assert columns < tumour.shape[1] / 2
    assert rows < tumour.shape[0] / 2
    left, _, top, _ = PLANES[plane].sides
    assert left + top == left_and_top


def drawn_outline(view, plane):
    """Return the drawn line's lowest and highest place in mm: across, and down."""
    fig, ax = plt.subplots()
    mask = view.slices(plane, view.mask)[view.largest(plane)]
    outline(ax, view, plane, mask, "mask")
    (lines,) = ax.collections
    places = np.concatenate([path.vertices for path in lines.get_paths()])
    return places.min(axis=0), places.max(axis=0)


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("codes", ["RAS", "LPI"])
def test_outline_runs_along_the_edges_of_the_masks_voxels(plane, codes):
    view = make_view(codes)
    low, high = drawn_outline(view, plane)
    for place, axis in enumerate((PLANES[plane].columns, PLANES[plane].rows)):
        size, count = SPACING[axis], view.mask.shape[axis]
        first = TUMOUR[axis].start - CORNER[axis]
        last = TUMOUR[axis].stop - CORNER[axis]
        assert low[place] == pytest.approx((count - last) * size, abs=1e-6)
        assert high[place] == pytest.approx((count - first) * size, abs=1e-6)


def test_voxels_keep_their_proportions_and_the_bar_its_length():
    view = make_view()
    fig, ax = plt.subplots()
    show_slice(ax, view, "coronal", view.slices("coronal", view.images["t1"])[0])
    draw_bar(ax, view, "coronal")
    (bar,), (label,) = ax.lines, ax.texts
    length = int(label.get_text().removesuffix(" mm"))
    assert np.ptp(bar.get_xdata()) == pytest.approx(length)
    fig.canvas.draw()
    across, down = np.abs(np.diff(ax.transData.transform([(0, 0), (1, 1)]), axis=0)[0])
    assert across == pytest.approx(down)
    x, y = 35 * SPACING[0], 10 * SPACING[2]
    assert ax.images[0].get_extent() == [0, x, y, 0]
    assert ax.get_xlim() == (-MARGIN_MM, x + MARGIN_MM)


def test_an_oblique_scan_is_shown_along_its_own_axes_and_says_so():
    turned = nibabel.affines.from_matvec(
        nibabel.eulerangles.euler2mat(z=np.radians(20)) @ RAS[:3, :3]
    )
    view, straight = make_view("LPS", turned), make_view()
    assert np.array_equal(view.mask, straight.mask)
    assert view.spacing_mm == pytest.approx(SPACING)
    assert view.oblique_degrees == pytest.approx(20)
    assert "oblique by 20°" in pictures.draw_planes(view, "t1").get_supxlabel()
    assert "oblique" not in pictures.draw_planes(straight, "t1").get_supxlabel()


def test_pictures_name_sequence_convention_slice_and_sides():
    figure = pictures.draw_planes(make_view(), "flair")
    note = figure.get_supxlabel()
    assert "FLAIR" in note
    assert "patient's right is on the left" in note
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == ["axial 6/12", "coronal 31/52", "sagittal 29/40"]
    letters = [{text.get_text() for text in ax.texts} for ax in figure.axes]
    sides = [set(plane.sides) for plane in PLANES.values()]
    assert all(wanted < found for wanted, found in zip(sides, letters, strict=True))


def test_a_mask_without_tumour_is_shown_and_said_to_be():
    images, mask, probability, _ = draw_patient()
    view = pictures.turn(images, mask * 0, RAS, probability)
    for draw in (pictures.draw_planes, pictures.draw_montage, pictures.draw_doubt):
        assert "found no tumour" in draw(view, "t1").get_supxlabel()


@pytest.mark.parametrize("kept", [{}, {"truth": None}])
def test_a_montage_spans_the_tumour_and_no_more(kept):
    view = replace(make_view(), **kept)
    shown = [ax.get_title() for ax in pictures.draw_montage(view, "t1").axes]
    assert shown == [f"axial {number}/12" for number in (6, 7, 8, 9)]


def test_a_mask_outside_the_brain_is_not_cut_off():
    images, mask, *_ = draw_patient()
    mask[0, 0, 0] = 1
    assert pictures.turn(images, mask, RAS).mask.sum() == mask.sum()


def test_arrays_of_different_shapes_are_refused():
    images, mask, *_ = draw_patient()
    with pytest.raises(ValueError, match="one shape"):
        pictures.turn(images, mask[1:], RAS)
    with pytest.raises(ValueError, match="at least one sequence"):
        pictures.turn({}, mask, RAS)


def test_greys_are_0_outside_the_brain_alone_and_keep_their_order():
    image = np.array([0.0, -3.0, -1.0, 1.0, 2.0])
    levels = grey_levels(image)
    assert levels[0] == 0
    assert levels[1:].tolist() == sorted({*levels[1:].tolist()})
    assert (levels[1], levels[-1]) == (1, 255)
    assert grey_levels(np.zeros((2, 2))).max() == 0
    assert grey_levels(np.full((2, 2), 7)).min() == 1


def test_doubt_is_largest_at_a_half_and_alike_on_both_sides():
    assert doubt_of([0, 0.25, 0.5, 0.75, 1]).tolist() == [0, 0.5, 1, 0.5, 0]
