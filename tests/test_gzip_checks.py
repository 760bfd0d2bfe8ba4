import gzip
import random

import pytest
from refusals import refused

from brainseg_utils.download import gzip_checks
from brainseg_utils.download.gzip_checks import checked_gzip

NOISE = random.Random(0).randbytes(50_000)
GZIPPED = {
    "noise": gzip.compress(NOISE),
    "zeros": gzip.compress(bytes(5_000_000)),
    "two streams": gzip.compress(NOISE) + gzip.compress(b"more"),
    "nothing inside": gzip.compress(b""),
    "zeros after it": gzip.compress(NOISE) + bytes(600),
}


def in_chunks(content, size):
    return [content[i : i + size] for i in range(0, len(content), size)]


@pytest.mark.parametrize("kind", GZIPPED)
@pytest.mark.parametrize("size", [7, 1000, 10**6])
def test_sound_gzip_data_passes_unchanged(kind, size):
    content = GZIPPED[kind]
    assert b"".join(checked_gzip(in_chunks(content, size), "a")) == content


@pytest.mark.parametrize("kind", GZIPPED)
@pytest.mark.parametrize("lost", [1, 4, 8, 12])
def test_gzip_data_cut_short_is_refused(kind, lost):
    content = GZIPPED[kind].rstrip(b"\0") if "after" in kind else GZIPPED[kind]
    with refused("E-DOWNLOAD", "a"):
        list(checked_gzip(in_chunks(content[:-lost], 1000), "a"))


def test_a_flipped_bit_is_refused_wherever_it_lies():
    content = GZIPPED["noise"]
    for place in range(20, len(content), len(content) // 40):
        damaged = bytearray(content)
        damaged[place] ^= 16
        with refused("E-DOWNLOAD", "a"):
            list(checked_gzip([bytes(damaged)], "a"))


@pytest.mark.parametrize("content", [b"", b"<html>", NOISE, GZIPPED["noise"] + b"more"])
def test_what_is_no_gzip_is_refused(content):
    with refused("E-DOWNLOAD", "a"):
        list(checked_gzip([content], "a"))


def test_gzip_data_that_unpacks_without_end_is_refused(monkeypatch):
    content = GZIPPED["zeros"]
    monkeypatch.setattr(gzip_checks, "MAX_UNPACKED_BYTES", 5_000_000)
    assert list(checked_gzip([content], "a")) == [content]
    monkeypatch.setattr(gzip_checks, "MAX_UNPACKED_BYTES", 4_999_999)
    with refused("E-ARCHIVE", "a"):
        list(checked_gzip([content], "a"))


def test_gzip_data_in_too_many_streams_is_refused(monkeypatch):
    content = gzip.compress(b"") * 3
    monkeypatch.setattr(gzip_checks, "MAX_STREAMS", 3)
    assert list(checked_gzip([content], "a")) == [content]
    monkeypatch.setattr(gzip_checks, "MAX_STREAMS", 2)
    with refused("E-ARCHIVE", "a"):
        list(checked_gzip([content], "a"))
