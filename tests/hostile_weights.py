"""Files of weights that mean harm, or are damaged, by why they are refused."""

import io
import json
import os
import pickle
import struct
import zipfile

import h5py
import numpy as np

CODE = "__import__('os').mkdir('struck')"
KERNEL = np.ones((3, 3, 4, 2), np.float32)


class Canary:
    def __reduce__(self):
        return os.mkdir, ("struck",)


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
# By a word of the reason; all are E-CKPT.
REASONS = {
    "is no array of numbers, but": {
        "pickled array": one(npy(OBJECTS)),
        "pickle among good arrays": archive(
            {"a.npy": npy(KERNEL), "b.npy": npy(OBJECTS)}
        ),
        "objects by another name": one(claim("(1,)", "'|O8'", bytes(8))),
        "records": one(npy(np.zeros(2, [("a", "f4"), ("b", "O")][:1]))),
        "text": one(npy(np.array(["a"]))),
    },
    "magic string": {
        "member that is a pickle": one(pickle.dumps(Canary())),
    },
    "not a zip file": {
        "pickle": pickle.dumps(Canary()),
        "array without an archive": npy(KERNEL),
        "HDF5 file": hdf5(lambda target: target.create_dataset("kernel", data=KERNEL)),
        "HDF5 file of external data": hdf5(external_data),
        "HDF5 file with an external link": hdf5(
            lambda target: target.__setitem__(
                "k", h5py.ExternalLink("/etc/passwd", "/")
            )
        ),
        "HDF5 file with a soft link": hdf5(
            lambda target: target.__setitem__("k", h5py.SoftLink("/k"))
        ),
        "web page": b"<!doctype html><html>Please log in</html>",
        "nothing": b"",
        "cut short": GOOD[:-40],
        "half of it": GOOD[: len(GOOD) // 2],
    },
    "is no name of an array": {
        "weights of PyTorch": archive({"w/data.pkl": pickle.dumps(Canary())}),
        "Keras file with a Lambda": keras_file(LAMBDA, {}),
        "Keras file with a TFSMLayer": keras_file(SAVED_MODEL, {"module": "os"}),
        "name upwards": one(npy(KERNEL), "../canary.npy"),
        "absolute name": one(npy(KERNEL), "/tmp/canary.npy"),
        "name with a drive": one(npy(KERNEL), "C:canary.npy"),
        "name with a backslash": one(npy(KERNEL), "..\\canary.npy"),
        "name in wide letters": one(npy(KERNEL), "．．／canary.npy"),
        "name turned round": one(npy(KERNEL), "a\u202eyp.npy"),
        "long name": one(npy(KERNEL), "a" * 5000 + ".npy"),
        "file of another kind": one(CODE.encode(), "setup.py"),
        "folder": one(b"", "a.npy/"),
    },
    "a.npy is no float32 (": {
        "10^12 numbers": one(claim("(1000000, 1000000)")),
        "numbers past all counting": one(claim(f"({'9,' * 4000})")),
        "numbers below zero": one(claim("(-1, -1)")),
        "numbers by truth values": one(claim("(True, 2)")),
        "fewer numbers than it says": one(claim("(2,)")),
        "more numbers than it says": one(claim("(1,)", body=bytes(4000))),
    },
    "damaged header": {
        "header of 60 KB": one(claim("(1,)", before=" " * 60_000)),
        "header that is nested": one(claim("(1,)", before="-" * 9000)),
        "header that is code": one(claim(CODE)),
    },
    "another version": {
        "header of another version": one(npy(KERNEL, (2, 0))),
    },
    "a is of ": {
        "whole numbers": one(npy(np.ones(3, np.int64))),
        "double precision": one(npy(np.ones(3))),
    },
    "not finite": {
        "no number": one(npy(np.float32([1, np.nan]))),
        "infinity": one(npy(np.float32([1, -np.inf]))),
    },
    "compressed or encrypted": {
        "deflated bomb": archive(BOMB, zipfile.ZIP_DEFLATED),
        "bzip2 bomb": archive(BOMB, zipfile.ZIP_BZIP2),
        "LZMA bomb": archive(BOMB, zipfile.ZIP_LZMA),
        "encrypted": encrypted(),
    },
    "Bad CRC-32": {
        "bomb that denies it": said_to_be_small(),
        "flipped bit": flipped(),
    },
    "larger than the file": {
        "overlapping arrays": overlapping(),
    },
    "more than 10000": {
        "10,001 arrays": archive({f"{n}.npy": b"" for n in range(10_001)}),
    },
    "one name": {
        "name twice": twice(),
    },
}
