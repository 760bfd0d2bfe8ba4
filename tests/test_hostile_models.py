"""What a stranger's run folder may do to whoever opens it: nothing."""

import socket
import time
import tracemalloc

import hostile_models as h
import pytest
from hostile_weights import LAMBDA, REASONS, keras_file
from refusals import refused

from brainseg_utils.files import file_digest, write_json
from brainseg_utils.run_files.foreign_runs import open_run
from brainseg_utils.runs import Run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a good run folder, with a canary above it and no network."""

    def no_network(*_, **__):
        raise AssertionError("a socket was opened")

    (tmp_path / "canary").write_bytes(b"alive")
    for name in ("model.keras", "model.h5"):
        (tmp_path / name).write_bytes(keras_file(LAMBDA, {}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket, "socket", no_network)
    monkeypatch.setattr(socket, "create_connection", no_network)
    return h.write_run(tmp_path / "run")


def assert_harmless(folder, code, path, opened, word=""):
    """Expect a refusal, quickly, in little memory, and with nothing else done."""
    above = folder.parent
    before = sorted(above.rglob("*"))
    begin = time.perf_counter()
    tracemalloc.start()
    try:
        with refused(code, path) as caught:
            open_run(opened)
        assert word in caught.value.what
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - begin < 2
    assert len(caught.value.what) < 500
    assert sorted(above.rglob("*")) == before
    assert (above / "canary").read_bytes() == b"alive"


def test_a_good_run_folder_is_opened(folder):
    assert open_run(folder).training_config.filters == 2
    assert open_run(str(folder)).folder == folder


@pytest.mark.parametrize(
    ("word", "kind"),
    [(word, kind) for word, kinds in REASONS.items() for kind in kinds],
)
def test_hostile_weights_are_refused(word, kind, folder):
    h.write_weights(folder, REASONS[word][kind])
    assert_harmless(folder, "E-CKPT", folder / "weights.npz", folder, word)


def test_weights_of_any_size_are_refused_unread(folder):
    h.TOO_LARGE(folder)
    assert_harmless(folder, "E-CKPT", folder / "weights.npz", folder)


@pytest.mark.parametrize("kind", h.FOLDERS)
def test_a_hostile_folder_is_refused(kind, folder):
    name, change = h.FOLDERS[kind]
    change(folder)
    assert_harmless(folder, "E-RUN", folder / name, folder)


@pytest.mark.parametrize("place", h.PLACES)
def test_what_is_no_folder_here_is_refused(place, folder):
    assert_harmless(folder, "E-RUN", place, place)


def test_a_record_makes_nobody_read_another_file(folder):
    (folder / "history.csv").write_text("epoch\n1\n")
    names = ("weights.npz", "history.csv")
    run = Run(folder)
    write_json(folder / "training.json", {"files": run.digests(names)})
    assert run.trained
    others = {"../canary": file_digest(folder.parent / "canary")}
    write_json(folder / "training.json", {"files": run.digests(names) | others})
    assert not run.trained
