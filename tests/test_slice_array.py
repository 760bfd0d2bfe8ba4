import json

import numpy as np
import pytest
from builds import build
from refusals import refused


@pytest.fixture
def store(patient_folder, tmp_path):
    return build(patient_folder(), tmp_path / "prepared")


@pytest.mark.parametrize(
    "index",
    [
        3,
        -1,
        np.int64(12),
        slice(8, 13),
        slice(None, None, 7),
        [25, 0, 25],
        np.array([True] + 29 * [False]),
        (slice(8, 12), ..., 2),
        (slice(2), 3),
        (4, 5, 6, 1),
        (..., 0),
        slice(0, 0),
    ],
)
@pytest.mark.parametrize("held", [False, True])
def test_rows_are_indexed_as_numpy_does(store, index, held):
    images = store.held().images if held else store.images
    whole = np.concatenate([images[row : row + 1] for row in range(len(images))])
    found = images[index]
    assert np.array_equal(found, whole[index]) and found.shape == whole[index].shape


def test_it_tells_its_shape_and_type(store):
    assert store.images.shape == (30, 16, 16, 4) and len(store.images) == 30
    assert store.images.dtype == np.float32
    assert store.masks.shape == (30, 16, 16) and store.masks.dtype == np.uint8
    assert np.array_equal(np.asarray(store.masks), store.masks[:])


def test_a_row_beyond_the_end_is_an_error(store):
    with pytest.raises(IndexError):
        store.images[30]


def test_a_store_on_disk_keeps_no_file_open_and_maps_none(store):
    store.images[:]
    with open("/proc/self/maps") as maps:
        assert ".slices" not in maps.read()


def test_what_is_read_is_one_s_own(store):
    store.images[0][...] = 9
    assert store.images[0].max() < 9


@pytest.mark.parametrize("loss", ["delete", "truncate"])
def test_files_that_went_away_are_named(store, loss):
    path = store.folder / next(store.folder.glob("*.slices")).name
    content = json.loads(path.with_suffix(".json").read_text())["content"]
    row = next(c["start"] for c in store.cases if c["content"] == content)
    path.unlink() if loss == "delete" else path.write_bytes(path.read_bytes()[:10])
    with refused("E-CACHE-GONE", path) as caught:
        store.images[row]
    assert "Run again" in caught.value.remedy


def test_slices_in_memory_outlive_their_files(store):
    held = store.held()
    expected = store.images[:]
    for path in store.folder.iterdir():
        path.unlink()
    assert np.array_equal(held.images[:], expected)
