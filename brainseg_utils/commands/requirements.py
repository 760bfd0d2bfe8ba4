"""Install what is missing and nothing else: what Colab's own packages allow."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from brainseg_utils.errors import BrainSegError

FRONT_ENDS = ("jupyterlab",)


def missing_requirements(package: str = "brainseg") -> list[Requirement]:
    """Return the requirements of an installed package that are not installed.

    Front ends are left out: whoever runs a notebook has one.
    """
    wanted = [r for r in _requirements(package) if r.name not in FRONT_ENDS]
    return [r for r in wanted if _installed(r.name) is None]


def unmet_requirements(package: str = "brainseg") -> list[str]:
    """Say which installed requirements are too old (or too new), one line each."""
    return [
        f"{r.name} {_installed(r.name)} is installed, {r} is wanted"
        for r in _requirements(package)
        if _installed(r.name) is not None
        and not r.specifier.contains(_installed(r.name), prereleases=True)
    ]


def install_missing(package: str = "brainseg") -> None:
    """Install missing requirements while every installed package stays as it is.

    In a running kernel NumPy, TensorFlow and Keras are loaded already; another version
    on disk would leave a mixture of both. So all installed versions are constraints,
    and pip fails where it could only install by changing one.

    Raises:
        BrainSegError: pip failed; its own message stands above.
    """
    for line in unmet_requirements(package):
        print(f"warning: {line}")
    missing = [str(requirement) for requirement in missing_requirements(package)]
    if not missing:
        print("nothing is missing")
        return
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "installed.txt"
        constraints.write_text("\n".join(_present(package)), encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "install", "--quiet"]
        try:
            command = [*pip, "--constraint", str(constraints), *missing]
            # A list, so no shell; the names are those of our own metadata.
            subprocess.run(command, check=True)  # noqa: S603
        except subprocess.CalledProcessError:
            raise BrainSegError(
                "E-INSTALL",
                ", ".join(missing),
                "pip could not install it beside what is installed.",
                "Read pip's message above, or use a fresh virtual environment.",
            ) from None
    print(f"installed {', '.join(missing)}; everything else is as it was")


def _requirements(package: str) -> list[Requirement]:
    found = [Requirement(text) for text in metadata.requires(package) or []]
    # Extras (tests, linters) are not asked for.
    return [r for r in found if r.marker is None or r.marker.evaluate({"extra": ""})]


def _present(package: str) -> list[str]:
    """Return every installed package as `name==version`, sorted."""
    names = {canonicalize_name(d.name) for d in metadata.distributions() if d.name}
    # A system's and Colab's own folder may both hold a package. Only the version that
    # Python imports counts; naming both would leave pip nothing that it can install.
    versions = {name: _installed(name) for name in sorted(names - {package})}
    return [f"{name}=={v}" for name, v in versions.items() if _is_version(v)]


def _is_version(text: str | None) -> bool:
    try:
        Version(text or "")
    except InvalidVersion:
        return False  # As of some Debian packages: pip would refuse the whole file.
    return True


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
