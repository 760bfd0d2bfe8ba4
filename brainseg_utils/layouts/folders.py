"""List the files below a folder, whatever links and leftovers it holds."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import NamedTuple

from brainseg_utils.errors import BrainSegError

MAX_ENTRIES = 1_000_000  # Beyond it somebody named a whole disk, or links multiply.

# Leftovers of operating systems; names that begin with a dot are passed over as well.
SYSTEM_NAMES = {"desktop.ini", "thumbs.db", "__macosx", "$recycle.bin", "@eadir"}


class Tree(NamedTuple):
    """The files below a folder.

    Attributes:
        root: The folder.
        files: Path of each regular file relative to `root`, `/` between names, sorted.
        problems: One for each link, folder or name that could not be used.
    """

    root: Path
    files: tuple[str, ...]
    problems: tuple[BrainSegError, ...]


class _Folder(NamedTuple):
    relative: str  # Empty for the root, else ends with "/".
    above: tuple[tuple[int, int], ...]  # Device and inode of it and its ancestors.


def list_tree(root: str | Path) -> Tree:
    """List all files below `root`, following links to files and folders.

    Hidden and system files are passed over. A dangling link, a link to a folder that
    it lies in itself, and what cannot be read become problems; the rest goes on.

    Raises:
        BrainSegError: `E-ROOT` when more than `MAX_ENTRIES` names lie below `root`.
    """
    root = Path(root)
    files: list[str] = []
    problems: list[BrainSegError] = []
    pending = [_Folder("", ())]
    seen = 0
    while pending:
        folder = pending.pop()
        try:
            entries, above = _open_folder(root, folder)
        except OSError as error:
            problems.append(unreadable(root / folder.relative, error))
            continue
        seen += len(entries)
        _check_size(root, seen)
        for entry in entries:
            relative = folder.relative + entry.name
            try:
                mode = _follow(entry, above)
            except OSError as error:
                problems.append(unreadable(root / relative, error))
            except BrainSegError as error:
                problems.append(error)
            else:
                if stat.S_ISDIR(mode):
                    pending.append(_Folder(f"{relative}/", above))
                elif stat.S_ISREG(mode):
                    files.append(relative)
    problems.sort(key=lambda problem: problem.path)
    return Tree(root, tuple(sorted(files)), tuple(problems))


def unreadable(path: Path, error: OSError) -> BrainSegError:
    """Explain why the system refuses a file or folder."""
    reason = error.strerror or type(error).__name__
    remedy = "Check the disk or the connection to it, and try again."
    if isinstance(error, PermissionError):
        command = f"chmod -R u+rX {shlex.quote(str(path))}"
        remedy = f"Ask its owner for the right to read it, or as the owner: {command}"
    elif os.path.islink(path):
        remedy = f"Mend or remove the link; it points to {os.readlink(path)!r}."
    return BrainSegError("E-READ", path, f"cannot be read: {reason}.", remedy)


def _open_folder(
    root: Path, folder: _Folder
) -> tuple[list[os.DirEntry], tuple[tuple[int, int], ...]]:
    path = os.path.join(root, folder.relative)
    found = os.stat(path)
    with os.scandir(path) as scan:
        entries = [entry for entry in scan if not passed_over(entry.name)]
    return entries, (*folder.above, (found.st_dev, found.st_ino))


def passed_over(name: str) -> bool:
    """Return whether a name is a hidden or a system file's."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def _follow(entry: os.DirEntry, above: tuple[tuple[int, int], ...]) -> int:
    """Return the file mode of what an entry is or leads to."""
    _check_name(entry)
    if not entry.is_symlink():
        # The listing says so without another look at the disk.
        if entry.is_dir():
            return stat.S_IFDIR
        return stat.S_IFREG if entry.is_file() else 0
    found = os.stat(entry.path)
    if (found.st_dev, found.st_ino) in above:
        raise BrainSegError(
            "E-READ",
            entry.path,
            f"is a link to {os.readlink(entry.path)!r}, a folder that it lies in "
            "itself, so that following it never ends.",
            "Remove the link; what it points to is read anyway.",
        )
    return found.st_mode


def _check_name(entry: os.DirEntry) -> None:
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        # Such a name could be neither printed nor written to a report.
        shown = os.fsencode(entry.path).decode("utf-8", "backslashreplace")
        raise BrainSegError(
            "E-NAME", shown, "its name is no UTF-8 text.", "Rename it."
        ) from None


def _check_size(root: Path, seen: int) -> None:
    if seen > MAX_ENTRIES:
        raise BrainSegError(
            "E-ROOT",
            root,
            f"holds more than {MAX_ENTRIES:,} files.",
            "Name the folder of the patients itself.",
        )
