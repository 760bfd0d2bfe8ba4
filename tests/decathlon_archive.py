"""Made-up archives in the Decathlon's layout, a few kilobytes a patient."""

import gzip
import io
import random
import tarfile

TASK = "Task01_BrainTumour"
INDEX = b'{"name": "BRATS", "training": []}\n'


def make_files(patients=4, image_bytes=3000, tests=1):
    """Return the files of a whole data set: their bytes by their name."""
    rng = random.Random(0)
    files = {}
    for number in range(1, patients + 1):
        name = f"BRATS_{number:03}.nii.gz"
        files[f"imagesTr/{name}"] = packed(rng.randbytes(image_bytes))
        files[f"labelsTr/{name}"] = packed(rng.randbytes(500))
    for number in range(patients + 1, patients + tests + 1):
        files[f"imagesTs/BRATS_{number:03}.nii.gz"] = packed(rng.randbytes(image_bytes))
    return files | {"dataset.json": INDEX}


def packed(content):
    return gzip.compress(content, mtime=0)


def ordered(files, order):
    """Return the names in one of the orders that an archive may have."""
    keys = {
        "images first": lambda name: name,
        "tests first": lambda name: (not name.startswith("imagesTs"), name),
        "labels first": lambda name: (not name.startswith("labels"), name),
        "by patient": lambda name: (name.split("/")[-1], name),
        "index first": lambda name: (name != "dataset.json", name),
        "index last": lambda name: (name == "dataset.json", name),
    }
    if order == "shuffled":
        return random.Random(1).sample(sorted(files), len(files))
    return sorted(files, key=keys[order])


ORDERS = ("images first", "labels first", "by patient", "tests first", "index last")
ORDERS = (*ORDERS, "index first", "shuffled")


def make_tar(files, order="images first", prefix=f"{TASK}/", extras=()):
    """Pack files as macOS does, each with its `._` twin, and then `extras`."""
    members = [folder_entry(prefix + name) for name in ("imagesTr", "labelsTr")]
    for name in ordered(files, order):
        home, _, base = (prefix + name).rpartition("/")
        members.append((file_entry(f"{home}/._{base}", 163), bytes(163)))
        members.append((file_entry(prefix + name, len(files[name])), files[name]))
    return pack([*members, *extras])


def pack(members):
    """Return a tar of pairs of `TarInfo` and content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def file_entry(name, size, **attributes):
    info = tarfile.TarInfo(name)
    info.size = size
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info


def folder_entry(name):
    return file_entry(name, 0, type=tarfile.DIRTYPE), b""
