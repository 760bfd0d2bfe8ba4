import io
import time
import tracemalloc

import pytest
from decathlon_archive import TASK, make_files, make_tar, pack
from hostile_archives import HARMLESS_ARCHIVES, HOSTILE, NAME, plain
from refusals import refused

from brainseg_utils.download import archives
from brainseg_utils.download.archives import read_member, safe_members
from brainseg_utils.download.decathlon import WANTED

FILES = make_files(3)


def members(archive, size=None):
    return list(safe_members(io.BytesIO(archive), "a.tar", WANTED, size))


def test_the_wanted_files_come_with_their_bytes():
    archive = make_tar(FILES)
    found = {}
    for member in members(archive, len(archive)):
        folder, case = member.groups["folder"], member.groups["case"]
        name = f"{folder}/{case}.nii.gz" if case else "dataset.json"
        found[name] = archive[member.offset : member.offset + member.size]
    assert found == FILES


def test_the_caller_may_read_in_the_archive_between_two_members():
    archive = io.BytesIO(make_tar(FILES))
    contents = []
    for member in safe_members(archive, "a.tar", WANTED):
        contents.append(b"".join(read_member(archive, member, "a.tar")))
        archive.seek(0)
    assert sorted(contents) == sorted(FILES.values())


def test_a_dot_before_the_names_does_not_matter():
    assert len(members(make_tar(FILES, prefix=f"./{TASK}/"))) == len(FILES)


@pytest.mark.parametrize("kind", HARMLESS_ARCHIVES)
def test_what_is_harmless_is_passed_over(kind):
    assert members(HARMLESS_ARCHIVES[kind]) == []


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_or_damaged_archive_is_refused_quickly_and_in_little_memory(kind):
    archive, begin = HOSTILE[kind], time.perf_counter()
    tracemalloc.start()
    with refused("E-ARCHIVE", "a.tar") as caught:
        members(archive, len(archive))
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
    assert time.perf_counter() - begin < 5
    assert str(caught.value).isascii() and len(str(caught.value)) < 500


def test_a_size_beyond_the_end_is_refused_before_the_file_is_taken():
    archive = HOSTILE["size beyond the end"]
    with refused("E-ARCHIVE", "a.tar") as caught:
        next(safe_members(io.BytesIO(archive), "a.tar", WANTED, len(archive)))
    assert f"ends at byte {len(archive)}" in caught.value.what


def test_sizes_beyond_an_end_that_is_not_known_are_refused_too():
    file = io.BytesIO(HOSTILE["size beyond the end"])
    with refused("E-ARCHIVE", "a.tar"):
        for member in safe_members(file, "a.tar", WANTED):
            list(read_member(file, member, "a.tar"))


def test_the_limits_themselves_are_allowed(monkeypatch):
    archive = pack([plain(NAME, b"1234"), plain("a", b"12345678")])
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 8)
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 12)
    assert len(members(archive)) == 1
    for name in ("MAX_MEMBERS", "MAX_MEMBER_BYTES", "MAX_TOTAL_BYTES"):
        with monkeypatch.context() as lower:
            lower.setattr(archives, name, getattr(archives, name) - 1)
            with refused("E-ARCHIVE", "a.tar"):
                members(archive)


@pytest.mark.parametrize("length", [100, 101, 4096])
def test_long_names_up_to_the_limit_are_read(length):
    name = "a" * (length - len(NAME) - 1) + "/" + NAME
    assert members(pack([plain(name)])) == []
