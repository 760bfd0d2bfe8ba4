"""NIfTI files of a few hundred voxels, made byte by byte, and their headers spoilt."""

import gzip

import nibabel
import numpy as np
from refusals import refused

from brainseg_utils.nifti import read_volume

NOISE = np.random.default_rng(0).integers(0, 500, (6, 5, 4)).astype(np.int16)
VOXELS_AT = 352
NAMES = ("a.nii", "a.nii.gz")


def nifti_bytes(data=NOISE, affine=None, order="<", **fields):
    """Return a NIfTI-1 file in which `fields` stand in the header as they are given."""
    header = nibabel.Nifti1Header(endianness=order)
    header.set_data_dtype(data.dtype)
    header.set_data_shape(data.shape)
    header.set_sform(np.eye(4) if affine is None else affine, 1)
    right = {"magic": b"n+1", "vox_offset": VOXELS_AT, "scl_slope": 1, "scl_inter": 0}
    for name, value in {**right, **fields}.items():
        header[name] = value
    voxels = data.astype(data.dtype.newbyteorder(order)).tobytes("F")
    return header.binaryblock + bytes(4) + voxels


def save(path, content):
    """Write `content` as it is, or compressed where the name ends with .gz."""
    path.write_bytes(zipped(content) if path.name.endswith(".gz") else content)
    return path


def zipped(content):
    return gzip.compress(content, 6, mtime=0)


def assert_read(path):
    """Expect a file of `NOISE`."""
    assert np.array_equal(read_volume(path).data, NOISE)


def assert_refused(path, code, *words):
    """Expect a refusal with this code and these words."""
    with refused(code, path) as caught:
        read_volume(path)
    for word in words:
        assert word in str(caught.value)
