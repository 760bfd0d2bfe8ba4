"""Tar archives that mean harm, or are damaged, by what is wrong with them."""

import io
import tarfile

from decathlon_archive import TASK, file_entry, folder_entry, make_files, make_tar, pack

GOOD = make_tar(make_files(2))
NAME = f"{TASK}/imagesTr/BRATS_003.nii.gz"
LINK = {"linkname": "/etc/passwd"}


def plain(name, content=b"harm"):
    return file_entry(name, len(content)), content


def after_good(*members):
    return make_tar(make_files(2), extras=members)


def raw(info, body=b"", pax=None):
    """Return a member's blocks without an end mark; its size is what `info` claims."""
    info.pax_headers = pax or {}
    header = info.tobuf(tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT)
    return header + body + bytes(-len(body) % tarfile.BLOCKSIZE)


def ended(*blocks):
    return b"".join(blocks) + bytes(2 * tarfile.BLOCKSIZE)


def sparse_pax():
    pax = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    pax |= {"GNU.sparse.name": NAME, "GNU.sparse.realsize": "5"}
    body = b"1\n0\n5\n".ljust(tarfile.BLOCKSIZE, b"\0") + b"harm!"
    return raw(file_entry("GNUSparseFile.0/a", len(body)), body, pax)


def digits(length):
    """Return a header of digits alone, over which a search takes quadratic time."""
    return raw(file_entry("a", length, type=tarfile.XHDTYPE), b"1" * length)


def place_of_last(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getmembers()[-1].offset


def with_broken_header():
    place = place_of_last(GOOD)
    return GOOD[:place] + b"\xff" * 100 + GOOD[place + 100 :]


KINDS = {
    "symbolic link": {"type": tarfile.SYMTYPE, **LINK},
    "hard link": {"type": tarfile.LNKTYPE, **LINK},
    "link upwards": {"type": tarfile.SYMTYPE, "linkname": "../../canary"},
    "character device": {"type": tarfile.CHRTYPE},
    "block device": {"type": tarfile.BLKTYPE},
    "pipe": {"type": tarfile.FIFOTYPE},
    "contiguous file": {"type": tarfile.CONTTYPE},
    "sparse file": {"type": tarfile.GNUTYPE_SPARSE},
    "unknown kind": {"type": b"Z"},
}
NAMES = {
    "parent": "../canary",
    "parent within": f"{TASK}/imagesTr/../../../canary",
    "parent at the end": f"{TASK}/..",
    "absolute": "/tmp/canary",
    "drive": "C:/canary",
    "backslash": f"{TASK}\\..\\..\\canary",
    "long name": "a/" * 2100 + "canary",
    "parent of a twin": "../._canary",
}
HOSTILE = {
    **{kind: after_good((file_entry(NAME, 0, **a), b"")) for kind, a in KINDS.items()},
    **{kind: after_good(plain(name)) for kind, name in NAMES.items()},
    "folder outside": after_good(folder_entry("../canary")),
    "name twice": after_good(plain(NAME.replace("003", "001"))),
    "name twice by case": after_good(plain(NAME.replace("BRATS_003", "brats_001"))),
    "name twice by a detour": after_good(
        plain(f"./{TASK}/./imagesTr/BRATS_001.nii.gz")
    ),
    "10,001 members": ended(raw(file_entry("a", 0, type=tarfile.DIRTYPE)) * 10_001),
    "large member": ended(raw(file_entry(NAME, 200 * 10**6 + 1))),
    "8 EB member": ended(raw(file_entry(NAME, 2**63))),
    "negative size": ended(raw(file_entry(NAME, -512))),
    "negative pax size": ended(raw(file_entry(NAME, 0), pax={"size": "-1024"})),
    "null in a name": ended(raw(file_entry("a", 0), pax={"path": "a\0b"})),
    "immense pax size": ended(raw(file_entry(NAME, 0), pax={"size": "9" * 4000})),
    "sparse pax file": ended(sparse_pax()),
    "nonsense sparse map": ended(raw(file_entry("a", 0), pax={"GNU.sparse.map": "x"})),
    "pax header of 1 MB": ended(raw(file_entry(NAME, 0), pax={"a": "b" * 2**20})),
    "pax header of digits": ended(digits(2**20)),
    "short pax header of digits": ended(digits(6000)),
    "pax header of 8 GB": ended(raw(file_entry("a", 2**33, type=tarfile.XHDTYPE))),
    "pax header below zero": ended(raw(file_entry("a", -512, type=tarfile.XHDTYPE))),
    "long name of 8 GB": ended(raw(file_entry("a", 2**33, type=b"L"))),
    "headers of headers": ended(raw(file_entry("a", 0, type=b"L")) * 5000),
    "size beyond the end": ended(raw(file_entry(NAME, 5000), b"harm")),
    "size over the end mark": ended(raw(file_entry("a", 1500), b"harm")),
    "cut in a header": GOOD[:700],
    "cut in a file": GOOD[:9000],
    "cut between files": GOOD[: place_of_last(GOOD)],
    "broken header": with_broken_header(),
    "no end mark": raw(file_entry("a", 4), b"harm"),
    "nothing": b"",
    "gzipped": b"\x1f\x8b\x08\x00" + bytes(2000),
    "zip": b"PK\x03\x04" + b"a" * 2000,
    "text": b"This address has moved. " * 100,
}
HARMLESS = {
    "folders": [folder_entry(f"{TASK}/imagesTr"), folder_entry("./")],
    "other files": [
        plain("README.md"),
        plain(f"{TASK}/name_mapping.csv"),
        plain("a..b"),
    ],
    "twins of macOS": [plain(f"{TASK}/._a"), plain(f"{TASK}/._a")],
    "another case": [plain(NAME.replace("BRATS", "brats"))],
    "no file": [plain(f"{TASK}/imagesTr/BRATS_001.nii.gz.exe"), plain(f"x{NAME}")],
}
HARMLESS_ARCHIVES = {kind: pack(members) for kind, members in HARMLESS.items()}
