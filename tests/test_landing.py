import json
import os
import re
import resource

import pytest
from refusals import refused

from brainseg_utils.download.disk_errors import check_space
from brainseg_utils.download.landing import RECORD, Landing

OWN = re.compile(r"(in/)?[a-z]\.gz")
SOURCE = {"url": "http://h/a", "etag": '"1"', "last_modified": None, "size": 9}


@pytest.fixture
def landing(tmp_path):
    landing = Landing(tmp_path / "to", OWN)
    landing.source = SOURCE
    return landing


def reopened(landing):
    again = Landing(landing.folder, OWN)
    with again.alone():
        return again


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_what_was_written_is_known_in_the_next_run(landing):
    with landing.alone():
        landing.write("in/a.gz", 6, [b"abc", b"def"])
    assert (landing.folder / "in/a.gz").read_bytes() == b"abcdef"
    again = reopened(landing)
    assert again.has("in/a.gz") and not again.has("b.gz")
    assert again.source == SOURCE
    assert again.files["in/a.gz"]["bytes"] == 6


def test_a_failed_write_leaves_no_trace(landing):
    def failing():
        yield b"abc"
        raise KeyboardInterrupt

    with landing.alone():
        with pytest.raises(KeyboardInterrupt):
            landing.write("a.gz", 6, failing())
    assert not landing.folder.exists()


def test_a_folder_that_was_there_stays_though_empty(landing):
    landing.folder.mkdir()
    with landing.alone():
        pass
    assert landing.folder.is_dir()


@pytest.mark.parametrize("there", ["file", "folder", "dangling link"])
def test_what_is_in_the_way_is_left_and_told(landing, there):
    path = landing.folder / "a.gz"
    landing.folder.mkdir()
    {
        "file": lambda: path.write_bytes(b"mine"),
        "folder": path.mkdir,
        "dangling link": lambda: path.symlink_to("nowhere"),
    }[there]()
    with refused("E-EXISTS", path):
        landing.has("a.gz")
    assert os.path.lexists(path)


@pytest.mark.parametrize("content", [b"abcdeX", b"abc", b""])
def test_a_recorded_file_that_was_changed_is_told(landing, content):
    with landing.alone():
        landing.write("a.gz", 6, [b"abcdef"])
    (landing.folder / "a.gz").write_bytes(content)
    with refused("E-EXISTS", landing.folder / "a.gz") as caught:
        landing.has("a.gz")
    assert "changed" in caught.value.what


def test_leftovers_of_a_killed_write_go_and_other_hidden_files_stay(landing):
    (landing.folder / "in").mkdir(parents=True)
    ours = [".0123abcd-a.gz", "in/.0123abcd-b.gz", f".0123abcd-{RECORD}"]
    users = [".0123abcd-A.gz", ".hidden", ".0123-a.gz", "in/a.gz", ".a.gz"]
    users += ["0123abcd-a.gz", "in/.0123abcd-c.txt"]
    for name in ours + users:
        (landing.folder / name).touch()
    with landing.alone():
        assert names(landing.folder) == sorted([*users, "in"])


def test_a_second_download_into_the_folder_is_refused(landing):
    with landing.alone():
        with refused("E-BUSY", landing.folder):
            with Landing(landing.folder, OWN).alone():
                pass
    with Landing(landing.folder, OWN).alone():
        pass


GOOD = {"source": SOURCE, "whole": False, "patients": [], "files": {}}


@pytest.mark.parametrize(
    "record",
    [
        "",
        "{",
        "[]",
        '{"files": {}}',
        json.dumps(GOOD | {"source": None}),
        json.dumps(GOOD | {"files": {"a.gz": 3}}),
        json.dumps(GOOD | {"files": {"../a.gz": {"bytes": 1, "sha256": ""}}}),
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_record_that_no_download_wrote_is_refused_and_left(landing, record):
    content = record if isinstance(record, bytes) else record.encode()
    landing.folder.mkdir()
    (landing.folder / RECORD).write_bytes(content)
    with refused("E-DOWNLOAD", landing.folder / RECORD):
        with landing.alone():
            pass
    assert (landing.folder / RECORD).read_bytes() == content
    (landing.folder / RECORD).write_text(json.dumps(GOOD))
    assert reopened(landing).source == SOURCE


@pytest.mark.parametrize("where", ["to", "to/in"])
def test_a_file_in_place_of_a_folder_is_told(tmp_path, where):
    (tmp_path / where).parent.mkdir(exist_ok=True)
    (tmp_path / where).write_text("mine")
    landing = Landing(tmp_path / "to", OWN)
    with refused("E-EXISTS", tmp_path / ("to" if where == "to" else "to/in/a.gz")):
        with landing.alone():
            landing.write("in/a.gz", 1, [b"a"])
    assert (tmp_path / where).read_text() == "mine"


@pytest.mark.parametrize(
    ("error", "code"), [(13, "E-DISK-RO"), (30, "E-DISK-RO"), (5, "E-DISK")]
)
def test_a_folder_that_cannot_be_made_is_told(landing, monkeypatch, error, code):
    def failing(*arguments, **options):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr("pathlib.Path.mkdir", failing)
    with refused(code, landing.folder):
        with landing.alone():
            pass


def test_a_disk_that_fills_up_while_writing_is_told(landing):
    # The limit on a file's size fails as a full disk does, in the middle of a write.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with landing.alone():
        landing.write("a.gz", 1000, [bytes(1000)])
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
        try:
            with refused("E-DISK", landing.folder / "b.gz") as caught:
                landing.write("b.gz", 5000, [bytes(1000)] * 5)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "needs 5000 bytes" in caught.value.what
    assert names(landing.folder) == ["a.gz", RECORD]


def test_space_is_measured_where_the_folder_will_be(tmp_path):
    check_space(tmp_path / "not" / "yet" / "there", 1)
    with refused("E-DISK", tmp_path / "there"):
        check_space(tmp_path / "there", 2**60)


def test_only_what_the_record_names_is_set_aside(landing):
    with landing.alone():
        landing.write("in/a.gz", 1, [b"a"])
        landing.write("b.gz", 1, [b"b"])
        (landing.folder / "mine.txt").touch()
        aside = landing.set_aside()
    assert aside == landing.folder.with_name("to.unverified")
    assert names(aside) == ["b.gz", RECORD, "in", "in/a.gz"]
    assert names(landing.folder) == ["mine.txt"]
