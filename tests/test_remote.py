import hashlib
import io
import random
from types import SimpleNamespace

import pytest
import requests
from file_server import FileServer
from refusals import refused

from brainseg_utils.download.patience import RETRIES, RETRIES_AT_FIRST
from brainseg_utils.download.remote import RemoteFile
from brainseg_utils.download.windows import READ_THROUGH
from brainseg_utils.errors import BrainSegError

CONTENT = random.Random(0).randbytes(1_500_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def server():
    with FileServer(CONTENT) as server:
        yield server


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def open_remote(server, pauses):
    """Return a function that opens the server's file and notes pauses, taking none."""
    opened = []

    def open_one(**options):
        options = {"sleep": pauses.append, "timeouts": (5, 5)} | options
        opened.append(RemoteFile(server.url, **options))
        return opened[-1]

    yield open_one
    for remote in opened:
        remote.close()


def test_nothing_is_asked_before_the_first_read(server, open_remote):
    remote = open_remote()
    remote.seek(1000)
    assert server.asked == []
    assert remote.read(10) == CONTENT[1000:1010]
    assert len(server.asked) == 1


def test_size_and_identity_are_the_servers(server, open_remote):
    server.headers = {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
    assert open_remote().identity == {
        "etag": '"v1"',
        "last_modified": "Mon, 01 Jan 2024 00:00:00 GMT",
        "size": len(CONTENT),
    }


@pytest.mark.parametrize(
    "mode", ["ranges", "no ranges", "no length", "broken", "broken, no length"]
)
@pytest.mark.parametrize("digest", [None, hashlib.md5])
def test_it_reads_and_seeks_as_a_local_file(server, open_remote, mode, digest):
    rng = random.Random(mode)
    server.ranges = mode not in ("no ranges", "no length")
    server.headers = {"Content-Length": None} if "no length" in mode else {}
    server.cuts = [rng.randrange(60_000) for _ in range(40)] if "broken" in mode else []
    remote = open_remote(digest=digest and digest(), retries=40)
    local = io.BytesIO(CONTENT)
    for _ in range(25):
        place = rng.randrange(-100_000, len(CONTENT) + 100)
        jump = rng.choice([(max(0, place), 0), (rng.randrange(9000), 1), (0, 1)])
        assert remote.seek(*jump) == local.seek(*jump) == remote.tell()
        amount = rng.choice([0, 1, 512, 70_000])
        assert remote.read(amount) == local.read(amount)
    assert digest is None or remote.hexdigest() == MD5


def test_seeks_from_the_end_and_reads_past_it_are_as_usual(open_remote):
    remote = open_remote()
    remote.seek(-5, io.SEEK_END)
    assert remote.read() == CONTENT[-5:]
    assert remote.read(1) == b""
    with pytest.raises(ValueError):
        remote.seek(-1)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_first_read_past_the_end_gives_nothing(server, open_remote, ranges, pauses):
    server.ranges = ranges
    remote = open_remote()
    remote.seek(len(CONTENT) + 1)
    assert remote.read(1) == b""
    remote.seek(-3, io.SEEK_END)
    assert remote.read() == CONTENT[-3:]
    assert pauses == []
    assert (server.served < len(CONTENT)) == ranges


def test_reading_on_takes_few_requests_over_one_connection(server, open_remote):
    assert open_remote().read() == CONTENT
    assert len(server.asked) <= 3
    assert server.connections == 1
    assert server.served == len(CONTENT)


def test_a_short_jump_reads_on_and_a_long_one_asks_anew(server, open_remote):
    remote = open_remote()
    remote.read(2 * READ_THROUGH)
    asked = len(server.asked)
    remote.seek(READ_THROUGH, io.SEEK_CUR)
    assert remote.read(1) == CONTENT[3 * READ_THROUGH : 3 * READ_THROUGH + 1]
    assert len(server.asked) == asked
    remote.seek(READ_THROUGH + 1, io.SEEK_CUR)
    assert remote.read(1) == CONTENT[4 * READ_THROUGH + 2 : 4 * READ_THROUGH + 3]
    assert len(server.asked) == asked + 1


def test_long_jumps_cost_little(server, open_remote):
    remote = open_remote()
    for place in range(0, len(CONTENT), 500_000):
        remote.seek(place)
        assert remote.read(512) == CONTENT[place : place + 512]
    assert server.served < 150_000
    assert server.connections == 1


def test_a_broken_connection_is_taken_up_at_the_very_byte(server, open_remote, pauses):
    server.cuts = [10_000]
    assert open_remote().read() == CONTENT
    assert server.asked[1].startswith("bytes=10000-")
    assert pauses == [1.0]


def test_pauses_grow_until_it_gives_up(server, open_remote, pauses):
    remote = open_remote()
    remote.read(1)
    server.statuses = [503] * 100
    with refused("E-DOWNLOAD", server.url) as caught:
        remote.read()
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert f"{RETRIES + 1} times in a row" in caught.value.what
    assert "503" in caught.value.what


def test_as_many_failures_as_retries_are_survived(server, open_remote):
    remote = open_remote()
    remote.read(1)
    server.statuses = [500, 502, 503, 504, 429]
    assert len(server.statuses) == RETRIES
    assert remote.read() == CONTENT[1:]


def test_what_fails_from_the_first_is_told_soon(server, open_remote, pauses):
    server.statuses = [503] * (RETRIES_AT_FIRST + 1)
    with refused("E-DOWNLOAD", server.url):
        open_remote().read(1)
    assert pauses == [1.0, 2.0]
    server.statuses = [503] * RETRIES_AT_FIRST
    assert open_remote().read(1) == CONTENT[:1]


def test_a_server_that_is_not_there_is_refused(pauses):
    with FileServer(b"") as server:
        url = server.url
    with refused("E-DOWNLOAD", url) as caught:
        RemoteFile(url, sleep=pauses.append).read(1)
    assert "network" in caught.value.remedy


def test_a_server_too_slow_is_refused(server, open_remote):
    server.delay_s = 0.5
    with refused("E-DOWNLOAD", server.url):
        open_remote(timeouts=(1, 0.1), retries=1).read(1)


def test_breaking_at_one_byte_for_ever_ends(server, open_remote):
    # Without ranges each new try reads all before that byte, which is no progress.
    server.ranges = False
    server.cuts = [400_000] * 100
    with refused("E-DOWNLOAD", server.url):
        open_remote().read()
    assert len(server.asked) == RETRIES + 1


@pytest.mark.parametrize("ranges", [True, False])
def test_progress_between_failures_renews_the_patience(server, open_remote, ranges):
    server.ranges = ranges
    server.cuts = [100_000 * n for n in range(1, 15)] if not ranges else [100_000] * 14
    assert open_remote().read() == CONTENT


@pytest.mark.parametrize(
    "change",
    [
        {"headers": {"ETag": '"v2"'}},
        {"content": CONTENT[:-1]},
        {"headers": {"ETag": None, "Last-Modified": "Tue"}},
    ],
)
def test_a_file_that_changes_meanwhile_is_refused(server, open_remote, change):
    if change.get("headers", {}).get("Last-Modified"):
        server.headers = {"ETag": None, "Last-Modified": "Mon"}
    remote = open_remote()
    remote.read(100)
    for name, value in change.items():
        setattr(server, name, value)
    with refused("E-DOWNLOAD", server.url) as caught:
        remote.read()
    assert "changed" in caught.value.what


def test_a_new_date_under_the_same_etag_is_no_change(server, open_remote):
    server.headers = {"Last-Modified": "Mon"}
    remote = open_remote()
    remote.read(100)
    server.headers = {"Last-Modified": "Tue"}
    assert remote.read() == CONTENT[100:]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Range": None},
        {"Content-Range": "bytes 1-40000/1500000"},
        {"Content-Range": "bytes 0-1499999/1500000"},
        {"Content-Range": "bytes 0-131071/1000"},
        {"Content-Range": "bytes 5-4/1500000"},
        {"Content-Range": "bytes 0-131071/*"},
        {"Content-Range": "bytes -1-9/" + "9" * 5000},
        {"Content-Length": "131073"},
        {"Content-Length": "10"},
    ],
)
def test_an_answer_that_contradicts_itself_is_refused(server, open_remote, headers):
    server.headers = headers
    with refused("E-DOWNLOAD", server.url):
        open_remote(timeouts=(1, 0.2)).read()
    assert len(server.asked) == RETRIES_AT_FIRST + 1


def test_an_answer_longer_than_it_says_is_not_read_on(server, open_remote):
    server.ranges, server.headers = False, {"Content-Length": "1000"}
    assert open_remote().read() == CONTENT[:1000]


@pytest.mark.parametrize("status", [204, 401, 403, 404, 410, 451])
def test_a_refusal_is_told_at_once(server, open_remote, status):
    server.statuses = [status]
    with refused("E-DOWNLOAD", server.url) as caught:
        open_remote().read(1)
    assert str(status) in caught.value.what
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "Text/HTML; charset=utf-8"}, {"Content-Encoding": "gzip"}],
)
def test_something_else_than_the_file_is_refused(server, open_remote, headers):
    server.headers = headers
    with refused("E-DOWNLOAD", server.url):
        open_remote().read(1)
    server.headers = {"Content-Type": "text/plain", "Content-Encoding": "identity"}
    assert open_remote().read(1) == CONTENT[:1]


def test_a_redirect_is_followed(server, open_remote):
    with FileServer(b"elsewhere") as other:
        server.redirect = other.url
        assert open_remote().read() == b"elsewhere"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://a/b", "http://[", "/"])
def test_a_redirect_to_nowhere_good_is_refused(server, open_remote, target):
    server.redirect = target
    with pytest.raises(BrainSegError, match="E-DOWNLOAD"):
        open_remote().read(1)
    assert len(server.asked) == (6 if target == "/" else 1)  # "/" leads on to itself.


def test_a_redirect_away_from_https_is_refused(monkeypatch):
    headers = {"location": "http://example.org/b"}
    answer = SimpleNamespace(is_redirect=True, headers=headers, close=lambda: None)
    monkeypatch.setattr(requests.Session, "get", lambda *_, **__: answer)
    with refused("E-DOWNLOAD", "https://example.org/a") as caught:
        RemoteFile("https://example.org/a").read(1)
    assert "from https to http://example.org/b" in caught.value.what


@pytest.mark.parametrize(
    "url",
    ["", "a.tar", "file:///a", "ftp://h/a", "http://", "http://[::1", "http://h:x", 5],
)
def test_an_address_that_is_none_is_refused(url):
    with refused("E-DOWNLOAD", url):
        RemoteFile(url)


@pytest.mark.parametrize("ranges", [True, False])
def test_an_empty_file_is_empty(ranges):
    with FileServer(b"") as server, RemoteFile(server.url, sleep=None) as remote:
        server.ranges = ranges
        assert remote.read() == b""
        assert remote.size == 0


def test_a_local_copy_stands_in_for_its_bytes(server, open_remote, tmp_path):
    (tmp_path / "copy").write_bytes(CONTENT[300_000:1_200_000])
    remote = open_remote(digest=hashlib.md5())
    remote.read(1000)
    remote.stand_in(tmp_path / "copy", 300_000)
    assert remote.read(10) == CONTENT[1_200_000:1_200_010]
    assert remote.hexdigest() == MD5
    assert server.served < 800_000


def test_a_copy_that_differs_shows_in_the_digest(server, open_remote, tmp_path):
    (tmp_path / "copy").write_bytes(b"x" + CONTENT[300_001:1_200_000])
    remote = open_remote(digest=hashlib.md5())
    remote.stand_in(tmp_path / "copy", 300_000)
    assert remote.hexdigest() != MD5
