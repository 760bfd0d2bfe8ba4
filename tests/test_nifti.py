import itertools

import nibabel
import numpy as np
import pytest
from nifti_files import NOISE, nifti_bytes, save
from refusals import refused

from brainseg_utils.nifti import read_series, read_volume, write_volume

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
DTYPES = ("u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
TILTED = nibabel.affines.from_matvec(
    nibabel.eulerangles.euler2mat(0.3, -0.2, 0.1) @ np.diag([0.9, -1.1, 3.0]), (7, 8, 9)
)


@pytest.fixture
def path(tmp_path):
    return save(tmp_path / "a.nii.gz", nifti_bytes())


def samples(dtype):
    """Return values over the whole range of a type, with its ends and with -0.0."""
    rng = np.random.default_rng(0)
    if dtype[0] == "f":
        data = (rng.normal(size=(6, 5, 4)) * 1e3).astype(dtype)
        data[0, 0, :2] = -0.0, 3e38
    else:
        ends = np.iinfo(dtype)
        data = rng.integers(ends.min, ends.max, (6, 5, 4), dtype, endpoint=True)
        data[0, 0, :2] = ends.min, ends.max
    return data


def assert_as_nibabel_reads(path):
    image = nibabel.load(path)
    canonical = nibabel.as_closest_canonical(image)
    wanted = nibabel.apply_orientation(
        image.get_fdata().astype(np.float32), nibabel.io_orientation(image.affine)
    )
    volume = read_volume(path)
    assert np.array_equal(volume.affine, canonical.affine)
    # As bytes, because -0.0 equals 0.0.
    assert volume.data.astype(np.float32).tobytes() == wanted.tobytes()
    return volume


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_and_byte_order_reads_as_nibabel_reads_it(
    tmp_path, dtype, order, name
):
    data = samples(dtype)
    for affine, (slope, inter) in itertools.product(
        (np.eye(4), LPS, TILTED), ((1, 0), (0.37, 0), (-2.5, 0.1), (1, -1024))
    ):
        if dtype[0] == "f" and slope != 1:
            data = data.clip(-1e6, 1e6)  # What overflows has a test of its own.
        content = nifti_bytes(data, affine, order, scl_slope=slope, scl_inter=inter)
        volume = assert_as_nibabel_reads(save(tmp_path / name, content))
        whole = dtype[0] != "f" and (slope, inter) == (1, 0)
        assert volume.data.dtype == (np.dtype(dtype) if whole else np.float32)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d[0] != "f"])
@pytest.mark.parametrize("order", "<>")
def test_integers_without_a_scale_stay_as_stored(tmp_path, dtype, order):
    data = samples(dtype)
    path = save(tmp_path / "a.nii.gz", nifti_bytes(data, order=order))
    assert np.array_equal(read_volume(path).data, data)
    assert read_volume(path).data.dtype == np.dtype(dtype)  # In native byte order.


@pytest.mark.parametrize("signs", [*itertools.product((1, -1), repeat=3)])
def test_every_orientation_turns_to_r_a_s(tmp_path, signs):
    for axes in itertools.permutations(range(3)):
        affine = np.diag([*signs, 1.0])[:, [*axes, 3]] * [1, 2, 3, 1]
        path = save(tmp_path / "a.nii.gz", nifti_bytes(affine=affine))
        volume = assert_as_nibabel_reads(path)
        assert (np.diag(volume.affine) > 0).all()
        assert (volume.affine == np.diag(np.diag(volume.affine)))[:3, :3].all()


def test_l_p_s_turns_to_r_a_s_and_every_voxel_keeps_its_place(tmp_path):
    volume = read_volume(save(tmp_path / "a.nii.gz", nifti_bytes(affine=LPS)))
    assert np.array_equal(volume.data, NOISE[::-1, ::-1])
    # Stored voxel (5, 4, 0) lies at (-5, -4, 0) mm and is the first one now.
    assert volume.affine.tolist() == [
        [1, 0, 0, -5],
        [0, 1, 0, -4],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
    ]


def test_a_sagittal_volume_turns_to_axial(tmp_path):
    sagittal = np.eye(4)[[2, 0, 1, 3]]  # Stored axes: front, up, right.
    volume = read_volume(save(tmp_path / "a.nii.gz", nifti_bytes(affine=sagittal)))
    assert np.array_equal(volume.data, np.moveaxis(NOISE, 2, 0))
    assert np.array_equal(volume.affine, np.eye(4))


def test_spacing_follows_the_axes(tmp_path):
    affine = np.diag([-0.5, 1.0, 3.0, 1.0])
    path = save(tmp_path / "a.nii.gz", nifti_bytes(affine=affine))
    assert read_volume(path).spacing_mm == (0.5, 1.0, 3.0)


def test_voxels_behind_header_extensions_are_found(tmp_path):
    content = nifti_bytes(vox_offset=370)  # A place where no int16 may lie in C.
    path = save(tmp_path / "a.nii.gz", content[:352] + b"?" * 18 + content[352:])
    assert np.array_equal(read_volume(path).data, NOISE)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("scl_slope", [1, 2])
def test_voxels_are_read_only_whatever_the_file(tmp_path, name, scl_slope):
    path = save(tmp_path / name, nifti_bytes(scl_slope=scl_slope))
    assert not read_volume(path).data.flags.writeable


def test_unscaled_integers_are_a_view_on_what_was_read(path):
    data = read_volume(path).data
    while isinstance(data.base, np.ndarray):
        data = data.base
    assert isinstance(data.base, memoryview)


@pytest.mark.parametrize("shape", [(6, 5, 4, 1), (6, 5, 4, 1, 1, 1, 1)])
def test_axes_of_one_behind_the_third_are_dropped(tmp_path, shape):
    path = save(tmp_path / "a.nii", nifti_bytes(NOISE.reshape(shape)))
    assert np.array_equal(read_volume(path).data, NOISE)


def test_a_series_gives_its_volumes_in_order(tmp_path):
    stored = np.stack([NOISE, NOISE + 1, NOISE + 2], -1)
    path = save(tmp_path / "a.nii.gz", nifti_bytes(stored, LPS, scl_slope=0.5))
    volumes = read_series(path)
    assert len(volumes) == 3
    for number, volume in enumerate(volumes):
        assert np.array_equal(volume.data, (NOISE[::-1, ::-1] + number) / 2)
        assert volume.affine[:3, 3].tolist() == [-5, -4, 0]


def test_a_single_volume_is_a_series_of_one(path):
    (volume,) = read_series(path)
    assert np.array_equal(volume.data, NOISE)
    assert np.array_equal(volume.affine, read_volume(path).affine)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8"])
def test_voxels_that_are_not_numbers_are_counted_and_the_first_is_named(
    tmp_path, value, dtype
):
    data = NOISE.astype(dtype[1:])
    data[1, 2, 3] = data[4, 3, 1] = value  # Stored with the first axis running fastest.
    path = save(tmp_path / "a.nii.gz", nifti_bytes(data, LPS, dtype[0]))
    with refused("E-NII-NONFINITE", path) as caught:
        read_volume(path)
    assert "2 of 120 voxels" in caught.value.what
    assert "the first at [4, 3, 1] as stored" in caught.value.what


def test_a_volume_of_nothing_but_nan_is_refused(tmp_path):
    path = save(tmp_path / "a.nii", nifti_bytes(np.full((6, 5, 4), np.nan)))
    with refused("E-NII-NONFINITE", path) as caught:
        read_volume(path)
    assert "120 of 120 voxels" in caught.value.what


def test_nan_in_a_series_is_named_with_its_volume(tmp_path):
    stored = np.stack([NOISE, NOISE], -1).astype(np.float32)
    stored[1, 2, 3, 1] = np.nan
    path = save(tmp_path / "a.nii", nifti_bytes(stored))
    with refused("E-NII-NONFINITE", path) as caught:
        read_series(path)
    assert "[1, 2, 3, 1]" in caught.value.what


@pytest.mark.parametrize(
    ("value", "dtype", "slope"), [(3e38, "f4", 2), (1e39, "f8", 1), (1e308, "f8", 1e9)]
)
@pytest.mark.filterwarnings("error")
def test_voxels_beyond_single_precision_are_refused(tmp_path, value, dtype, slope):
    data = np.full((6, 5, 4), value, dtype)
    path = save(tmp_path / "a.nii", nifti_bytes(data, scl_slope=slope))
    with refused("E-NII-NONFINITE", path):
        read_volume(path)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_largest_single_precision_number_is_accepted(tmp_path, dtype):
    largest = np.finfo(np.float32).max
    path = save(tmp_path / "a.nii", nifti_bytes(np.full((6, 5, 4), largest, dtype)))
    assert (read_volume(path).data == largest).all()


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_what_is_written_is_read(tmp_path, name):
    write_volume(tmp_path / name, NOISE, LPS)
    volume = assert_as_nibabel_reads(tmp_path / name)
    assert volume.data.dtype == np.int16
    assert np.array_equal(volume.data, NOISE[::-1, ::-1])


def test_the_same_volume_gives_the_same_bytes(tmp_path):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_volume(tmp_path / name, NOISE, np.eye(4))
    content = (tmp_path / "a.nii.gz").read_bytes()
    assert (tmp_path / "b.nii.gz").read_bytes() == content
    assert content[4:8] == bytes(4)  # gzip's time of writing, RFC 1952.


def test_another_suffix_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="a.mha"):
        write_volume(tmp_path / "a.mha", NOISE, np.eye(4))
    assert not list(tmp_path.iterdir())
