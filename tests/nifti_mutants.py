"""Damaged NIfTI files by number: mutant k of seed s is the same file for ever."""

import functools
import struct
from typing import NamedTuple

import nibabel
import numpy as np
from nifti_files import VOXELS_AT, nifti_bytes, zipped

SPECIAL_FLOATS = (
    *(np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-30, 1e30, 3e38),
    *(1e-45, 351.0, 352.0, 352.5, 368.0, 1e6, 2.0**24, 2.0**31),
)
SPECIAL_INTS = (
    *(0, 1, -1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 32, 64, 127, 128, 256, 511, 512, 513),
    *(768, 1024, 1280, 1536, 2304, 30000, 32767, -32768),
)
FIELDS = (
    *("sizeof_hdr", "dim", "datatype", "bitpix", "pixdim", "vox_offset", "scl_slope"),
    *("scl_inter", "xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c"),
    *("quatern_d", "qoffset_x", "srow_x", "srow_y", "srow_z", "magic"),
)
SHAPES = (
    *((16, 8, 16), (16, 16, 8, 1, 1), (2, 32, 32), (2048,), (16, 128), (1, 16, 128)),
    *((16, 16, 4, 2), (16, 16, 2, 2, 2), (16, 16, 8, 0), (16, 16, 9), (16, 16, 7)),
)


class Mutant(NamedTuple):
    """A damaged file.

    Attributes:
        name: `"m.nii"` or `"m.nii.gz"`.
        content: Its bytes.
        original: The sound file's payload, before compression.
        what: Which damage was done, for messages.
        stream_damaged: Whether gzip's bytes were changed after compression.
    """

    name: str
    content: bytes
    original: bytes
    what: str
    stream_damaged: bool


def make_mutant(seed: int, number: int) -> Mutant:
    """Return mutant `number` of `seed`."""
    rng = np.random.default_rng((seed, number))
    name = ("m.nii", "m.nii.gz")[number % 2]
    original = sound_files()[number // 2 % len(sound_files())]
    pack = zipped if name.endswith(".gz") else bytes
    if rng.random() < 0.5:
        damage = PAYLOAD_DAMAGES[rng.integers(len(PAYLOAD_DAMAGES))]
        content = pack(bytes(damage(rng, original)))
        return Mutant(name, content, original, damage.__name__, False)
    damage = FILE_DAMAGES[rng.integers(len(FILE_DAMAGES))]
    content = bytes(damage(rng, pack(original)))
    return Mutant(name, content, original, damage.__name__, pack is zipped)


@functools.cache
def sound_files() -> tuple[bytes, ...]:
    """Return files of 16 x 16 x 8 voxels: integers, floats, scaled; with a qform."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 2000, (16, 16, 8)).astype(np.int16)
    tilted = nibabel.affines.from_matvec(
        nibabel.eulerangles.euler2mat(0.1, 0.2, 0.3) @ np.diag([-1.0, 2.0, 0.5])
    )
    qform = {"sform_code": 0, "qform_code": 1, "pixdim": [-1, 1, 2, 3, 1, 1, 1, 1]}
    return (
        nifti_bytes(noise),
        nifti_bytes(noise.astype(np.float32), tilted),
        nifti_bytes(noise, tilted, scl_slope=0.25, scl_inter=-100),
        nifti_bytes(noise, order=">"),
        nifti_bytes(noise % 5, quatern_d=0.5, **qform),
        nifti_bytes(noise, qform_code=1, pixdim=[1] * 8),
    )


# Damages of the payload; a compressed file is sound gzip around them.


def random_header_bytes(rng, content):
    content = bytearray(content)
    for place in rng.integers(0, VOXELS_AT, rng.integers(1, 9)):
        content[place] = rng.integers(256)
    return content


def special_header_fields(rng, content):
    order = "<" if content[0] else ">"
    header = nibabel.Nifti1Header(content[:348], order, check=False)
    for name in rng.choice(FIELDS, rng.integers(1, 4)):
        field = header[name]
        if name == "magic":
            header[name] = rng.choice([b"ni1", b"n+2", b"", b"n+1", b"\xff\xff\xff"])
            continue
        values = SPECIAL_FLOATS if field.dtype.kind == "f" else SPECIAL_INTS
        values = [v for v in values if field.dtype.kind != "u" or 0 <= v < 256]
        value = values[rng.integers(len(values))]
        if field.ndim:
            field[rng.integers(len(field))] = value
        else:
            header[name] = value
    return header.binaryblock + content[348:]


def other_shape(rng, content):
    order = "<" if content[0] else ">"
    header = nibabel.Nifti1Header(content[:348], order, check=False)
    shape = SHAPES[rng.integers(len(SHAPES))]
    header["dim"] = [len(shape), *shape, *(7 - len(shape)) * [1]]
    return header.binaryblock + content[348:]


def swapped_header(rng, content):
    order = "<" if content[0] else ">"
    header = nibabel.Nifti1Header(content[:348], order, check=False)
    return header.as_byteswapped().binaryblock + content[348:]


def swapped_words(rng, content):
    width = int(rng.choice([2, 4, 8]))
    start = int(rng.choice([0, 40, 76, 280, VOXELS_AT]))
    body = content[start : len(content) - (len(content) - start) % width]
    swapped = np.frombuffer(body, f"u{width}").byteswap().tobytes()
    return content[:start] + swapped + content[start + len(swapped) :]


def changed_voxels(rng, content):
    content = bytearray(content)
    for place in rng.integers(VOXELS_AT, len(content) - 4, rng.integers(1, 20)):
        bits = struct.pack("<f", SPECIAL_FLOATS[rng.integers(len(SPECIAL_FLOATS))])
        content[place : place + 4] = bits
    return content


# Damages of bytes wherever they lie; in a compressed file they hit the stream.


def truncated(rng, content):
    return content[: rng.integers(len(content))]


def flipped_bits(rng, content):
    content = bytearray(content)
    for place in rng.integers(len(content), size=rng.integers(1, 5)):
        content[place] ^= 1 << int(rng.integers(8))
    return content


def removed_block(rng, content):
    start = rng.integers(len(content))
    return content[:start] + content[start + rng.integers(1, 600) :]


def inserted_block(rng, content):
    start = rng.integers(len(content) + 1)
    return content[:start] + rng.bytes(rng.integers(1, 600)) + content[start:]


def duplicated_block(rng, content):
    start = rng.integers(len(content))
    stop = start + int(rng.integers(1, 600))
    return content[:stop] + content[start:]


def zeroed_block(rng, content):
    start = rng.integers(len(content))
    block = content[start : start + rng.integers(1, 600)]
    return content[:start] + bytes(len(block)) + content[start + len(block) :]


def appended(rng, content):
    more = (
        bytes(rng.integers(1, 600)),
        rng.bytes(rng.integers(1, 600)),
        content,
        content[: rng.integers(1, 100)],
        zipped(b""),
        zipped(bytes(rng.integers(1, 10**5))),
        long_zeros(),
    )
    return content + more[rng.integers(len(more))]


@functools.cache
def long_zeros():
    """Return zeros that end behind the point where the reader stops to count them."""
    return zipped(bytes(2**24 + 2**20))


PAYLOAD_DAMAGES = (
    random_header_bytes,
    special_header_fields,
    special_header_fields,
    other_shape,
    swapped_header,
    swapped_words,
    changed_voxels,
    truncated,
    removed_block,
    inserted_block,
    duplicated_block,
    appended,
)
FILE_DAMAGES = (
    truncated,
    flipped_bits,
    flipped_bits,
    removed_block,
    inserted_block,
    duplicated_block,
    zeroed_block,
    appended,
)
