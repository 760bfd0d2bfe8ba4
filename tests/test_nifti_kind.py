import tarfile

import pytest
from nifti_files import (
    NAMES,
    assert_read,
    assert_refused,
    nifti_bytes,
    save,
    zipped,
)

GOOD = nifti_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_file_is_refused(tmp_path, name):
    (tmp_path / name).touch()
    assert_refused(tmp_path / name, "E-NII-EMPTY", "0 bytes")


@pytest.mark.parametrize(("name", "code"), [("a.nii", "SHORT"), ("a.nii.gz", "GZ")])
def test_a_file_of_one_byte_is_not_empty_but_cut_short(tmp_path, name, code):
    content = save(tmp_path / name, GOOD).read_bytes()
    (tmp_path / name).write_bytes(content[:1])
    assert_refused(tmp_path / name, f"E-NII-{code}")


def tar_archive(tmp_path):
    with tarfile.open(tmp_path / "t", "w") as archive:
        archive.add(save(tmp_path / "member.nii", GOOD))
    return (tmp_path / "t").read_bytes()


FOREIGN = {
    b"\x89PNG\r\n\x1a\n" + bytes(500): "PNG",
    b"\xff\xd8\xff\xe0" + bytes(500): "JPEG",
    b"<!DOCTYPE html><title>Log in</title>" * 20: "web page (HTML)",
    b"\xef\xbb\xbf\n <HTML><body>Not found" + b" " * 500: "web page (HTML)",
    bytes(128) + b"DICM" + bytes(500): "DICOM",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n": "Git-LFS",
    b"/annex/objects/MD5E-s1--0.nii.gz\n": "git-annex",
    b"PK\x03\x04" + bytes(500): "zip",
    tar_archive: "tar",
    b"id,age\nUPENN-GBM-00002,61\n" * 30: "text that begins b'id,age",
    b"\x5a" + bytes(500): "5a 00 00 00",
}


@pytest.mark.parametrize("content", FOREIGN, ids=FOREIGN.values())
@pytest.mark.parametrize("how", ["a.nii", "a.nii.gz", "inside gzip"])
def test_what_is_not_nifti_is_refused_and_named(tmp_path, content, how):
    word = FOREIGN[content]
    content = content(tmp_path) if callable(content) else content
    path = tmp_path / (how if how in NAMES else "a.nii.gz")
    path.write_bytes(zipped(content) if how == "inside gzip" else content)
    if how == "a.nii.gz" and content[0] == 0x5A:
        assert_refused(path, "E-NII-GZ", "not gzip", "Get the file again")
    else:
        assert_refused(path, "E-NII-TYPE", word)


def test_nifti_that_looks_like_dicom_in_one_place_is_read(tmp_path):
    content = bytearray(GOOD)
    content[128:132] = b"DICM"  # The upper half of cal_min and the start of others.
    assert_read(save(tmp_path / "a.nii", bytes(content)))


def test_gzip_inside_gzip_is_refused(tmp_path):
    path = save(tmp_path / "a.nii.gz", zipped(GOOD))
    assert_refused(path, "E-NII-TYPE", "another gzip file", "Unpack")


@pytest.mark.parametrize("name", ["a.mgz", "a.gz", "a", "nii.gz.part"])
def test_another_name_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(zipped(GOOD))
    assert_refused(path, "E-NII-TYPE", "neither .nii nor .nii.gz", "Rename")


@pytest.mark.parametrize("name", ["A.NII", "A.Nii.GZ"])
def test_letter_case_of_the_name_does_not_matter(tmp_path, name):
    content = zipped(GOOD) if name.endswith("GZ") else GOOD
    (tmp_path / name).write_bytes(content)
    assert_read(tmp_path / name)


def test_plain_content_named_gz_is_refused_and_its_remedy_helps(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(GOOD)
    assert_refused(path, "E-NII-GZ", "content is not gzip", "Rename it to a.nii:")
    assert_read(path.rename(tmp_path / "a.nii"))


def test_gzip_content_named_nii_is_refused_and_its_remedy_helps(tmp_path):
    path = tmp_path / "a.nii"
    path.write_bytes(zipped(GOOD))
    assert_refused(path, "E-NII-GZ", "content is gzip", "Rename it to a.nii.gz.")
    assert_read(path.rename(tmp_path / "a.nii.gz"))
