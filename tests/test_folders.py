import os
import stat

import pytest
from refusals import assert_explained, refused

from brainseg_utils.layouts import folders
from brainseg_utils.layouts.folders import list_tree


def make(folder, *files):
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def only(problems):
    assert len(problems) == 1, problems
    return problems[0]


def test_files_are_listed_by_their_relative_paths(tmp_path):
    make(tmp_path, "b.nii", "a/z.nii", "a/b/c.nii")
    tree = list_tree(tmp_path)
    assert tree == (tmp_path, ("a/b/c.nii", "a/z.nii", "b.nii"), ())


def test_an_empty_folder_has_no_files(tmp_path):
    assert list_tree(tmp_path).files == ()


def test_hidden_and_system_files_are_passed_over(tmp_path):
    make(tmp_path, "._a.nii", ".DS_Store", "desktop.ini", "Thumbs.db", "a/.b/c.nii")
    make(tmp_path, "__MACOSX/a.nii", "@eaDir/a.nii", ".hidden/b.nii")
    make(tmp_path, "a.b.nii", "thumbs.nii")
    assert list_tree(tmp_path).files == ("a.b.nii", "thumbs.nii")


@pytest.mark.parametrize(
    "name",
    ["ü é 脑", "a b", "{x}", "100%", 'it\'s "so"', "two\nlines", "a" * 240, "[a]*?"],
)
def test_odd_names_are_names(tmp_path, name):
    make(tmp_path, f"{name}/{name}")
    tree = list_tree(tmp_path)
    assert tree.files == (f"{name}/{name}",) and tree.problems == ()
    assert (tmp_path / tree.files[0]).is_file()


def test_a_name_that_is_no_text_is_told_in_printable_form(tmp_path):
    odd = os.fsencode(tmp_path) + b"/P\xff.nii"
    with open(odd, "wb"):
        pass
    make(tmp_path, "a.nii")
    tree = list_tree(tmp_path)
    assert tree.files == ("a.nii",)
    assert_explained(only(tree.problems), "E-NAME", f"{tmp_path}/P\\xff.nii")
    assert str(tree.problems[0]).encode()


def test_links_to_folders_and_files_are_followed(tmp_path):
    elsewhere = make(tmp_path / "elsewhere", "a.nii", "b/c.nii")
    folder = make(tmp_path / "data", "d.nii")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "file.nii").symlink_to(elsewhere / "a.nii")
    tree = list_tree(folder)
    assert tree.problems == ()
    assert tree.files == ("d.nii", "file.nii", "linked/a.nii", "linked/b/c.nii")


def test_a_folder_may_be_linked_twice(tmp_path):
    elsewhere = make(tmp_path / "elsewhere", "a.nii")
    folder = tmp_path / "data"
    folder.mkdir()
    for name in "xy":
        (folder / name).symlink_to(elsewhere)
    tree = list_tree(folder)
    assert tree.files == ("x/a.nii", "y/a.nii") and tree.problems == ()


def test_a_dangling_link_is_named_and_the_rest_goes_on(tmp_path):
    make(tmp_path, "a.nii")
    (tmp_path / "gone.nii").symlink_to(tmp_path / "absent")
    tree = list_tree(tmp_path)
    assert tree.files == ("a.nii",)
    assert_explained(only(tree.problems), "E-READ", tmp_path / "gone.nii")
    assert str(tmp_path / "absent") in tree.problems[0].remedy


def test_a_link_to_itself_is_named(tmp_path):
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert_explained(only(list_tree(tmp_path).problems), "E-READ", tmp_path / "self")


@pytest.mark.parametrize("target", [".", "..", "../.."])
def test_a_link_to_a_folder_above_is_named_and_not_followed(tmp_path, target):
    folder = make(tmp_path / "data", "P0/a.nii", "P1/b.nii")
    (folder / "P0" / "loop").symlink_to(target)
    tree = list_tree(folder.parent)
    assert tree.files == ("data/P0/a.nii", "data/P1/b.nii")
    assert_explained(only(tree.problems), "E-READ", folder / "P0" / "loop")
    assert "never ends" in tree.problems[0].what


def test_two_folders_that_link_to_each_other_end(tmp_path):
    make(tmp_path, "a/a.nii", "b/b.nii")
    (tmp_path / "a" / "to_b").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "to_a").symlink_to(tmp_path / "a")
    tree = list_tree(tmp_path)
    assert {"a/a.nii", "b/b.nii"} <= set(tree.files)
    assert {problem.code for problem in tree.problems} == {"E-READ"}
    assert len(tree.problems) == 2


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(13, "Permission denied"), "chmod -R u+rX"),
        (OSError(5, "Input/output error"), "Check the disk"),
    ],
)
def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch, error, told):
    make(tmp_path, "open/a.nii", "it's shut/b.nii")
    scandir = os.scandir

    def refusing(path):
        if "shut" in os.fspath(path):
            raise error
        return scandir(path)

    monkeypatch.setattr(folders.os, "scandir", refusing)
    tree = list_tree(tmp_path)
    assert tree.files == ("open/a.nii",)
    assert_explained(only(tree.problems), "E-READ", tmp_path / "it's shut")
    assert error.strerror in tree.problems[0].what
    assert told in tree.problems[0].remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_named(tmp_path):
    shut = make(tmp_path, "shut/a.nii") / "shut"
    shut.chmod(0)
    try:
        problem = only(list_tree(tmp_path).problems)
    finally:
        shut.chmod(stat.S_IRWXU)
    assert_explained(problem, "E-READ", shut)
    assert "chmod" in problem.remedy


def test_what_is_no_regular_file_is_passed_over(tmp_path):
    # To open a pipe would wait for ever.
    os.mkfifo(tmp_path / "P0_t1.nii")
    tree = list_tree(tmp_path)
    assert tree.files == () and tree.problems == ()


def test_a_whole_disk_is_refused(tmp_path, monkeypatch):
    make(tmp_path, *(f"{number}.nii" for number in range(6)))
    monkeypatch.setattr(folders, "MAX_ENTRIES", 6)
    assert len(list_tree(tmp_path).files) == 6
    monkeypatch.setattr(folders, "MAX_ENTRIES", 5)
    with refused("E-ROOT", tmp_path):
        list_tree(tmp_path)
