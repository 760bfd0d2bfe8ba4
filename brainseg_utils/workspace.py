"""Where things lie, and which profile (size of run) is wanted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from brainseg_utils.errors import BrainSegError


@dataclass(frozen=True)
class Workspace:
    """The folders a notebook reads and writes.

    Attributes:
        root: The checkout, or the current folder where there is none (Colab).
        profile: Size of run: `"quick"`, `"paper"`, any name of your own, or `"smoke"`.
    """

    root: Path
    profile: str

    @property
    def data(self) -> Path:
        """Folder of phantom patients, prepared slices and downloads."""
        return self.root / "data"

    @property
    def notebooks(self) -> Path:
        """Folder of the numbered notebooks: the root's, else the package's own."""
        package = Path(__file__).parent
        # Installed they lie inside the package, in a checkout beside it.
        folders = [home / "notebooks" for home in (self.root, package, package.parent)]
        return next((folder for folder in folders if folder.is_dir()), folders[1])

    @property
    def runs(self) -> Path:
        """Folder of this profile's results."""
        return self.root / "runs" / self.profile

    def run_folder(self, name: str) -> Path:
        """Return the folder of one training's run."""
        return self.runs / "runs" / name


def smoke_wanted() -> bool:
    """Tell whether `BRAINSEG_PROFILE=smoke` asks for a run of seconds, for tests.

    Raises:
        BrainSegError: The variable holds anything else; other profiles are parameters.
    """
    wanted = os.environ.get("BRAINSEG_PROFILE", "")
    if wanted not in ("", "smoke"):
        raise BrainSegError(
            "E-PROFILE",
            "BRAINSEG_PROFILE",
            f"wanted 'smoke' or nothing, got {wanted!r}.",
            "For another profile use `make run PROFILE=...`.",
        )
    return wanted == "smoke"


def open_workspace(profile: str = "quick") -> Workspace:
    """Find the folders to use; the environment's smoke profile goes before `profile`.

    The root is `BRAINSEG_HOME` where that is set, else the checkout that holds the
    current folder, else the current folder.
    """
    if not profile.replace("-", "").replace("_", "").isalnum():
        raise BrainSegError(
            "E-PROFILE",
            "profile",
            f"wanted a name of letters, digits, - and _, got {profile!r}.",
            "It becomes the name of a folder under runs/.",
        )
    home = os.environ.get("BRAINSEG_HOME")
    here = Path.cwd()
    checkouts = [
        folder
        for folder in (here, *here.parents)
        if (folder / "brainseg_utils").is_dir() and (folder / "notebooks").is_dir()
    ]
    root = Path(home) if home else next(iter(checkouts), here)
    return Workspace(root.resolve(), "smoke" if smoke_wanted() else profile)
