import io
import struct

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from brainseg_utils.errors import BrainSegError
from brainseg_utils.layouts import slice_stacks
from brainseg_utils.layouts.slice_stacks import read_stack, slice_files

SHAPE = (5, 4, 3)  # Slices, height, width.


@pytest.fixture
def stack(tmp_path):
    """Write a stack of noise with masks; return its folder and both arrays."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*SHAPE, 3), np.uint8)
    mask = rng.choice(np.array([0, 255], np.uint8), SHAPE)
    for number, (pixels, tumour) in enumerate(zip(image, mask, strict=True), 1):
        Image.fromarray(pixels).save(tmp_path / f"P_{number}.tif")
        Image.fromarray(tumour).save(tmp_path / f"P_{number}_mask.tif")
    (tmp_path / "._P_1.tif").touch()
    return tmp_path, image, mask


def tiff_bytes(array, **options):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "TIFF", **options)
    return file.getvalue()


@pytest.mark.parametrize("part", [0, 1, 2])
def test_each_colour_is_a_volume(stack, part):
    folder, image, _ = stack
    volume = read_stack(folder, part)
    assert volume.dtype == np.uint8
    assert np.array_equal(volume, image[..., part])


def test_the_mask_is_a_volume(stack):
    folder, _, mask = stack
    assert np.array_equal(read_stack(folder, None), mask)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits"])
def test_compressed_slices_are_read(stack, compression):
    folder, image, _ = stack
    for number, pixels in enumerate(image, 1):
        content = tiff_bytes(pixels, compression=compression)
        (folder / f"P_{number}.tif").write_bytes(content)
    assert np.array_equal(read_stack(folder, 1), image[..., 1])


@pytest.mark.parametrize("shape", [(4, 4, 3), (5, 3, 3)])
def test_a_slice_of_another_size_is_named(stack, shape):
    folder = stack[0]
    (folder / "P_4.tif").write_bytes(tiff_bytes(np.zeros(shape, np.uint8)))
    with refused("E-SHAPE", folder / "P_4.tif") as caught:
        read_stack(folder, 0)
    assert str(shape[:2]) in caught.value.what and "(4, 3)" in caught.value.what
    assert read_stack(folder, None).shape == SHAPE


def test_a_missing_slice_is_named(stack):
    (stack[0] / "P_2.tif").unlink()
    with refused("E-MISSING", stack[0] / "P_2.tif"):
        read_stack(stack[0], 0)


def test_missing_masks_are_named_where_they_are_wanted(stack):
    for number in range(1, 6):
        (stack[0] / f"P_{number}_mask.tif").unlink()
    assert read_stack(stack[0], 0).shape == SHAPE
    with refused("E-MISSING", stack[0] / "P_1_mask.tif"):
        read_stack(stack[0], None)


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def wide_rgb():
    """Return a TIFF file of 16-bit colours, which Pillow would round to 8."""
    tags = [
        (256, 4, 1, 3),
        (257, 4, 1, 4),
        (258, 3, 3, 0),  # Where the three widths stand is filled in below.
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 0),
        (277, 3, 1, 3),
        (278, 4, 1, 4),
        (279, 4, 1, 72),
    ]
    end = 8 + 2 + 12 * len(tags) + 4
    tags[2] = (258, 3, 3, end)
    tags[5] = (273, 4, 1, end + 6)
    header = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return header + entries + bytes(4) + struct.pack("<3H", 16, 16, 16) + bytes(72)


GREY, COLOUR = np.zeros((4, 3), np.uint8), np.zeros((4, 3, 3), np.uint8)
PAGES = {"save_all": True, "append_images": [Image.fromarray(COLOUR)]}
WRONG = {
    "nothing": (b"", "empty"),
    "an HTML page": (b"<!DOCTYPE html>", "not TIFF"),
    "a PNG picture": (png(COLOUR), "not TIFF"),
    "a grey picture": (tiff_bytes(GREY), "got L"),
    "floats": (tiff_bytes(GREY.astype(np.float32)), "got F"),
    "16 bits a colour": (wide_rgb(), "of (16, 16, 16) bits"),
    "a transparent picture": (tiff_bytes(np.zeros((4, 3, 4), np.uint8)), "got RGBA"),
    "several pages": (tiff_bytes(COLOUR, **PAGES), "several pages"),
    "a header alone": (tiff_bytes(COLOUR)[:8], "not TIFF"),
    "the half of a file": (wide_rgb().replace(b"\x10\0", b"\x08\0")[:-60], "truncated"),
    "a picture too wide": (tiff_bytes(np.zeros((1, 2049, 3), np.uint8)), "2049"),
}


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("number", [1, 3])
def test_other_files_are_refused(stack, kind, number):
    content, told = WRONG[kind]
    path = stack[0] / f"P_{number}.tif"
    path.write_bytes(content)
    with refused("E-TIF", path) as caught:
        read_stack(stack[0], 0)
    assert told in caught.value.what


def test_a_mask_in_colour_is_refused(stack):
    path = stack[0] / "P_1_mask.tif"
    path.write_bytes(tiff_bytes(COLOUR))
    with refused("E-TIF", path):
        read_stack(stack[0], None)


def test_a_picture_that_claims_to_be_huge_is_refused_unread(stack, monkeypatch):
    content = bytearray(tiff_bytes(COLOUR))
    where = content.index(struct.pack("<HHII", 256, 4, 1, 3))
    content[where : where + 12] = struct.pack("<HHII", 256, 4, 1, 8000)
    (stack[0] / "P_1.tif").write_bytes(content)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("was read"))
    with refused("E-TIF", stack[0] / "P_1.tif") as caught:
        read_stack(stack[0], 0)
    assert "(8000, 4)" in caught.value.what


def test_a_file_of_unlikely_size_is_refused(stack, monkeypatch):
    size = (stack[0] / "P_1.tif").stat().st_size
    monkeypatch.setattr(slice_stacks, "MAX_FILE_BYTES", size)
    assert read_stack(stack[0], 0).shape == SHAPE
    monkeypatch.setattr(slice_stacks, "MAX_FILE_BYTES", size - 1)
    with refused("E-TIF", stack[0] / "P_1.tif"):
        read_stack(stack[0], 0)


@pytest.mark.parametrize(("limit", "value"), [("MAX_SLICES", 5), ("MAX_PIXELS", 60)])
def test_a_stack_of_unlikely_size_is_refused(stack, monkeypatch, limit, value):
    monkeypatch.setattr(slice_stacks, limit, value)
    assert read_stack(stack[0], 0).shape == SHAPE
    monkeypatch.setattr(slice_stacks, limit, value - 1)
    with refused("E-TIF", stack[0]):
        read_stack(stack[0], 0)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate"])
def test_no_damage_lets_another_error_out(stack, compression):
    folder, _, _ = stack
    whole = tiff_bytes(COLOUR, compression=compression)
    rng = np.random.default_rng(0)
    refusals = 0
    for _ in range(200):
        content = bytearray(whole)
        for where in rng.integers(0, len(whole), 3):
            content[where] = rng.integers(256)
        (folder / "P_1.tif").write_bytes(content[: rng.integers(len(whole) // 2, 9999)])
        try:
            read_stack(folder, 0)
        except BrainSegError:
            refusals += 1
    assert refusals > 50


def test_a_folder_that_is_gone_is_refused(tmp_path):
    with refused("E-READ", tmp_path / "gone"):
        slice_files(tmp_path / "gone", masks=False)


def test_a_folder_in_place_of_a_slice_is_refused(stack):
    path = stack[0] / "P_2.tif"
    path.unlink()
    path.mkdir()
    with refused("E-READ", path):
        read_stack(stack[0], 0)
