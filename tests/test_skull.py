import numpy as np
import pytest
from heads import SPACING_MM, brain_of, head_of

from brainseg_utils.prediction.skull import DARK, dark_shell, shows_skull

SPACING = (SPACING_MM,) * 3


@pytest.mark.parametrize("edge", [30.0, 60.0, 100.0, 170.0])
def test_a_brain_of_any_contrast_is_no_head(edge):
    brain = brain_of(edge=edge)
    assert not shows_skull(brain, SPACING)
    assert dark_shell(brain, SPACING) > DARK + 0.15


@pytest.mark.parametrize("edge", [60.0, 100.0, 170.0])
def test_a_head_is_one_in_any_contrast(edge):
    assert shows_skull(head_of(brain_of(edge=edge)), SPACING)


def test_bone_that_counts_as_background_is_seen_all_the_same():
    head = head_of(brain_of())
    assert shows_skull(np.where(head > 45, head, 0), SPACING)


def test_a_rim_of_fluid_alone_is_no_skull():
    """A generous skull stripping leaves such margins."""
    margin = {"fluid": (5.0, 30)}
    assert not shows_skull(head_of(brain_of(), margin), SPACING)
    bright = {"fluid": (5.0, 190)}
    assert not shows_skull(head_of(brain_of(), bright), SPACING)


def test_a_head_is_seen_on_other_voxels_and_stored_backwards():
    head = head_of(brain_of())
    assert shows_skull(head[::2], (SPACING_MM, SPACING_MM, 2 * SPACING_MM))
    assert shows_skull(head[::-1, ::-1, ::-1][::-1], SPACING)


def test_a_scan_without_background_is_no_brain():
    noise = np.random.default_rng(0).integers(1, 9, brain_of().shape)
    assert shows_skull(np.maximum(brain_of(), noise), SPACING)


def test_what_is_too_small_to_tell_is_let_pass():
    assert not shows_skull(brain_of(), (0.5, 0.5, 0.5))
    assert not shows_skull(np.zeros((4, 4, 4)), SPACING)


def test_a_margin_of_background_changes_nothing():
    head = head_of(brain_of())
    z, y, x = (slice(found.min(), found.max() + 1) for found in np.nonzero(head))
    expected = dark_shell(head[z, y, x], SPACING)
    for margin in (1, 12):
        assert dark_shell(np.pad(head[z, y, x], margin), SPACING) == expected
