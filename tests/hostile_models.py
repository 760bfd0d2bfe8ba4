"""Run folders that mean harm, or are damaged, by what is wrong with them.

Each is a good run folder to which one thing was done. Whoever makes one may write the
record to it, so the digest in `training.json` is that of the hostile weights.
"""

import hashlib
import json
import os
import pickle
from dataclasses import asdict

from hostile_weights import CODE, KERNEL, LAMBDA, Canary, archive, npy

from brainseg_utils.config import TrainingConfig
from brainseg_utils.run_files.weights import MAX_BYTES


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


def replaced(name, content):
    return lambda folder: (folder / name).write_text(content)


def sparse(name, size, head=b""):
    """Return a change that makes a file of any size, which takes no place on a disk."""

    def change(folder):
        (folder / name).write_bytes(head)
        os.truncate(folder / name, size)

    return change


def padded(folder):
    """Let good JSON go on in spaces."""
    with open(folder / "config.json", "a") as file:
        file.write(" " * 2**24)


def linked(name):
    def change(folder):
        (folder / name).rename(folder.parent / "elsewhere")
        (folder / name).symlink_to(folder.parent / "elsewhere")

    return change


def linked_away(name):
    return lambda folder: (folder / name).symlink_to("/etc/passwd")


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
    "link for scores": ("scores.json", linked_away("scores.json")),
    "pipe for weights": ("weights.npz", piped("weights.npz")),
    "pipe for a record": ("training.json", piped("training.json")),
    "no weights": ("", lambda folder: (folder / "weights.npz").unlink()),
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
    "record that is a list": ("training.json", replaced("training.json", "[]")),
    "config of 17 MB": ("config.json", padded),
    "record of 1 GB": ("training.json", sparse("training.json", 2**30)),
}
# Of one byte more than is read; E-CKPT, as all that is wrong within weights.
TOO_LARGE = sparse("weights.npz", MAX_BYTES + 1)
# Names of what is no folder of this machine.
PLACES = (
    *("hf://somebody/model", "https://a.b/run", "file:///etc", "s3://a/b", "gs://a"),
    *("model.keras", "model.h5", "nowhere", "../canary", "a\0b", "x" * 5000),
)
