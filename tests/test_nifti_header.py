import nibabel
import numpy as np
import pytest
from nifti_files import (
    NAMES,
    NOISE,
    VOXELS_AT,
    assert_read,
    assert_refused,
    nifti_bytes,
    save,
)
from refusals import refused

from brainseg_utils.nifti import MAX_VOXELS, read_series, read_volume

NAN, INF = np.nan, np.inf


def dim(*sizes):
    return [*sizes, *(8 - len(sizes)) * [1]]


@pytest.fixture(params=NAMES)
def with_fields(request, tmp_path):
    """Return a function that writes a small file with these header fields."""
    return lambda **fields: save(tmp_path / request.param, nifti_bytes(**fields))


@pytest.mark.parametrize(
    "dim",
    [
        dim(3, -6, 5, 4),
        dim(3, 6, 0, 4),
        dim(3, 32767, 32767, 32767),
        dim(3, 513, 512, 512),
        dim(0, 6, 5, 4),
        dim(8, 6, 5, 4),
        dim(-3, 6, 5, 4),
        dim(7, 6, 5, 4, 1, 1, 1, -1),
        [3, 6, 0, 4, 0, 0, 0, 0],
    ],
)
def test_sizes_that_cannot_be_are_refused(with_fields, dim):
    assert_refused(with_fields(dim=dim), "E-NII-DIMS")


@pytest.mark.parametrize(
    "dim", [dim(3, 6, 5, 4), [3, 6, 5, 4, 0, 0, -9, 32767], dim(7, 6, 5, 4)]
)
def test_sizes_behind_the_last_axis_are_not_looked_at(with_fields, dim):
    assert_read(with_fields(dim=dim))


def test_a_volume_of_just_the_limit_is_missed_only_in_the_file(tmp_path):
    assert 512**3 == MAX_VOXELS
    path = save(tmp_path / "a.nii", nifti_bytes(dim=dim(3, 512, 512, 512)))
    assert_refused(path, "E-NII-SHORT")


@pytest.mark.parametrize(
    "shape", [(120,), (6, 20), (30, 4, 1), (1, 30, 4), (6, 5, 2, 2), (6, 5, 1, 4)]
)
def test_what_is_not_a_volume_is_refused_with_its_shape(tmp_path, shape):
    path = save(tmp_path / "a.nii.gz", nifti_bytes(NOISE.reshape(shape)))
    assert_refused(path, "E-NII-NDIM", str(list(shape)))


def test_several_volumes_are_refused_with_what_to_do(tmp_path):
    path = save(tmp_path / "a.nii.gz", nifti_bytes(NOISE.reshape(3, 5, 4, 2)))
    assert_refused(path, "E-NII-NDIM", "2 volumes", "split", "read_series")


@pytest.mark.parametrize("shape", [(6, 5, 1, 4), (3, 5, 2, 2, 2), (3, 5, 4, 1, 2)])
def test_a_series_has_four_axes(tmp_path, shape):
    path = save(tmp_path / "a.nii.gz", nifti_bytes(NOISE.reshape(shape)))
    with refused("E-NII-NDIM", path):
        read_series(path)


@pytest.mark.parametrize(
    ("datatype", "bitpix", "word"),
    [
        (128, 24, "RGB"),
        (2304, 32, "RGBA"),
        (32, 64, "complex"),
        (1792, 128, "complex"),
        (1536, 128, "128-bit"),
        (1, 1, "bits"),
        (0, 16, "nothing known"),
        (3, 16, "nothing known"),
        (-4, 16, "nothing known"),
        (4, 8, "bitpix says 8"),
        (4, 0, "bitpix says 0"),
        (4, -16, "bitpix says -16"),
        (16, 16, "bitpix says 16"),
    ],
)
def test_anything_but_one_real_number_a_voxel_is_refused(
    with_fields, datatype, bitpix, word
):
    path = with_fields(datatype=datatype, bitpix=bitpix)
    assert_refused(path, "E-NII-DTYPE", word)


@pytest.mark.parametrize("datatype", [4, 512])
def test_both_kinds_of_16_bits_are_read(with_fields, datatype):
    assert_read(with_fields(datatype=datatype, bitpix=16))


@pytest.mark.parametrize(
    "vox_offset", [NAN, INF, -INF, 0, -352, 351, 352.5, 1e9, 1e30, 2.0**24 + 2]
)
def test_voxels_that_begin_nowhere_are_refused(with_fields, vox_offset):
    assert_refused(with_fields(vox_offset=vox_offset), "E-NII-OFFSET", "vox_offset")


@pytest.mark.parametrize("vox_offset", [20_000, 1e6, 2.0**24])
def test_voxels_that_begin_behind_the_end_are_refused(tmp_path, vox_offset):
    path = save(tmp_path / "a.nii", nifti_bytes(vox_offset=vox_offset))
    assert_refused(path, "E-NII-OFFSET", "behind the end")


def test_voxels_may_begin_later(tmp_path):
    content = nifti_bytes(vox_offset=1000)
    gap = bytes(1000 - VOXELS_AT)
    for name in NAMES:
        assert_read(save(tmp_path / name, content[:VOXELS_AT] + gap + content[352:]))


@pytest.mark.parametrize(
    ("slope", "inter"),
    [(0, 0), (-0.0, 0), (NAN, 0), (INF, 0), (-INF, 0), (1, NAN), (1, INF), (NAN, NAN)],
)
def test_a_scale_that_says_nothing_is_refused(with_fields, slope, inter):
    path = with_fields(scl_slope=slope, scl_inter=inter)
    assert_refused(path, "E-NII-SCALE", "set scl_slope to 1")


def test_the_remedy_for_a_slope_of_zero_helps(tmp_path):
    path = save(tmp_path / "old.nii.gz", nifti_bytes(scl_slope=0))
    nibabel.save(nibabel.load(path), tmp_path / "new.nii.gz")
    assert_read(tmp_path / "new.nii.gz")


@pytest.mark.parametrize(("slope", "inter"), [(-1, 0), (1e-3, 0), (1, -0.5)])
def test_any_other_scale_is_applied(with_fields, slope, inter):
    data = read_volume(with_fields(scl_slope=slope, scl_inter=inter)).data
    wanted = NOISE * float(np.float32(slope)) + inter
    assert np.array_equal(data, wanted.astype(np.float32))


FLAT = {"srow_x": [1, 0, 0, 0], "srow_y": [0, 1, 0, 0], "srow_z": [1, 1, 0, 0]}
QFORM = {"sform_code": 0, "qform_code": 1, "pixdim": [1, 1, 1, 1, 1, 1, 1, 1]}
BARE = {"sform_code": 0, "qform_code": 0}


@pytest.mark.parametrize(
    "fields",
    [
        {"srow_x": [NAN, 0, 0, 0]},
        {"srow_x": [1, 0, 0, INF]},
        {"srow_x": [0, 0, 0, 0]},
        {"srow_x": [1, 0, 0, -1e7]},
        {"srow_x": [1e7, 0, 0, 0]},
        FLAT,
        {"srow_x": [1, 1, 0, 0], "srow_y": [0, 1e-6, 0, 0]},
        {"sform_code": 6},
        {"sform_code": -1},
        {"qform_code": 32767},
        QFORM | {"quatern_b": NAN},
        QFORM | {"quatern_b": 2},
        QFORM | {"qoffset_z": INF},
        QFORM | {"pixdim": [1, 1, 0, 1, 1, 1, 1, 1]},
        QFORM | {"pixdim": [1, 1, -1, 1, 1, 1, 1, 1]},
        QFORM | {"pixdim": [1, 1, NAN, 1, 1, 1, 1, 1]},
        QFORM | {"pixdim": [0.5, 1, 1, 1, 1, 1, 1, 1]},
        QFORM | {"pixdim": [NAN, 1, 1, 1, 1, 1, 1, 1]},
        BARE | {"pixdim": [1, 0, 1, 1, 1, 1, 1, 1]},
        BARE | {"pixdim": [1, -1, 1, 1, 1, 1, 1, 1]},
        BARE | {"pixdim": [1, 1, 1, INF, 1, 1, 1, 1]},
    ],
)
def test_an_affine_that_places_no_voxel_is_refused(with_fields, fields):
    assert_refused(with_fields(**fields), "E-NII-AFFINE")


@pytest.mark.parametrize(
    "fields",
    [
        {"srow_y": [0.5, 1, 0, 0]},  # Sheared, as with a tilted gantry.
        {"srow_x": [1, 0, 0, -1e5]},
        {"pixdim": [1, 0, 0, 0, 0, 0, 0, 0]},  # The sform has the sizes.
        {"quatern_b": NAN},  # Has no code.
        {"sform_code": 5},
        QFORM,
        QFORM | {"pixdim": [0, 1, 1, 1, 0, 0, 0, 0]},  # nifti1.h: 0 stands for 1.
        QFORM | {"srow_x": [NAN, 0, 0, 0]},
    ],
)
def test_an_affine_that_places_every_voxel_is_accepted(with_fields, fields):
    assert_read(with_fields(**fields))


@pytest.mark.parametrize("handedness", [1, -1])
def test_the_qform_is_read_as_nibabel_reads_it(tmp_path, handedness):
    fields = QFORM | {"pixdim": [handedness, 2, 3, 4, 1, 1, 1, 1]}
    fields |= {"quatern_b": 0.5, "quatern_d": 0.5, "qoffset_x": 7}
    path = save(tmp_path / "a.nii", nifti_bytes(**fields))
    wanted = nibabel.as_closest_canonical(nibabel.load(path))
    assert np.array_equal(read_volume(path).affine, wanted.affine)
    assert np.array_equal(read_volume(path).data, wanted.get_fdata())


def test_bare_voxel_sizes_are_read_as_nibabel_reads_them(tmp_path):
    fields = BARE | {"pixdim": [1, 2, 3, 4, 1, 1, 1, 1]}
    path = save(tmp_path / "a.nii", nifti_bytes(**fields))
    wanted = nibabel.as_closest_canonical(nibabel.load(path))
    assert np.array_equal(read_volume(path).affine, wanted.affine)
    assert np.array_equal(read_volume(path).data, wanted.get_fdata())


@pytest.mark.parametrize(
    "fields",
    [
        {"qoffset_x": 0.51},
        {"quatern_d": 1},
        {"pixdim": [1, 1.2, 1, 1, 1, 1, 1, 1]},  # 1 mm at the end of 6 voxels.
        {"pixdim": [-1, 1, 1, 1, 1, 1, 1, 1]},
        {"quatern_b": NAN},
    ],
)
def test_two_forms_that_disagree_are_refused(with_fields, fields):
    assert_refused(with_fields(**QFORM | {"sform_code": 1} | fields), "E-NII-AFFINE")


@pytest.mark.parametrize(
    "fields",
    [{}, {"qoffset_x": 0.49}, {"quatern_d": 1e-7}, {"pixdim": [1, 1.00001, 1, 1] * 2}],
)
def test_two_forms_that_differ_by_rounding_are_accepted(with_fields, fields):
    assert_read(with_fields(**QFORM | {"sform_code": 1} | fields))


def test_of_two_forms_that_agree_the_sform_is_read(tmp_path):
    fields = QFORM | {"sform_code": 1, "qoffset_x": 0.25}
    path = save(tmp_path / "a.nii", nifti_bytes(**fields))
    assert read_volume(path).affine[0, 3] == 0


@pytest.mark.parametrize("drop", ["set_qform", "set_sform"])
def test_the_remedy_for_two_forms_helps(tmp_path, drop):
    fields = QFORM | {"sform_code": 1, "qoffset_x": 9}
    image = nibabel.load(save(tmp_path / "old.nii", nifti_bytes(**fields)))
    getattr(image, drop)(None, 0)
    nibabel.save(image, tmp_path / "new.nii")
    volume = read_volume(tmp_path / "new.nii")
    assert volume.affine[0, 3] == (9 if drop == "set_sform" else 0)


@pytest.mark.parametrize("name", NAMES)
def test_nifti_2_is_refused_and_its_remedy_helps(tmp_path, name):
    nibabel.save(nibabel.Nifti2Image(NOISE, np.eye(4)), tmp_path / name)
    assert_refused(tmp_path / name, "E-NII-TYPE", "NIfTI-2", "from_image")
    one = nibabel.Nifti1Image.from_image(nibabel.load(tmp_path / name))
    nibabel.save(one, tmp_path / "new.nii")
    assert_read(tmp_path / "new.nii")


def test_half_of_a_pair_is_refused_and_its_remedy_helps(tmp_path):
    nibabel.save(nibabel.Nifti1Pair(NOISE, np.eye(4)), tmp_path / "a.img")
    for name in ("a.img", "a.hdr"):
        assert_refused(tmp_path / name, "E-NII-TYPE", ".hdr/.img pair", "from_image")
    one = nibabel.Nifti1Image.from_image(nibabel.load(tmp_path / "a.img"))
    nibabel.save(one, tmp_path / "new.nii")
    assert_read(tmp_path / "new.nii")


@pytest.mark.parametrize(
    ("magic", "word"),
    [
        (b"ni1", "another file (.img)"),
        (b"", "Analyze 7.5"),
        (b"n+2", "b'n+2"),
        (b"n+1\n", "b'n+1"),
        (b"\xff\xff\xff\xff", "ff"),
    ],
)
def test_another_magic_is_refused(with_fields, magic, word):
    assert_refused(with_fields(magic=magic), "E-NII-TYPE", word)


@pytest.mark.parametrize("sizeof_hdr", [0, 347, 349, -348, 2**31 - 1])
def test_another_size_of_the_header_is_refused(with_fields, sizeof_hdr):
    assert_refused(with_fields(sizeof_hdr=sizeof_hdr), "E-NII-TYPE")
