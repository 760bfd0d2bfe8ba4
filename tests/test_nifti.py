import gzip
import struct

import nibabel
import numpy as np
import pytest
from refusals import refused

from brainseg_utils.nifti import MAX_VOXELS, read_volume, write_volume

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
NOISE = np.random.default_rng(0).integers(0, 500, (6, 5, 4)).astype(np.int16)
SHAPE_AT, SFORM_AT = 40, 280  # Bytes of the header, from nifti1.h.


@pytest.fixture
def path(tmp_path):
    write_volume(tmp_path / "a.nii.gz", NOISE, np.eye(4))
    return tmp_path / "a.nii.gz"


def patch_header(path, offset, content):
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[offset : offset + len(content)] = content
    path.write_bytes(gzip.compress(bytes(data)))


def test_what_is_written_is_read(path):
    volume = read_volume(path)
    assert volume.data.dtype == np.int16
    assert np.array_equal(volume.data, NOISE)
    assert np.array_equal(volume.affine, np.eye(4))


def test_the_same_volume_gives_the_same_bytes(path, tmp_path):
    write_volume(tmp_path / "b.nii.gz", NOISE, np.eye(4))
    assert (tmp_path / "b.nii.gz").read_bytes() == path.read_bytes()
    assert path.read_bytes()[4:8] == bytes(4)  # gzip's time of writing, RFC 1952.


def test_a_plain_nii_file_is_written_and_read(tmp_path):
    write_volume(tmp_path / "a.nii", NOISE, np.eye(4))
    assert np.array_equal(read_volume(tmp_path / "a.nii").data, NOISE)


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match="a.mha"):
        write_volume(tmp_path / "a.mha", NOISE, np.eye(4))
    assert not list(tmp_path.iterdir())


def test_l_p_s_turns_to_r_a_s_and_every_voxel_keeps_its_place(tmp_path):
    write_volume(tmp_path / "a.nii.gz", NOISE, LPS)
    volume = read_volume(tmp_path / "a.nii.gz")
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
    write_volume(tmp_path / "a.nii.gz", NOISE, sagittal)
    volume = read_volume(tmp_path / "a.nii.gz")
    assert np.array_equal(volume.data, np.moveaxis(NOISE, 2, 0))
    assert np.array_equal(volume.affine, np.eye(4))


def test_spacing_follows_the_axes(tmp_path):
    write_volume(tmp_path / "a.nii.gz", NOISE, np.diag([-0.5, 1.0, 3.0, 1.0]))
    assert read_volume(tmp_path / "a.nii.gz").spacing_mm == (0.5, 1.0, 3.0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.int64, np.uint64])
def test_integers_of_any_width_stay_as_stored(tmp_path, dtype):
    write_volume(tmp_path / "a.nii.gz", (NOISE % 5).astype(dtype), LPS)
    volume = read_volume(tmp_path / "a.nii.gz")
    assert volume.data.dtype == dtype
    assert np.array_equal(volume.data, (NOISE % 5)[::-1, ::-1])


def test_floats_become_single_precision(tmp_path):
    write_volume(tmp_path / "a.nii.gz", NOISE / 4, np.eye(4))
    volume = read_volume(tmp_path / "a.nii.gz")
    assert volume.data.dtype == np.float32
    assert np.array_equal(volume.data, (NOISE / 4).astype(np.float32))


def test_the_scale_in_the_header_is_applied(path):
    patch_header(path, 112, struct.pack("<2f", 2.0, 1.0))  # scl_slope, scl_inter.
    volume = read_volume(path)
    assert volume.data.dtype == np.float32
    assert np.array_equal(volume.data, 2.0 * NOISE + 1.0)


def test_a_fourth_axis_of_one_is_dropped(tmp_path):
    nibabel.save(nibabel.Nifti1Image(NOISE[..., None], np.eye(4)), tmp_path / "a.nii")
    assert np.array_equal(read_volume(tmp_path / "a.nii").data, NOISE)


def test_a_missing_file_is_refused(tmp_path):
    with refused("E-READ", tmp_path / "a.nii.gz"):
        read_volume(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>" * 50])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_content_that_is_not_nifti_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with refused("E-READ", tmp_path / name):
        read_volume(tmp_path / name)


def test_another_image_format_is_refused(tmp_path):
    nibabel.save(
        nibabel.MGHImage(NOISE.astype(np.int32), np.eye(4)), tmp_path / "a.mgz"
    )
    with refused("E-NII-TYPE", tmp_path / "a.mgz"):
        read_volume(tmp_path / "a.mgz")


@pytest.mark.parametrize("lost", [1, 4, 9, 100, -20])
def test_a_truncated_file_is_refused(path, lost):
    content = path.read_bytes()
    path.write_bytes(content[:-lost])
    with refused("E-READ", path):
        read_volume(path)


def test_a_flipped_bit_is_refused_wherever_it_lies(tmp_path):
    # nibabel stops before the checksum: most of these came back as wrong voxels.
    noise = np.random.default_rng(0).integers(0, 2**15, (20, 20, 4), np.int16)
    path = tmp_path / "a.nii.gz"
    write_volume(path, noise, np.eye(4))
    content = path.read_bytes()
    for place in range(400, len(content), len(content) // 20):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with refused("E-READ", path):
            read_volume(path)


@pytest.mark.parametrize("shape", [(6, 5, 2, 2), (6, 5, 1, 4)])
def test_several_volumes_in_one_file_are_refused(tmp_path, shape):
    series = NOISE.reshape(6, 5, -1)[..., : shape[2] * shape[3]].reshape(shape)
    nibabel.save(nibabel.Nifti1Image(series, np.eye(4)), tmp_path / "a.nii.gz")
    with refused("E-NII-NDIM", tmp_path / "a.nii.gz") as caught:
        read_volume(tmp_path / "a.nii.gz")
    assert str(list(shape)) in caught.value.what


def test_a_single_slice_is_refused(tmp_path):
    write_volume(tmp_path / "a.nii.gz", NOISE[:, :, :1], np.eye(4))
    with refused("E-NII-NDIM", tmp_path / "a.nii.gz"):
        read_volume(tmp_path / "a.nii.gz")


@pytest.mark.parametrize(
    ("side", "code"), [(400, "E-READ"), (513, "E-NII-DIMS"), (32000, "E-NII-DIMS")]
)
def test_a_header_that_claims_more_than_the_file_holds_is_refused(path, side, code):
    assert (side**3 > MAX_VOXELS) == (code == "E-NII-DIMS")
    patch_header(path, SHAPE_AT, struct.pack("<4h", 3, side, side, side))
    with refused(code, path):
        read_volume(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_not_numbers_are_refused_and_counted(tmp_path, value):
    data = NOISE.astype(np.float32)
    data[0, 0, :2] = value
    write_volume(tmp_path / "a.nii.gz", data, np.eye(4))
    with refused("E-NII-NONFINITE", tmp_path / "a.nii.gz") as caught:
        read_volume(tmp_path / "a.nii.gz")
    assert "2 voxels" in caught.value.what


@pytest.mark.parametrize("dtype", ["c8", [("R", "u1"), ("G", "u1"), ("B", "u1")]])
def test_complex_and_coloured_voxels_are_refused(tmp_path, dtype):
    image = nibabel.Nifti1Image(np.zeros((6, 5, 4), dtype), np.eye(4))
    nibabel.save(image, tmp_path / "a.nii.gz")
    with refused("E-NII-TYPE", tmp_path / "a.nii.gz"):
        read_volume(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_an_affine_that_places_no_voxel_is_refused(path, value):
    patch_header(path, SFORM_AT, struct.pack("<4f", value, 0.0, 0.0, 0.0))
    with refused("E-NII-AFFINE", path):
        read_volume(path)
