"""Run folders that mean harm, or are damaged, by what is wrong with them.

Each is a good run folder to which one thing was done. Whoever makes one may write the
record to it, so the digest in `training.json` is that of the hostile weights.
"""

import hashlib
import io
import json
import os
import pickle
import struct
import zipfile
from dataclasses import asdict

import h5py
import numpy as np

from brainseg_utils.config import TrainingConfig
from brainseg_utils.weights import MAX_BYTES

CODE = "__import__('os').mkdir('struck')"
KERNEL = np.ones((3, 3, 4, 2), np.float32)


class Canary:
    def __reduce__(self):
        return os.mkdir, ("struck",)


def write_run(folder):
    """Write a run folder as a training leaves it, as far as models are built of it."""
    folder.mkdir()
    config = asdict(TrainingConfig("cnn1", filters=2)) | {"cohort": "test"}
    (folder / "config.json").write_text(json.dumps(config))
    write_weights(folder, archive({"a.npy": npy(KERNEL)}))
    return folder


def write_weights(folder, content):
    (folder / "weights.npz").write_bytes(content)
    digests = {"weights.npz": hashlib.sha256(content).hexdigest()}
    (folder / "training.json").write_text(json.dumps({"files": digests}))


def npy(array, version=(1, 0)):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), version)
    return file.getvalue()


def claim(shape, descr="'<f4'", body=b"1234", before=""):
    """Return an array file whose header says what it likes."""
    fields = f"'descr': {descr}, 'fortran_order': False, 'shape': {shape}"
    header = f"{before}{{{fields}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def archive(members, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as target:
        for name, content in dict(members).items():
            # Like this, as `writestr` of a name would make a safe one of it.
            entry = zipfile.ZipInfo("placeholder")
            entry.filename, entry.compress_type = name, compression
            target.writestr(entry, content)
    return file.getvalue()


GOOD = archive({"a.npy": npy(KERNEL), "b.npy": npy(KERNEL)})


def one(content, name="a.npy"):
    return archive({name: content})


def hdf5(fill):
    file = io.BytesIO()
    with h5py.File(file, "w") as target:
        fill(target)
    return file.getvalue()


def external_data(target):
    place = [("/etc/passwd", 0, 4)]
    target.create_dataset("kernel", (4,), np.uint8, external=place)


def keras_file(layer, settings):
    model = {"class_name": "Functional", "config": {"layers": [layer]}, **settings}
    weights = hdf5(lambda target: target.create_dataset("vars/0", data=KERNEL))
    names = {"config.json": json.dumps(model), "metadata.json": "{}"}
    return archive(names | {"model.weights.h5": weights})


LAMBDA = {"class_name": "Lambda", "config": {"function": {"config": {"code": CODE}}}}
SAVED_MODEL = {"class_name": "TFSMLayer", "config": {"filepath": "hf://a/b"}}


def overlapping():
    """Return an archive of many names for the bytes of one array."""
    content = bytearray(one(npy(np.zeros(10_000, np.float32))))
    end = content.rindex(b"PK\x05\x06")
    entry = content[content.rindex(b"PK\x01\x02") : end]
    twins = b"".join(entry.replace(b"a.npy", b"%c.npy" % c) for c in b"abcdefgh")
    start = end - len(entry)
    mark = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 8, 8, len(twins), start, 0)
    return bytes(content[:start]) + twins + mark


def said_to_be_small():
    """Return an archive whose directory says nothing of what really comes out."""
    content = bytearray(archive({"a.npy": bytes(10**6)}, zipfile.ZIP_DEFLATED))
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 10 : entry + 12] = bytes(2)  # The method: stored.
    content[entry + 24 : entry + 28] = content[entry + 20 : entry + 24]
    return bytes(content)


def encrypted():
    content = bytearray(one(npy(KERNEL)))
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def flipped():
    content = bytearray(GOOD)
    content[len(content) // 3] ^= 0x10
    return bytes(content)


def twice():
    # Of one length, so that every offset stays as it is.
    return GOOD.replace(b"b.npy", b"a.npy")


OBJECTS = np.array([Canary()], object)
BOMB = {"a.npy": npy(np.zeros(5 * 10**6, np.float32))}
WEIGHTS = {
    "pickled array": one(npy(OBJECTS)),
    "pickle among good arrays": archive({"a.npy": npy(KERNEL), "b.npy": npy(OBJECTS)}),
    "member that is a pickle": one(pickle.dumps(Canary())),
    "pickle": pickle.dumps(Canary()),
    "weights of PyTorch": archive({"w/data.pkl": pickle.dumps(Canary())}),
    "array without an archive": npy(KERNEL),
    "HDF5 file": hdf5(lambda target: target.create_dataset("kernel", data=KERNEL)),
    "HDF5 file of external data": hdf5(external_data),
    "HDF5 file with an external link": hdf5(
        lambda target: target.__setitem__("k", h5py.ExternalLink("/etc/passwd", "/"))
    ),
    "HDF5 file with a soft link": hdf5(
        lambda target: target.__setitem__("k", h5py.SoftLink("/k"))
    ),
    "Keras file with a Lambda": keras_file(LAMBDA, {}),
    "Keras file with a TFSMLayer": keras_file(SAVED_MODEL, {"module": "os"}),
    "web page": b"<!doctype html><html>Please log in</html>",
    "nothing": b"",
    "10^12 numbers": one(claim("(1000000, 1000000)")),
    "numbers past all counting": one(claim(f"({'9,' * 4000})")),
    "numbers below zero": one(claim("(-1, -1)")),
    "numbers by truth values": one(claim("(True, 2)")),
    "fewer numbers than it says": one(claim("(2,)")),
    "more numbers than it says": one(claim("(1,)", body=bytes(4000))),
    "header of 60 KB": one(claim("(1,)", before=" " * 60_000)),
    "header that is nested": one(claim("(1,)", before="-" * 9000)),
    "header that is code": one(claim(CODE)),
    "header of another version": one(npy(KERNEL, (2, 0))),
    "objects by another name": one(claim("(1,)", "'|O8'", bytes(8))),
    "records": one(npy(np.zeros(2, [("a", "f4"), ("b", "O")][:1]))),
    "text": one(npy(np.array(["a"]))),
    "whole numbers": one(npy(np.ones(3, np.int64))),
    "double precision": one(npy(np.ones(3))),
    "no number": one(npy(np.float32([1, np.nan]))),
    "infinity": one(npy(np.float32([1, -np.inf]))),
    "deflated bomb": archive(BOMB, zipfile.ZIP_DEFLATED),
    "bzip2 bomb": archive(BOMB, zipfile.ZIP_BZIP2),
    "LZMA bomb": archive(BOMB, zipfile.ZIP_LZMA),
    "bomb that denies it": said_to_be_small(),
    "overlapping arrays": overlapping(),
    "10,001 arrays": archive({f"{n}.npy": b"" for n in range(10_001)}),
    "name upwards": one(npy(KERNEL), "../canary.npy"),
    "absolute name": one(npy(KERNEL), "/tmp/canary.npy"),
    "name with a drive": one(npy(KERNEL), "C:canary.npy"),
    "name with a backslash": one(npy(KERNEL), "..\\canary.npy"),
    "name in wide letters": one(npy(KERNEL), "．．／canary.npy"),
    "name turned round": one(npy(KERNEL), "a\u202eyp.npy"),
    "long name": one(npy(KERNEL), "a" * 5000 + ".npy"),
    "file of another kind": one(CODE.encode(), "setup.py"),
    "folder": one(b"", "a.npy/"),
    "name twice": twice(),
    "encrypted": encrypted(),
    "cut short": GOOD[:-40],
    "half of it": GOOD[: len(GOOD) // 2],
    "flipped bit": flipped(),
}


def replaced(name, content):
    return lambda folder: (folder / name).write_text(content)


def sparse(name, size, head=b""):
    """Return a change that makes a file of any size, which takes no place on a disk."""

    def change(folder):
        (folder / name).write_bytes(head)
        os.truncate(folder / name, size)

    return change


def linked(name):
    def change(folder):
        (folder / name).rename(folder.parent / "elsewhere")
        (folder / name).symlink_to(folder.parent / "elsewhere")

    return change


def piped(name):
    def change(folder):
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return change


def set_to(**settings):
    def change(folder):
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | settings))

    return change


def config(content):
    return "config.json", replaced("config.json", content)


def setting(**settings):
    return "config.json", set_to(**settings)


# What is changed, and the file that the refusal names; all are E-RUN.
FOLDERS = {
    "link for weights": ("weights.npz", linked("weights.npz")),
    "link for a config": ("config.json", linked("config.json")),
    "pipe for weights": ("weights.npz", piped("weights.npz")),
    "pipe for a record": ("training.json", piped("training.json")),
    "no weights": ("weights.npz", lambda folder: (folder / "weights.npz").unlink()),
    "config of 1 GB": ("config.json", sparse("config.json", 2**30, b"[" * 9000)),
    "config nested deeply": config("[" * 100_000),
    "config nested deeply in dicts": config('{"a":' * 100_000),
    "config of digits": config('{"model": "cnn1", "filters": ' + "9" * 5000 + "}"),
    "config that is no JSON": config(CODE),
    "config that is a pickle": config(pickle.dumps(Canary(), 0).decode()),
    "config that is a list": config("[]"),
    "config of a Keras model": config(json.dumps({"config": {"layers": [LAMBDA]}})),
    "unknown model": setting(model="Lambda"),
    "model that is a class": setting(model=LAMBDA),
    "model that is code": setting(model=CODE),
    "unknown recipe": setting(recipe="__class__"),
    "immense filters": setting(filters=10**12),
    "filters below zero": setting(filters=-16),
    "filters that are code": setting(filters=CODE),
    "filters by a truth value": setting(filters=True),
    "a fraction of filters": setting(filters=2.5),
    "infinite threshold": setting(threshold=float("inf")),
    "threshold that is no number": setting(threshold=float("nan")),
    "threshold in a list": setting(threshold=[0.5]),
    "stem that is code": setting(stem=f"plain\n{CODE}"),
    "endless stem": setting(stem="plain" * 10**6),
    "loss of a module": setting(loss="os.system"),
    "mirror that is a number": setting(mirror=1),
    "another digest": ("weights.npz", replaced("training.json", '{"files": {}}')),
    "no digests": ("training.json", replaced("training.json", "{}")),
    "digests in a list": ("training.json", replaced("training.json", '{"files": []}')),
    "record of 1 GB": ("training.json", sparse("training.json", 2**30)),
}
# Of one byte more than is read; E-CKPT, as all that is wrong within weights.
TOO_LARGE = sparse("weights.npz", MAX_BYTES + 1)
# Names of what is no folder of this machine.
PLACES = (
    *("hf://somebody/model", "https://a.b/run", "file:///etc", "s3://a/b", "gs://a"),
    *("model.keras", "model.h5", "nowhere", "../canary", "a\0b", "x" * 5000),
)
