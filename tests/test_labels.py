import time

import numpy as np
import pytest
from refusals import refused

from brainseg_utils.labels import (
    BINARY,
    BRATS_2018,
    BRATS_2023,
    BRATS_2024,
    DECATHLON,
    KAGGLE_LGG,
    SCHEMES,
    UPENN_GBM,
    scheme_named,
)


@pytest.mark.parametrize(
    ("scheme", "labels"),
    [
        (BRATS_2018, [0, 1, 2, 4]),
        (BRATS_2023, [0, 1, 2, 3]),
        (BRATS_2024, [0, 1, 2, 3]),
        (UPENN_GBM, [0, 1, 2, 4]),
        (DECATHLON, [0, 1, 2, 3]),
        (KAGGLE_LGG, [0, 255]),
        (BINARY, [0, 1]),
    ],
)
def test_the_whole_tumour_is_every_label_but_background(scheme, labels):
    mask = scheme.whole_tumour(np.array(labels))
    assert mask.tolist() == [0] + [1] * (len(labels) - 1)
    assert mask.dtype == np.uint8


def test_a_resection_cavity_is_known_and_no_tumour():
    mask = np.array([[0, 4], [1, 4]])
    assert BRATS_2024.whole_tumour(mask).tolist() == [[0, 0], [1, 0]]
    with pytest.raises(ValueError):
        BRATS_2023.whole_tumour(mask)


def test_labels_stored_as_floats_count():
    assert BRATS_2018.whole_tumour(np.array([0.0, 4.0], np.float32)).tolist() == [0, 1]


def test_labels_may_differ_from_whole_numbers_by_rounding():
    values = [1.0000001, 0.9995, 2.0009, 0.0005, -0.0005]
    assert BRATS_2018.whole_tumour(np.array(values)).tolist() == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("value", [1.0011, 0.9985, 0.0015])
def test_more_than_rounding_is_no_label(value):
    with pytest.raises(ValueError, match=rf"{{{value}: 1}}"):
        BRATS_2018.whole_tumour(np.array([1.0, value]))


def test_an_empty_mask_stays_empty():
    assert not BRATS_2018.whole_tumour(np.zeros((2, 2, 2))).any()
    assert BRATS_2018.whole_tumour(np.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize("value", [3, 5, -1, 0.5, 255, np.inf, -np.inf, np.nan])
def test_an_unknown_label_is_refused_with_its_voxels_counted(value):
    with pytest.raises(ValueError, match=rf"{{{float(value)}: 2}}") as caught:
        BRATS_2018.whole_tumour(np.array([0, 1, value, value]))
    assert "[1, 2, 4] of BraTS 2018-2022" in str(caught.value)


def test_the_schemes_that_all_labels_fit_are_named():
    with pytest.raises(ValueError, match="fit brats2023 or brats2024 or msd$"):
        BRATS_2018.whole_tumour(np.array([1, 2, 3]))
    with pytest.raises(ValueError, match=r"\(value: voxels\)$"):
        BRATS_2018.whole_tumour(np.array([1, 2, 3, 9]))


def test_an_image_in_place_of_a_mask_is_described_in_short():
    image = np.repeat(np.arange(5, 1000), 2)
    with pytest.raises(ValueError, match="and 987 other values") as caught:
        BRATS_2018.whole_tumour(image)
    assert str(caught.value).count(": 2") == 8


def test_label_4_belongs_to_the_schemes_before_2023_only():
    enhancing = np.array([4])
    assert BRATS_2018.whole_tumour(enhancing).tolist() == [1]
    with pytest.raises(ValueError):
        BRATS_2023.whole_tumour(enhancing)


VIEWS = {
    "as in C": np.ascontiguousarray,
    "as in Fortran": np.asfortranarray,
    "transposed": lambda mask: np.asfortranarray(mask.T).T,
    "backwards": lambda mask: np.ascontiguousarray(mask[::-1, :, ::-1])[::-1, :, ::-1],
    "part of a series": lambda mask: np.stack([mask, mask], -1)[..., 1],
    "axes mixed": lambda mask: np.ascontiguousarray(mask.transpose(1, 2, 0)).transpose(
        2, 0, 1
    ),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, ">i2", np.float32])
def test_any_memory_order_gives_the_same_mask(view, dtype):
    labels = np.random.default_rng(0).choice([0, 0, 0, 1, 3, 4], (4, 5, 6))
    mask = VIEWS[view](labels.astype(dtype))
    assert np.array_equal(mask, labels)
    wanted = (labels == 1) | (labels == 3)
    assert np.array_equal(BRATS_2024.whole_tumour(mask), wanted)


def test_the_mask_given_is_left_as_it_was():
    mask = np.array([0.0, 1.0000001, 4])
    before = mask.copy()
    mask.flags.writeable = False
    BRATS_2024.whole_tumour(mask)
    assert np.array_equal(mask, before)


def test_a_full_size_mask_takes_milliseconds():
    mask = np.zeros((240, 240, 155), np.int16, order="F")
    mask[100:150, 100:150, 50:90] = 2
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        BRATS_2018.whole_tumour(mask[::-1, ::-1])
        seconds.append(time.perf_counter() - start)
    # It takes 2 ms, and 200 ms where all voxels are sorted.
    assert min(seconds) < 0.05


def test_schemes_are_found_by_their_key():
    assert set(SCHEMES) == {
        "brats2018",
        "brats2023",
        "brats2024",
        "upenn",
        "msd",
        "lgg",
        "binary",
    }
    assert all(scheme_named(key) is scheme for key, scheme in SCHEMES.items())
    assert all(scheme.source for scheme in SCHEMES.values())


def test_an_unknown_scheme_is_refused_with_the_known():
    with refused("E-LABEL", "labels") as caught:
        scheme_named("brats")
    assert "'brats'" in caught.value.what and "'brats2023'" in caught.value.what
