"""What a result depends on besides the code: versions, cores, memory."""

from __future__ import annotations

import os
import platform
from importlib import metadata

import psutil

PACKAGES = (
    "tensorflow",
    "keras",
    "numpy",
    "nibabel",
    "nilearn",
    "opencv-python-headless",
    "scikit-image",
)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def describe_machine() -> str:
    """Return processor, cores and memory in one line."""
    gigabytes = psutil.virtual_memory().total / 2**30
    return f"{_processor()}, {os.cpu_count()} cores, {gigabytes:.0f} GiB"


def peak_memory_mb() -> float:
    """Return the most memory this process has held so far, in megabytes (10^6)."""
    info = psutil.Process().memory_info()
    if hasattr(info, "peak_wset"):  # Windows keeps the peak itself.
        return info.peak_wset / 1e6
    import resource

    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1] for line in file if "model name" in line]
            return names[0].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()
