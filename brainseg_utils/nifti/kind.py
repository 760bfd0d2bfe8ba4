"""Tell by a file's first bytes whether it is NIfTI, and what it is where it is not."""

from __future__ import annotations

import re
from pathlib import Path

from brainseg_utils.errors import BrainSegError

# sizeof_hdr, the first field, is 348 in NIfTI-1 and Analyze; its byte order is the
# file's (nifti1.h, https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h).
BYTE_ORDERS = {b"\x5c\x01\x00\x00": "<", b"\x00\x00\x01\x5c": ">"}
GZIP = b"\x1f\x8b"

CONVERT = "Convert the scan to NIfTI, for example with dcm2niix."
UNPACK = "Unpack it and give the NIfTI files in it."
EXPORT = "Export the scan itself as NIfTI."
LOG_IN = "Log in or accept the terms where the data come from, and download it again."
SAVE_AS_NIFTI_1 = (
    "Save it as one NIfTI-1 file: nibabel.save(nibabel.Nifti1Image.from_image("
    "nibabel.load(OLD)), NEW)."
)
HTML = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|!--|\?xml)", re.I)

# Where a signature stands, its bytes, what the file is, what to do.
SIGNATURES = (
    (0, b"version https://git-lfs", "a Git-LFS pointer", "Run git lfs pull."),
    (0, b"/annex/objects/", "a git-annex pointer", "Run git annex get on it."),
    (128, b"DICM", "a DICOM file", CONVERT),
    (0, b"\x89PNG", "a PNG picture", EXPORT),
    (0, b"\xff\xd8\xff", "a JPEG picture", EXPORT),
    (0, b"GIF8", "a GIF picture", EXPORT),
    (0, b"II*\x00", "a TIFF picture", EXPORT),
    (0, b"MM\x00*", "a TIFF picture", EXPORT),
    (0, b"%PDF", "a PDF document", EXPORT),
    (0, b"NRRD", "an NRRD volume", CONVERT),
    (0, b"ObjectType =", "a MetaImage volume", CONVERT),
    (0, b"CDF\x01", "a MINC volume", CONVERT),
    (0, b"\x89HDF", "an HDF5 file", CONVERT),
    (0, b"\x93NUMPY", "a numpy array", EXPORT),
    (0, b"PK\x03\x04", "a zip archive", UNPACK),
    (257, b"ustar", "a tar archive", UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    (0, b"Rar!", "a RAR archive", UNPACK),
    (0, b"BZh", "a bzip2 file", UNPACK),
    (0, b"\xfd7zXZ\x00", "an xz file", UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a zstd file", UNPACK),
    (0, GZIP, "another gzip file", UNPACK),
    (0, b"\x00\x05\x16\x07", "a leftover of macOS", "Delete it; it holds no scan."),
    (0, b"\x1c\x02\x00\x00", "NIfTI-2", SAVE_AS_NIFTI_1),
    (0, b"\x00\x00\x02\x1c", "NIfTI-2", SAVE_AS_NIFTI_1),
)


def is_gzip(path: Path, head: bytes) -> bool:
    """Say whether a file is compressed, from its first bytes and in step with its name.

    Raises:
        BrainSegError: `E-NII-TYPE` where name or content are of another kind;
            `E-NII-GZ` where the name says gzip and the content does not, or the
            other way round.
    """
    zipped, name = head.startswith(GZIP), path.name.lower()
    if not zipped and not begins_as_nifti(head):
        check_not_foreign(path, head)
    if not name.endswith((".nii", ".nii.gz")):
        raise _other_name(path)
    if zipped and not name.endswith(".gz"):
        remedy = f"Rename it to {path.name}.gz."
        raise BrainSegError("E-NII-GZ", path, "its content is gzip.", remedy)
    if name.endswith(".gz") and not zipped:
        remedy = "Get the file again; it is damaged or no scan."
        if begins_as_nifti(head):
            remedy = f"Rename it to {path.stem}: it is not compressed."
        raise BrainSegError("E-NII-GZ", path, "its content is not gzip.", remedy)
    return zipped


def begins_as_nifti(head: bytes) -> bool:
    """Say whether the first bytes, even fewer than four of them, may be NIfTI-1."""
    return any(start.startswith(head[:4]) for start in BYTE_ORDERS)


def check_not_foreign(path: Path, head: bytes) -> None:
    """Refuse content that is known as something else than NIfTI.

    Args:
        path: The file, for the message.
        head: Its first bytes, decompressed where it is compressed.

    Raises:
        BrainSegError: `E-NII-TYPE`, with what the content is.
    """
    for place, signature, kind, remedy in SIGNATURES:
        if head.startswith(signature, place):
            raise not_nifti(path, f"it is {kind}", remedy)
    if HTML.match(head):
        raise not_nifti(path, "it is a web page (HTML), saved in its place", LOG_IN)
    start = head[:40]
    if start.isascii() and start.decode("ascii").replace("\n", " ").isprintable():
        raise not_nifti(path, f"it is a text that begins {start!r}", EXPORT)


def not_nifti(path: Path, what: str, remedy: str) -> BrainSegError:
    """Return the error for a file of another kind."""
    return BrainSegError("E-NII-TYPE", path, f"wanted NIfTI-1, but {what}.", remedy)


def _other_name(path: Path) -> BrainSegError:
    if path.suffix.lower() in (".hdr", ".img"):
        return not_nifti(path, "it is one half of a .hdr/.img pair", SAVE_AS_NIFTI_1)
    what = "its name ends with neither .nii nor .nii.gz"
    return not_nifti(path, what, "Rename it if it is NIfTI, else convert it.")
