import numpy as np
import pytest
from tiny_cohort import make_tiny_cohort

from brainseg_utils.config import TrainingConfig
from brainseg_utils.masks import predictions
from brainseg_utils.masks.planes import Cube
from brainseg_utils.masks.predictions import (
    FAINT,
    drop_small_parts,
    predict_images,
    predict_mask,
    predict_slices,
)

PLAIN = TrainingConfig("cnn2")
MIRRORED = TrainingConfig("cnn2", mirror=True)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_tiny_cohort(tmp_path_factory.mktemp("cohort")).store


class Network:
    """Answers with the first channel, and with how many pixels lie left of each."""

    def __init__(self, sided=0.0):
        self.sided, self.seen = sided, 0

    def predict_on_batch(self, images):
        self.seen += len(images)
        side = self.sided * np.arange(images.shape[2], dtype=np.float32)[:, None]
        return images[..., :1] + side


def images_of(store, case_id):
    record = store.case(case_id)
    return store.images[record["start"] : record["stop"]]


def test_slices_come_in_order_and_all_of_them(store, monkeypatch):
    monkeypatch.setattr(predictions, "BATCH", 3)
    images = images_of(store, "P1")
    predicted = predict_slices(Network(), store, "P1", PLAIN)
    assert np.array_equal(predicted, images[..., 0])


def test_mirrored_predictions_are_turned_back_before_they_are_averaged(store):
    images, network = images_of(store, "P1"), Network(sided=1.0)
    predicted = predict_slices(network, store, "P1", MIRRORED)
    # What a side adds is the same on both, once averaged.
    middle = (images.shape[2] - 1) / 2
    assert np.allclose(predicted, images[..., 0] + middle, atol=1e-5)
    assert network.seen == 4 * len(images)


def test_slices_that_show_nothing_are_looked_at_once():
    images = np.full((5, 4, 4, 1), FAINT / 2, np.float32)
    images[1, 2, 3] = images[4, 0, 0] = 0.9
    network = Network()
    predicted = predict_images(network, images, Cube(range(5), 1.0, 4), MIRRORED)
    assert np.allclose(predicted, images[..., 0])
    assert network.seen == len(images) + 3 * 2


def test_the_recipe_s_threshold_decides(store):
    low, high = (
        predict_mask(Network(), store, "P1", TrainingConfig("cnn2", threshold=t))
        for t in (0.2, 0.8)
    )
    assert low[0].sum() > high[0].sum() > 0
    assert low[1].sum() > high[1].sum() > 0
    assert np.array_equal(high[0], images_of(store, "P1")[..., 0] >= 0.8)


def test_small_parts_are_dropped_and_the_largest_stays():
    mask = np.zeros((9, 9, 9), np.uint8)
    mask[0:3, 0:3, 0:3] = 1  # 27 voxels.
    mask[5:7, 5:7, 5:7] = 1  # 8, with one more at a corner: connected.
    mask[7, 7, 7] = 1
    mask[8, 0, 0] = 1
    kept = drop_small_parts(mask, 9)
    assert kept.sum() == 27 + 9 and kept.dtype == mask.dtype
    assert drop_small_parts(mask, 10).sum() == 27
    assert drop_small_parts(mask, 1000).sum() == 27
    assert drop_small_parts(mask, 1).sum() == mask.sum()
    assert not drop_small_parts(np.zeros((3, 3, 3), np.uint8), 5).any()


def test_the_smallest_part_is_given_in_ml(store):
    config = TrainingConfig("cnn2", threshold=0.5)
    whole = predict_mask(Network(), store, "P1", config)[1]
    record = store.case("P1")
    voxel_ml = np.prod(record["spacing_mm"]) / 1000
    dropped = TrainingConfig("cnn2", threshold=0.5, smallest_ml=20 * voxel_ml)
    assert np.array_equal(
        predict_mask(Network(), store, "P1", dropped)[1], drop_small_parts(whole, 20)
    )


def test_neighbours_are_seen_with_each_slice_mirrored_as_it_is(store):
    class Above(Network):
        """Answers with the first sequence of the slice above."""

        def predict_on_batch(self, images):
            return super().predict_on_batch(images[..., 8:])

    images = images_of(store, "P1")[..., 0]
    above = np.concatenate([images[1:], images[-1:]])
    for mirror in (True, False):
        config = TrainingConfig("cnn2", mirror=mirror, neighbours=1)
        assert np.allclose(predict_slices(Above(), store, "P1", config), above)
    assert np.array_equal(predict_mask(Above(), store, "P1", config)[0], above >= 0.5)
