import numpy as np
import pytest

from brainseg_utils.labels import BRATS_2018, BRATS_2023, UPENN_GBM


@pytest.mark.parametrize(
    ("scheme", "labels"),
    [(BRATS_2018, [0, 1, 2, 4]), (BRATS_2023, [0, 1, 2, 3]), (UPENN_GBM, [0, 1, 2, 4])],
)
def test_the_whole_tumour_is_every_label_but_background(scheme, labels):
    mask = scheme.whole_tumour(np.array(labels))
    assert mask.tolist() == [0, 1, 1, 1]
    assert mask.dtype == np.uint8


def test_labels_stored_as_floats_count():
    assert BRATS_2018.whole_tumour(np.array([0.0, 4.0], np.float32)).tolist() == [0, 1]


def test_an_empty_mask_stays_empty():
    assert not BRATS_2018.whole_tumour(np.zeros((2, 2, 2))).any()


@pytest.mark.parametrize("value", [3, -1, 0.5, 255])
def test_an_unknown_label_is_refused_with_its_voxels_counted(value):
    with pytest.raises(ValueError, match=rf"{{{float(value)}: 2}}") as caught:
        BRATS_2018.whole_tumour(np.array([0, 1, value, value]))
    assert "[1, 2, 4] of BraTS 2018-2022" in str(caught.value)


def test_label_4_belongs_to_the_schemes_before_2023_only():
    enhancing = np.array([4])
    assert BRATS_2018.whole_tumour(enhancing).tolist() == [1]
    with pytest.raises(ValueError):
        BRATS_2023.whole_tumour(enhancing)
