"""The faults of a data folder and of its files, and how a test makes each of them.

A change takes the folder of the good patients P0 to P3, spoils P1 in it, and returns
the path that the report must name.
"""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
from nifti_files import zipped
from patients import SHAPE, TUMOUR_CORNER

from brainseg_utils.nifti import read_volume, write_volume

GOOD = ("P0", "P1", "P2", "P3")
T1, T1CE, T2, FLAIR, SEG = (
    f"P1/P1_{role}.nii.gz" for role in ("t1", "t1ce", "t2", "flair", "seg")
)
IN_BRAIN = (5, 5, 5)

Change = Callable[[Path], Path | None]
BytesChange = Callable[[bytes], bytes]
VoxelChange = Callable[[np.ndarray], np.ndarray]


class Fault(NamedTuple):
    """One way in which a folder of patients goes wrong.

    Attributes:
        row: Its number in the catalogue of faults.
        name: What is done to the folder.
        inject: Does it.
        codes: Of all problems that must come, the first one's path being the one that
            `inject` returns; empty where the change must simply work.
        says: Words that must stand in the problems.
        near: Does nearly the same, which must stay silent; None where nothing is nearer
            than the good folder itself.
        lost: Patients that cannot be used then; all others can.
        phantoms: Whether the patients have to look like patients.
    """

    row: int
    name: str
    inject: Change
    codes: str = ""
    says: tuple[str, ...] = ()
    near: Change | None = None
    lost: tuple[str, ...] = ("P1",)
    phantoms: bool = False


# The folder and its names.


def gone(folder):
    shutil.rmtree(folder)
    return folder


def emptied(folder):
    gone(folder).mkdir()
    return folder


def a_file(folder):
    gone(folder).write_text("patients")
    return folder


def only(count: int) -> Change:
    """Keep the first patients."""

    def change(folder):
        for case_id in GOOD[count:]:
            shutil.rmtree(folder / case_id)
        return folder

    return change


def removed(relative: str) -> Change:
    def change(folder):
        (folder / relative).unlink()
        return (folder / relative).parent

    return change


def renamed(*names: tuple[str, str], at: str = "P1") -> Change:
    def change(folder):
        for old, new in names:
            (folder / old).rename(folder / new)
        return folder / at

    return change


def swapped(one: str, other: str) -> Change:
    return renamed((one, "P1/x"), (other, one), ("P1/x", other))


def added(relative: str, source: str | bytes) -> Change:
    """Add a copy of another file, or a file of these bytes."""

    def change(folder):
        path, own = folder / relative, isinstance(source, bytes)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source if own else (folder / source).read_bytes())
        return path.parent

    return change


def linked(relative: str, target: str) -> Change:
    def change(folder):
        (folder / relative).unlink(missing_ok=True)
        (folder / relative).symlink_to(target)
        return folder / relative

    return change


def moved_out_and_linked(folder):
    (folder / T1).rename(folder.parent / "scan.bin")
    linked(T1, str(folder.parent / "scan.bin"))(folder)


def copied(
    new: str, case_id: str = "P1", touched: bool = False, at: str = ""
) -> Change:
    """Copy a patient to another path; where touched, the scans differ in one voxel."""

    def change(folder):
        for path in sorted((folder / case_id).iterdir()):
            target = folder / new / path.name.replace(case_id, Path(new).name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
            if touched and "seg" not in path.name:
                rewrite(target, lambda data: put(data[IN_BRAIN] + 1)(data))
        return folder / (at or new)

    return change


def called(name: str, case_id: str = "P1") -> Change:
    """Give a patient another name."""

    def change(folder):
        copied(name, case_id)(folder)
        shutil.rmtree(folder / case_id)
        return folder / name

    return change


def number_355(folder):
    """Make P1 the patient whose mask BraTS 2020 published under another name."""
    home = called("BraTS20_Training_355")(folder)
    mask = home / f"{home.name}_seg.nii.gz"
    mask.rename(home / "W39_1998.09.19_Segm.nii.gz")


def leftovers(folder):
    """Add what macOS and Windows leave behind."""
    names = (".DS_Store", "P1/._P1_t1.nii.gz", "desktop.ini", "P1/Thumbs.db")
    for name in (*names, "__MACOSX/P1/P1_t1.nii.gz"):
        added(name, b"Mac OS X")(folder)


def in_turn(*changes: Change) -> Change:
    """Make several changes; the first one's path is at fault."""
    return lambda folder: [change(folder) for change in changes][0]


# The bytes of a file.


def raw(change: BytesChange, relative: str = T1, name: str = "") -> Change:
    """Change a file as it lies on the disk, and its name if one is given."""

    def inject(folder):
        path = folder / relative
        content = change(path.read_bytes())
        path.unlink()
        path = path.with_name(name or path.name)
        path.write_bytes(content)
        return path

    return inject


def plain(change: BytesChange = bytes, relative: str = T1) -> Change:
    """Keep a file uncompressed, and change what it holds."""
    name = Path(relative).name.removesuffix(".gz")
    return raw(lambda content: change(gzip.decompress(content)), relative, name)


def packed(change: BytesChange, relative: str = T1) -> Change:
    """Change what a compressed file holds."""
    return raw(lambda content: zipped(change(gzip.decompress(content))), relative)


def becomes(content: bytes) -> BytesChange:
    return lambda _: content


def cut(share: float) -> BytesChange:
    return lambda content: content[: int(share * len(content))]


def flipped(place: int) -> BytesChange:
    def change(content):
        damaged = bytearray(content)
        damaged[place] ^= 1 << abs(place) % 8
        return bytes(damaged)

    return change


def bomb(stream: bytes) -> bytes:
    """Return gzip of half a megabyte that goes on for 512 behind a scan."""
    return stream + zipped(bytes(2**20)) * 512


FOREIGN = {
    "PNG": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "web page (HTML)": b"<!DOCTYPE html><title>Log in</title>" * 20,
    "DICOM": bytes(128) + b"DICM" + bytes(500),
    "Git-LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
}

# The header and the shape.


def header(**fields) -> Change:
    """Set fields of the T1's header to what they are given as."""

    def change(content):
        head = nibabel.Nifti1Header(content[:348], check=False)
        for name, value in fields.items():
            head[name] = value
        return head.binaryblock + content[348:]

    return packed(change)


def dims(axes: int, *sizes: int) -> Change:
    return header(dim=[axes, *sizes, *(7 - len(sizes)) * [1]])


def lie(content: bytes) -> bytes:
    """Return a header that claims 2000 voxels along each axis, and nothing more."""
    head = nibabel.Nifti1Header(content[:348], check=False)
    head["dim"] = [3, 2000, 2000, 2000, 1, 1, 1, 1]
    return head.binaryblock + bytes(4)


def one_plane(content: bytes) -> bytes:
    plane = np.asarray(nibabel.Nifti1Image.from_bytes(content).dataobj)[:, :, 5]
    return nibabel.Nifti1Image(plane, np.eye(4)).to_bytes()


def axes_behind(*more: int) -> BytesChange:
    """Return a change that adds axes, along which the voxels repeat."""

    def change(content):
        data = np.asarray(nibabel.Nifti1Image.from_bytes(content).dataobj)
        data = np.broadcast_to(data.reshape(*SHAPE, *len(more) * [1]), SHAPE + more)
        return nibabel.Nifti1Image(data, np.eye(4), dtype=data.dtype).to_bytes()

    return change


def big_endian(content: bytes) -> bytes:
    image = nibabel.Nifti1Image.from_bytes(content)
    head = image.header.as_byteswapped(">")
    return nibabel.Nifti1Image(image.dataobj, image.affine, head).to_bytes()


def nifti_2(content: bytes) -> bytes:
    image = nibabel.Nifti1Image.from_bytes(content)
    return nibabel.Nifti2Image.from_image(image).to_bytes()


def pair(folder):
    """Keep the T1 as .hdr and .img."""
    path = folder / T1
    halves = nibabel.Nifti1Pair.from_image(nibabel.load(path))
    nibabel.save(halves, path.with_name("P1_t1.img"))
    path.unlink()
    return path.with_name("P1_t1.hdr")


def shifted(relative: str, *entries: tuple[int, int, float]) -> Change:
    """Add to entries `(row, column, by)` of a file's affine."""

    def change(folder):
        affine = np.eye(4)
        for row, column, by in entries:
            affine[row, column] += by
        return rewrite(folder / relative, np.copy, affine)

    return change


# The voxels, as `[x, y, z]`.


def rewrite(path: Path, change: VoxelChange, affine: np.ndarray | None = None) -> Path:
    data, old = read_volume(path)
    write_volume(path, change(data.copy()), old if affine is None else affine)
    return path


def voxels(relative: str, change: VoxelChange, at: str = "") -> Change:
    def inject(folder):
        rewrite(folder / relative, change)
        return folder / (at or relative)

    return inject


def put(value: float, place=IN_BRAIN, dtype: str = "") -> VoxelChange:
    def change(data):
        data = data.astype(dtype or data.dtype)
        data[place] = value
        return data

    return change


def label(value: float, dtype: str = "f4") -> Change:
    return voxels(SEG, put(value, TUMOUR_CORNER, dtype))


def box(low: tuple, high: tuple) -> Change:
    """Leave nothing in the mask but a box of oedema."""

    def change(data):
        mask = np.zeros_like(data)
        mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = 2
        return mask

    return voxels(SEG, change)


def inside(relative: str, change: VoxelChange) -> Change:
    """Change what is not 0, in single precision."""

    def brain_alone(data):
        changed = change(data.astype(np.float32))
        return np.where(data != 0, changed, 0).astype(np.float32)

    return voxels(relative, brain_alone)
