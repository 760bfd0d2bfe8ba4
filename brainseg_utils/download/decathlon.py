"""The brain tumours of the Medical Segmentation Decathlon: all, or the first few."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from brainseg_utils.download.archives import Member, read_member, safe_members
from brainseg_utils.download.data_sets import DATA_SETS, Report, silent
from brainseg_utils.download.disk_errors import check_space, explained
from brainseg_utils.download.gzip_checks import checked_gzip
from brainseg_utils.download.http_answers import same_file
from brainseg_utils.download.landing import Landing
from brainseg_utils.download.progress import Progress
from brainseg_utils.download.remote import RemoteFile
from brainseg_utils.download.selection import INDEX, Selection
from brainseg_utils.errors import BrainSegError

MSD_URL = DATA_SETS["msd"].source
MSD_MD5 = "240a19d752f0d9e9101544901065d872"
TASK = "Task01_BrainTumour"
TRAINING_PATIENTS = 484
FILES = r"(?P<folder>imagesTr|labelsTr|imagesTs)/(?P<case>BRATS_[0-9]{3})\.nii\.gz"
OWN = re.compile(rf"{FILES}|dataset\.json")
WANTED = re.compile(rf"(?:\./)?{TASK}/(?:{FILES}|dataset\.json)")


def download_msd(
    folder: str | Path,
    patients: int = 0,
    url: str = MSD_URL,
    progress: Report | None = print,
    md5: str | None = MSD_MD5,
) -> Path:
    """Fetch the Decathlon's brain tumours into `folder`, whole or the first patients.

    The archive is read as it lies on the server: the first patients cost little more
    than their own bytes. They are the first in the archive's order, which is not that
    of their names, and the same in each call. Each image is checked by its gzip
    checksum before it gets its name. A call that was cut off is continued by the next
    one, which fetches nothing twice; once all is there, no network is needed.

    `dataset.json` is kept as published: after a part its lists name files that are not
    there.

    Args:
        folder: Where `Task01_BrainTumour` is made, with `imagesTr`, `labelsTr`,
            `dataset.json`, for the whole also `imagesTs`, and a record of the files.
        patients: How many training patients, 1 to 484; 0 for everything.
        url: Where the archive lies.
        progress: Called with lines of text, the licence and citation before anything
            is asked of the network; None for silence.
        md5: Of the archive, compared when everything is fetched; None not to compare.

    Returns:
        Path: `<folder>/Task01_BrainTumour`.

    Raises:
        BrainSegError: `E-PARAM` for an argument; `E-DOWNLOAD` when the source fails,
            has changed, or is not what it should be: files from a whole archive with
            another MD5 are moved to `Task01_BrainTumour.unverified`; `E-ARCHIVE` when
            the archive is unsafe or incomplete; `E-EXISTS` when a file of the user's
            is in the way; `E-BUSY`, `E-DISK` or `E-DISK-RO` when `folder` cannot be
            filled.
    """
    _check_arguments(folder, patients)
    report = progress or silent
    report(DATA_SETS["msd"].terms())
    landing = Landing(Path(os.path.expanduser(folder)) / TASK, OWN)
    with landing.alone():
        if _is_there(landing, patients):
            report(f"all there already: {landing.folder}")
        else:
            _fetch(landing, Selection(patients), url, md5, report)
    return landing.folder


def _check_arguments(folder: str | Path, patients: int) -> None:
    if not isinstance(folder, str | os.PathLike) or "\0" in str(folder):
        what, remedy = f"wanted a path, got {folder!r}.", "Name a folder."
        raise BrainSegError("E-PARAM", "folder", what, remedy)
    is_count = isinstance(patients, int) and not isinstance(patients, bool)
    if not is_count or not 0 <= patients <= TRAINING_PATIENTS:
        raise BrainSegError(
            "E-PARAM",
            "patients",
            f"wanted a whole number from 0 to {TRAINING_PATIENTS}, got {patients!r}.",
            "Correct it; 0 stands for everything.",
        )


def _is_there(landing: Landing, patients: int) -> bool:
    """Whether an earlier call has brought all that this one wants, unchanged."""
    if landing.whole and not patients:
        return all([landing.has(name) for name in landing.files])
    cases = landing.patients[:patients]
    if not patients or len(cases) < patients:
        return False
    names = [_name(f, case) for case in cases for f in ("imagesTr", "labelsTr")]
    return all([landing.has(name) for name in [INDEX, *names]])


def _fetch(
    landing: Landing,
    selection: Selection,
    url: str,
    md5: str | None,
    report: Report,
) -> None:
    is_compared = bool(md5) and not selection.patients
    digest = hashlib.md5(usedforsecurity=False) if is_compared else None
    with RemoteFile(url, digest) as remote:
        _begin(landing, remote, url, selection)
        progress = Progress(report, remote, selection)
        for member in safe_members(remote, url, WANTED, remote.size):
            progress.tick("looking for more")
            folder, case = member.groups["folder"], member.groups["case"]
            if selection.wants(folder, case):
                _take(landing, remote, member, _name(folder, case), progress, url)
                selection.note(folder, case)
            if selection.is_done():
                break
        _check_found(selection, url)
        if is_compared:
            _compare(landing, remote.hexdigest(), md5, url)
        landing.whole = landing.whole or not selection.patients
        landing.patients = max(list(selection.found), landing.patients, key=len)
        landing.save()
        progress.tell(f"done, {landing.folder}")


def _begin(
    landing: Landing, remote: RemoteFile, url: str, selection: Selection
) -> None:
    """Tie the folder to the archive; refuse another one, or too small a disk."""
    if landing.source is None:
        landing.source = {"url": url, **remote.identity}
    if not same_file(landing.source, remote.identity):
        raise BrainSegError(
            "E-DOWNLOAD",
            landing.folder,
            f"holds files from another archive: wanted {landing.source}, "
            f"got {remote.identity}.",
            "Choose another folder.",
        )
    if remote.size is not None and not selection.patients:
        there = sum(one["bytes"] for one in landing.files.values())
        check_space(landing.folder, remote.size - there)


def _name(folder: str | None, case: str | None) -> str:
    return INDEX if case is None else f"{folder}/{case}.nii.gz"


def _take(
    landing: Landing,
    remote: RemoteFile,
    member: Member,
    name: str,
    progress: Progress,
    url: str,
) -> None:
    """Fetch one file, unless it is there already."""
    if landing.has(name):
        with explained(landing.folder / name):
            remote.stand_in(landing.folder / name, member.offset)
        return
    chunks = read_member(remote, member, url)
    if name != INDEX:
        chunks = checked_gzip(chunks, f"{url} {name}")
    landing.write(name, member.size, _told(chunks, name, progress))


def _told(chunks: Iterator[bytes], name: str, progress: Progress) -> Iterator[bytes]:
    for chunk in chunks:
        progress.tick(name)
        yield chunk


def _check_found(selection: Selection, url: str) -> None:
    missing = selection.missing()
    if missing:
        raise BrainSegError(
            "E-ARCHIVE",
            url,
            f"does not hold {', '.join(missing[:5])}; {len(missing)} missing in all.",
            "Ask for fewer patients, or get the archive from its publisher.",
        )


def _compare(landing: Landing, found: str, md5: str, url: str) -> None:
    if found != md5:
        aside = landing.set_aside()
        raise BrainSegError(
            "E-DOWNLOAD",
            url,
            f"has the MD5 {found}, but {md5} is the published archive's. Its files "
            f"were moved to {aside}.",
            "Do not use them before you know why; call again, or use another source.",
        )
