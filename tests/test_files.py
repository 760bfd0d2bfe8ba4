import pytest

from brainseg_utils.files import (
    file_digest,
    read_json,
    replacing,
    replacing_folder,
    value_digest,
    write_json,
    write_text,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_only_at_the_end(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


def test_the_temporary_name_is_hidden_and_keeps_the_suffix(tmp_path):
    with replacing(tmp_path / "deep" / "a.nii.gz") as temporary:
        assert temporary.name.startswith(".")
        assert temporary.name.endswith("a.nii.gz")
        temporary.touch()


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        with replacing(path) as temporary:
            temporary.write_text("ne")
            raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_appears_only_when_whole(tmp_path):
    with replacing_folder(tmp_path / "store") as temporary:
        (temporary / "deep").mkdir()
        (temporary / "deep" / "a.txt").write_text("a")
        assert not (tmp_path / "store").exists()
    assert names(tmp_path) == ["store"]
    assert (tmp_path / "store" / "deep" / "a.txt").read_text() == "a"


def test_an_interrupted_folder_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with replacing_folder(tmp_path / "store") as temporary:
            (temporary / "a.txt").write_text("a")
            raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_of_two_that_make_one_folder_the_first_to_end_wins(tmp_path):
    with replacing_folder(tmp_path / "store") as slower:
        (slower / "a.txt").write_text("slower")
        with replacing_folder(tmp_path / "store") as quicker:
            (quicker / "a.txt").write_text("quicker")
    assert (tmp_path / "store" / "a.txt").read_text() == "quicker"
    assert names(tmp_path) == ["store"]


def test_a_file_in_the_way_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "store").write_text("a file")
    with pytest.raises(OSError):
        with replacing_folder(tmp_path / "store") as temporary:
            (temporary / "a.txt").write_text("a")
    assert names(tmp_path) == ["store"]


def test_json_comes_back_as_it_was(tmp_path):
    value = {"name": "Ödem", "dice": [0.5, None], "done": True}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    assert "Ödem" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_text_is_written_as_utf_8(tmp_path):
    write_text(tmp_path / "a.txt", "µ")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc2\xb5"


def test_the_digest_of_a_file_is_the_published_one_of_abc(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    digest = file_digest(tmp_path / "a")  # FIPS 180-2, appendix B.1.
    assert digest.startswith("ba7816bf 8f01cfea 414140de".replace(" ", ""))
    assert len(digest) == 64


def test_the_digest_of_a_value_follows_the_value_alone():
    assert value_digest({"a": 1, "b": 2}) == value_digest({"b": 2, "a": 1})
    assert value_digest({"a": 1}) != value_digest({"a": 2})
    assert value_digest([1, 2]) != value_digest([2, 1])
    assert len(value_digest("a", length=16)) == 16
