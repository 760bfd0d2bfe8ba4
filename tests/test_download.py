import functools
import hashlib
import os
import random
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from decathlon_archive import INDEX, ORDERS, TASK, make_files, make_tar, ordered, packed
from file_server import FileServer
from hostile_archives import HARMLESS, HOSTILE, NAME, plain
from hostile_archives import make_tar as tar_with
from refusals import refused

from brainseg_utils.download import (
    DATA_SETS,
    decathlon,
    download,
    download_msd,
    landing,
)
from brainseg_utils.download import progress as download_progress
from brainseg_utils.download.remote import RemoteFile
from brainseg_utils.files import file_digest

FILES = make_files(4)
ARCHIVE = make_tar(FILES)
MD5 = hashlib.md5(ARCHIVE).hexdigest()
TRAINING = ("imagesTr", "labelsTr")
REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def server(monkeypatch):
    quick = functools.partial(RemoteFile, sleep=lambda seconds: None, timeouts=(5, 5))
    monkeypatch.setattr(decathlon, "RemoteFile", quick)
    with FileServer(ARCHIVE) as server:
        yield server


def fetch(server, folder, patients=0, md5=MD5, progress=None):
    return download_msd(folder, patients, server.url, progress, md5)


def tree(folder):
    """Return the digest of every file below `folder`, the hidden ones too."""
    files = (path for path in Path(folder).rglob("*") if not path.is_dir())
    return {str(path.relative_to(folder)): file_digest(path) for path in files}


def contents(folder):
    """Return the data set's files below `folder`, without the record."""
    found = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}
    return {n: p.read_bytes() for n, p in found.items() if n != "download.json"}


def first_files(order, patients):
    """Return what the first patients in an archive's order should bring."""
    cases = [name.split("/")[1] for name in ordered(FILES, order) if "Tr/" in name]
    chosen = list(dict.fromkeys(cases))[:patients]
    names = [
        f"{folder}/{case}" for case in chosen for folder in ("imagesTr", "labelsTr")
    ]
    return {name: FILES[name] for name in [*names, "dataset.json"]}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("patients", [0, 1, 3])
def test_what_was_asked_for_comes_in_any_order(server, tmp_path, order, patients):
    server.content = make_tar(FILES, order)
    md5 = hashlib.md5(server.content).hexdigest()
    folder = fetch(server, tmp_path, patients, md5)
    assert folder == tmp_path / TASK
    assert contents(folder) == (first_files(order, patients) if patients else FILES)
    assert tree(tmp_path).keys() == {f"{TASK}/{name}" for name in tree(folder)}


@pytest.mark.parametrize("patients", [0, 2])
def test_a_server_without_ranges_serves_as_well(server, tmp_path, patients):
    server.ranges = False
    found = contents(fetch(server, tmp_path, patients))
    assert found == (first_files("images first", 2) if patients else FILES)


def test_the_first_patients_cost_little_more_than_their_own_bytes(server, tmp_path):
    files = make_files(24, image_bytes=400_000)
    server.content = make_tar(files, "by patient")
    found = contents(fetch(server, tmp_path, 2))
    own = sum(map(len, found.values()))
    assert own < 0.1 * len(server.content)
    assert server.served < len(server.content) / 3
    assert len(server.asked) < 2 * 24
    assert server.connections <= 3


def test_it_stops_where_all_that_was_wanted_is_there(server, tmp_path):
    server.content = make_tar(make_files(24, image_bytes=400_000), "labels first")
    fetch(server, tmp_path, 1)
    assert len(server.asked) <= 4


def test_the_whole_takes_few_requests(server, tmp_path):
    fetch(server, tmp_path)
    assert len(server.asked) <= 4
    assert server.served == len(ARCHIVE)


@pytest.mark.parametrize("patients", [0, 2])
def test_a_second_call_asks_nothing_of_the_network(server, tmp_path, patients):
    fetch(server, tmp_path, patients)
    before, asked = tree(tmp_path), len(server.asked)
    lines = []
    fetch(server, tmp_path, patients, progress=lines.append)
    assert len(server.asked) == asked
    assert tree(tmp_path) == before
    assert "all there already" in lines[-1]


def test_more_patients_later_fetch_only_what_is_new(server, tmp_path):
    server.content = make_tar(make_files(8, image_bytes=300_000), "labels first")
    fetch(server, tmp_path / "grown", 6)
    served = server.served
    fetch(server, tmp_path / "grown", 8)
    assert server.served - served < len(server.content) / 2
    fetch(server, tmp_path / "grown", 3)
    fetch(server, tmp_path / "at once", 8)
    assert tree(tmp_path / "grown") == tree(tmp_path / "at once")


def test_the_whole_after_a_part_fetches_only_what_is_new(server, tmp_path):
    server.content = make_tar(make_files(8, image_bytes=300_000), "labels first")
    md5 = hashlib.md5(server.content).hexdigest()
    fetch(server, tmp_path, 6)
    served = server.served
    assert len(contents(fetch(server, tmp_path, 0, md5))) == 18
    assert server.served - served < len(server.content) / 2


def test_mending_a_part_forgets_nothing_of_the_whole(server, tmp_path):
    before = tree(fetch(server, tmp_path))
    (tmp_path / TASK / "imagesTr/BRATS_001.nii.gz").unlink()
    assert tree(fetch(server, tmp_path, 1)) == before


def test_a_file_that_was_deleted_is_fetched_again(server, tmp_path):
    before = tree(fetch(server, tmp_path, 2))
    (tmp_path / TASK / "imagesTr/BRATS_001.nii.gz").unlink()
    assert tree(fetch(server, tmp_path, 2)) == before


@pytest.mark.parametrize("seed", range(6))
def test_connections_that_break_anywhere_give_the_same_tree(server, tmp_path, seed):
    rng = random.Random(seed)
    expected = tree(fetch(server, tmp_path / "whole"))
    server.cuts = [rng.randrange(len(ARCHIVE)) for _ in range(5)]
    assert tree(fetch(server, tmp_path / "broken")) == expected


# Each file is written after its record, both through the points of `files`.
CRASHES = ["written:1", "written:2", "flushed:7", "replaced:8", "replaced:9", "chunk"]


@pytest.mark.parametrize("crash", CRASHES)
def test_a_killed_download_is_continued(server, tmp_path, crash):
    expected = tree(fetch(server, tmp_path / "whole"))
    code = f"""if True:
        import os
        from brainseg_utils.download import decathlon, progress as pace

        def progress(line):
            if {crash!r} == "chunk" and line.startswith("imagesTr/BRATS_003"):
                os.kill(os.getpid(), 9)

        pace.SECONDS_A_LINE = 0
        folder, url = {str(tmp_path / "killed")!r}, {server.url!r}
        decathlon.download_msd(folder, 0, url, progress)
    """
    environment = os.environ | {"BRAINSEG_CRASH": f"files.{crash}"}
    killed = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=environment
    )
    assert killed.returncode == -9
    assert tree(tmp_path / "killed") != expected
    assert tree(fetch(server, tmp_path / "killed")) == expected


@pytest.mark.parametrize("name", ["replace", "fsync"])
@pytest.mark.parametrize("error", [28, 5, 30])  # No space, input/output, read-only.
def test_a_disk_that_fails_at_any_step_loses_nothing(
    server, tmp_path, monkeypatch, name, error
):
    expected = tree(fetch(server, tmp_path / "whole", 1))
    real, calls = getattr(os, name), []

    def failing(*arguments):
        calls.append(1)
        if len(calls) == step:
            raise OSError(error, os.strerror(error))
        return real(*arguments)

    for step in range(1, 8):
        folder, calls = tmp_path / f"{step}", []
        monkeypatch.setattr(os, name, failing)
        with pytest.raises(decathlon.BrainSegError, match="E-DISK"):
            fetch(server, folder, 1)
        monkeypatch.setattr(os, name, real)
        assert not [path for path in tree(folder) if "/." in path]
        assert tree(fetch(server, folder, 1)) == expected


def test_a_wrong_md5_sets_the_files_aside(server, tmp_path):
    (tmp_path / TASK).mkdir()
    (tmp_path / TASK / "notes.txt").write_text("mine")
    for aside in ("unverified", "unverified-2"):
        with refused("E-DOWNLOAD", server.url) as caught:
            fetch(server, tmp_path, md5="0" * 32)
        assert f"{TASK}.{aside}" in caught.value.what
        assert contents(tmp_path / f"{TASK}.{aside}") == FILES
        assert contents(tmp_path / TASK) == {"notes.txt": b"mine"}
    assert contents(fetch(server, tmp_path)) == FILES | {"notes.txt": b"mine"}


def test_the_md5_is_compared_after_an_interruption_too(server, tmp_path):
    fetch(server, tmp_path, 3)
    with refused("E-DOWNLOAD", server.url):
        fetch(server, tmp_path, md5="0" * 32)
    fetch(server, tmp_path, 3)
    assert contents(fetch(server, tmp_path)) == FILES


@pytest.mark.parametrize("patients", [0, 1])
def test_a_file_of_the_users_is_never_overwritten(server, tmp_path, patients):
    path = tmp_path / TASK / "labelsTr/BRATS_001.nii.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with refused("E-EXISTS", path):
        fetch(server, tmp_path, patients)
    assert path.read_bytes() == b"mine"
    path.unlink()
    assert contents(fetch(server, tmp_path)) == FILES


@pytest.mark.parametrize("content", [b"mine", b"x" + FILES["dataset.json"][1:]])
def test_a_file_changed_since_is_left_and_told(server, tmp_path, content):
    path = fetch(server, tmp_path, 1) / "dataset.json"
    path.write_bytes(content)
    for patients in (1, 2, 0):
        with refused("E-EXISTS", path):
            fetch(server, tmp_path, patients)
    assert path.read_bytes() == content


@pytest.mark.parametrize("folder", TRAINING)
def test_a_damaged_image_does_not_get_its_name(server, tmp_path, folder):
    name = f"{folder}/BRATS_001.nii.gz"
    damaged = bytearray(FILES[name])
    damaged[len(damaged) // 2] ^= 1
    server.content = make_tar(FILES | {name: bytes(damaged)})
    with refused("E-DOWNLOAD", f"{server.url} {name}"):
        fetch(server, tmp_path, 1)
    assert name not in tree(tmp_path / TASK)


def test_an_archive_that_changed_between_two_calls_is_refused(server, tmp_path):
    before = tree(fetch(server, tmp_path, 1))
    server.headers = {"ETag": '"v2"'}
    with refused("E-DOWNLOAD", tmp_path / TASK):
        fetch(server, tmp_path, 2)
    assert tree(tmp_path / TASK) == before


@pytest.mark.parametrize(
    ("lost", "patients"),
    [("labelsTr/BRATS_002.nii.gz", 2), ("dataset.json", 1), ("dataset.json", 0)],
)
def test_an_archive_that_lacks_a_file_is_refused(server, tmp_path, lost, patients):
    server.content = make_tar({name: FILES[name] for name in FILES if name != lost})
    with refused("E-ARCHIVE", server.url) as caught:
        fetch(server, tmp_path, patients)
    assert lost.split("/")[-1].split(".")[0] in caught.value.what


def test_more_patients_than_there_are_is_refused_and_what_is_there_kept(
    server, tmp_path
):
    with refused("E-ARCHIVE", server.url) as caught:
        fetch(server, tmp_path, 5)
    assert "more than 4" in caught.value.what
    assert len(list((tmp_path / TASK / "labelsTr").iterdir())) == 4


@pytest.mark.parametrize("patients", [-1, 485, 1.0, True, "2", None])
def test_a_number_of_patients_that_is_none_is_refused(server, tmp_path, patients):
    with refused("E-PARAM", "patients"):
        fetch(server, tmp_path, patients)
    assert server.asked == [] and tree(tmp_path) == {}


def test_a_home_that_is_not_known_is_a_plain_folder(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fetch(server, "~no-such-user", 1).is_relative_to("~no-such-user")


@pytest.mark.parametrize("folder", [None, 5, "a\0b", b"a"])
def test_a_folder_that_is_no_path_is_refused(server, folder):
    with refused("E-PARAM", "folder"):
        fetch(server, folder)


def test_terms_are_shown_before_the_first_byte_is_asked_for(server, tmp_path):
    lines = []

    def note(line):
        lines.append((line, len(server.asked)))

    fetch(server, tmp_path, 1, progress=note)
    first, asked = lines[0]
    assert asked == 0
    assert "CC-BY-SA 4.0" in first and "10.1038/s41467-022-30695-9" in first
    assert lines[-1][1] > 0 and "patients 1 of 1" in lines[-1][0]


def test_progress_is_told_now_and_then_and_silence_on_request(
    server, tmp_path, capsys, monkeypatch
):
    fetch(server, tmp_path / "a", 2)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(download_progress, "SECONDS_A_LINE", 0)
    fetch(server, tmp_path / "b", 2, progress=print)
    out = capsys.readouterr().out
    assert "imagesTr/BRATS_002.nii.gz: patients 1 of 2" in out
    assert "MB/s" in out


Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize("patients", [0, 1])
def test_a_disk_too_small_is_told_first(server, tmp_path, monkeypatch, patients):
    need = len(ARCHIVE) if not patients else len(FILES["imagesTr/BRATS_001.nii.gz"])
    usage = Usage(10**9, 0, need - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(decathlon.BrainSegError, match="E-DISK ") as caught:
        fetch(server, tmp_path, patients)
    assert f"needs {need} bytes" in caught.value.what
    assert f"{need - 1} bytes are free" in caught.value.what
    assert not list(tmp_path.rglob("*.nii.gz"))
    usage = Usage(10**9, 0, need + len(ARCHIVE) * bool(patients))
    fetch(server, tmp_path, patients)


def test_a_web_page_in_place_of_the_archive_leaves_no_folder(server, tmp_path):
    server.content = b"<html>Please log in</html>"
    server.headers = {"Content-Type": "text/html"}
    with refused("E-DOWNLOAD", server.url):
        fetch(server, tmp_path / "new")
    assert not (tmp_path / "new" / TASK).exists()


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("patients", [0, 2])
def test_a_hostile_archive_writes_nothing_outside(
    server, tmp_path, monkeypatch, kind, patients
):
    canary = tmp_path / "canary"
    canary.write_bytes(b"alive")
    monkeypatch.chdir(tmp_path)
    server.content = HOSTILE[kind]
    with pytest.raises(decathlon.BrainSegError, match="E-ARCHIVE"):
        # The first two patients are sound; a third is asked for, so as to go on.
        fetch(server, tmp_path / "to", patients and 3, None)
    assert canary.read_bytes() == b"alive"
    found = tree(tmp_path).keys() - {"canary", f"to/{TASK}/download.json"}
    assert found <= {f"to/{TASK}/{name}" for name in make_files(2)}
    assert not [path for path in tmp_path.rglob("*") if path.is_symlink()]
    assert not Path("/tmp/canary").exists()


def test_an_archive_with_harmless_extras_is_taken(server, tmp_path):
    extras = [member for kind in list(HARMLESS)[:3] for member in HARMLESS[kind]]
    server.content = tar_with(FILES, extras=extras)
    assert contents(fetch(server, tmp_path, 0, None)) == FILES


def test_a_member_in_the_wrong_letter_case_is_passed_over(server, tmp_path):
    files = {name: FILES[name] for name in FILES if "004" not in name}
    extras = [plain(NAME.replace("BRATS_003", "brats_004"), packed(b"image"))]
    server.content = make_tar(files, extras=extras)
    assert contents(fetch(server, tmp_path, 0, None)) == files


def test_an_unknown_data_set_is_refused_with_those_known():
    for name in ("brats1999", "", None, ["msd"]):
        with refused("E-PARAM", "name") as caught:
            download(name, "a")
        assert "msd" in caught.value.what and "kaggle-brats2020" in caught.value.what


def test_a_part_of_the_kaggle_mirror_is_refused():
    with refused("E-PARAM", "patients") as caught:
        download("kaggle-brats2020", patients=5)
    assert "as a whole" in caught.value.what


def test_the_decathlon_goes_by_its_name(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "brainseg_utils.download.download_msd", lambda *a, **k: asked.append((a, k))
    )
    download("msd", "folder", 3, progress=None)
    assert asked == [(("folder", 3), {"progress": None})]


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_data_set_names_its_terms(name):
    terms = DATA_SETS[name].terms()
    assert DATA_SETS[name].licence in terms and DATA_SETS[name].source in terms
    assert all(work in terms for work in DATA_SETS[name].citation)
    assert DATA_SETS[name].citation


def test_a_record_with_a_nonsense_size_is_of_another_archive(server, tmp_path):
    record = fetch(server, tmp_path, 1) / "download.json"
    size = f'"size": {len(ARCHIVE)}'
    assert size in record.read_text()
    record.write_text(record.read_text().replace(size, '"size": []'))
    with refused("E-DOWNLOAD", tmp_path / TASK):
        fetch(server, tmp_path, 2)


def test_the_index_is_kept_as_published(server, tmp_path):
    assert (fetch(server, tmp_path, 1) / "dataset.json").read_bytes() == INDEX
    assert landing.RECORD != decathlon.INDEX
