"""Which patients of an archive to take, and what of them was found."""

from __future__ import annotations

INDEX = "dataset.json"


class Selection:
    """What to take: everything, or the first training patients and the index.

    Args:
        patients: How many training patients; 0 for everything.

    Attributes:
        found: Folders in which each training patient was met, by name.
    """

    def __init__(self, patients: int):
        self.patients, self.has_index = patients, False
        self.found: dict[str, set[str]] = {}

    def wants(self, folder: str | None, case: str | None) -> bool:
        """Tell whether to take a patient's file; the index has no patient."""
        if not self.patients or case is None:
            return True
        is_chosen = case in self.found or len(self.found) < self.patients
        return folder != "imagesTs" and is_chosen

    def note(self, folder: str | None, case: str | None) -> None:
        """Remember that a file was taken."""
        if case is None:
            self.has_index = True
        elif folder != "imagesTs":
            self.found.setdefault(case, set()).add(folder)

    def missing(self) -> list[str]:
        """Name what was wanted and not met."""
        halves = [case for case, folders in self.found.items() if len(folders) < 2]
        missing = [f"image or mask of {case}" for case in halves]
        if len(self.found) < max(1, self.patients):
            missing.append(f"more than {len(self.found)} training patients")
        return missing + ([] if self.has_index else [INDEX])

    def is_done(self) -> bool:
        """Tell whether the rest of the archive need not be read."""
        return bool(self.patients) and not self.missing()

    def __str__(self) -> str:
        wanted = f" of {self.patients}" if self.patients else ""
        return f"patients {len(self.found)}{wanted}"
