"""Read a patient from a folder of TIFF slices, as in Kaggle's LGG data set."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from brainseg_utils.errors import BrainSegError
from brainseg_utils.layouts.folders import passed_over, unreadable
from brainseg_utils.layouts.slice_names import missing_slices, order_slices

MAX_FILE_BYTES = 16 * 2**20
MAX_SIDE = 2048  # Pixels; a slice of a head at 0.1 mm.
MAX_SLICES = 1024
MAX_PIXELS = 512**3  # Of a whole stack: as many as of a volume.
BITS_PER_SAMPLE = 258  # The TIFF tag that tells how wide the numbers are.


def read_stack(folder: str | Path, part: int | None) -> np.ndarray:
    """Read the slices of one patient.

    The files are named `<patient>_<number>.tif` and `<patient>_<number>_mask.tif`, and
    the numbers count from 1. They tell neither how thick slices are nor how wide
    pixels: where millimetres are needed, 1 mm is taken along each axis, so volumes and
    distances compare within this data set alone.

    In the LGG data set the colours are T1 before contrast, FLAIR, T1 after contrast;
    where a patient lacks one of the T1, its publishers put the FLAIR there again.

    Args:
        folder: Folder with the slices of one patient.
        part: Colour channel to return, 0 to 2; None for the mask.

    Returns:
        `[slice, height, width]` uint8.

    Raises:
        BrainSegError: Slices are missing (`E-MISSING`), double (`E-AMBIGUOUS`), of
            other names (`E-NAME`), of different sizes (`E-SHAPE`), no 8-bit RGB image
            or grey mask in TIFF (`E-TIF`), or cannot be read (`E-READ`).
    """
    files = slice_files(folder, masks=part is None)
    first = _read_slice(files[0], part)
    if len(files) > MAX_SLICES or first.size * len(files) > MAX_PIXELS:
        raise BrainSegError(
            "E-TIF",
            folder,
            f"holds {len(files)} slices of {first.shape} pixels; at most {MAX_SLICES} "
            f"slices and {MAX_PIXELS:,} pixels are read.",
            "Name a folder with the slices of one patient.",
        )
    stack = np.empty((len(files), *first.shape), np.uint8)
    for plane, file in zip(stack, files, strict=True):
        pixels = _read_slice(file, part)
        if pixels.shape != first.shape:
            raise BrainSegError(
                "E-SHAPE",
                file,
                f"is {pixels.shape} pixels high and wide, but {files[0].name} is "
                f"{first.shape}.",
                "Bring all slices of the patient to one size.",
            )
        plane[:] = pixels
    return stack


def slice_files(folder: str | Path, masks: bool) -> list[Path]:
    """Return the files of a patient's image, or of its mask, in slice order.

    Raises:
        BrainSegError: The folder cannot be read, or its names make no whole stack.
    """
    folder = Path(folder)
    try:
        names = [name for name in os.listdir(folder) if not passed_over(name)]
    except OSError as error:
        raise unreadable(folder, error) from None
    stack = order_slices(folder, names)
    chosen = stack.masks if masks else stack.images
    if not chosen:
        raise missing_slices(folder, [f"{stack.id}_1_mask.tif"])
    return [folder / name for name in chosen]


def _read_slice(path: Path, part: int | None) -> np.ndarray:
    """Return one channel of an image, or a mask, `[height, width]` uint8."""
    content = _read_bytes(path)
    mode, bits = ("L", (8,)) if part is None else ("RGB", (8, 8, 8))
    try:
        with Image.open(io.BytesIO(content), formats=["TIFF"]) as image:
            found = image.mode, image.tag_v2.get(BITS_PER_SAMPLE), image.size
            if found[:2] != (mode, bits) or max(image.size) > MAX_SIDE:
                raise _wrong(
                    path,
                    f"wanted {mode} pixels of {bits} bits, at most {MAX_SIDE} wide and "
                    f"high; got {found[0]} of {found[1]} bits, {found[2]}",
                )
            if _has_more_pages(image):
                raise _wrong(path, "wanted one picture, got several pages")
            pixels = np.asarray(image)
    except BrainSegError:
        raise
    except UnidentifiedImageError:
        raise _wrong(path, "its content is not TIFF") from None
    except Exception as error:  # Pillow's decoders raise a dozen kinds.
        reason = str(error).split("\n")[0][:200] or type(error).__name__
        raise _wrong(path, f"cannot be read as TIFF: {reason}") from None
    return pixels if part is None else pixels[..., part]


def _read_bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise FileNotFoundError(None, "no such file")
        with open(path, "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if not content:
        raise _wrong(path, "is empty (0 bytes)")
    if len(content) > MAX_FILE_BYTES:
        raise _wrong(path, f"has more than {MAX_FILE_BYTES:,} bytes")
    return content


def _has_more_pages(image: Image.Image) -> bool:
    # Counting them would follow a hostile file's endless chain of pages.
    try:
        image.seek(1)
    except EOFError:
        return False
    return True


def _wrong(path: Path, what: str) -> BrainSegError:
    return BrainSegError(
        "E-TIF", path, f"{what}.", "Get the file again, or export it as 8-bit TIFF."
    )
