"""What the figures of training steps say: shares of the peak, ratios, the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch_ways import TORCH

UNIT = "slices_per_second"


def add_shares(
    results: dict[str, dict[str, Any]], network: Any, peak_gflops: float
) -> None:
    """Add to each of a network's results its share of the machine's peak."""
    for name, result in results.items():
        if name.startswith(f"{network.key}_"):
            rate = result[UNIT] * network.gflop_per_slice
            result |= {"gflops": rate, "share_of_peak": rate / peak_gflops}


def wanted_ratios(
    results: dict[str, dict[str, Any]], networks: Sequence[Any]
) -> dict[str, tuple[str, str]]:
    """Return which quotients to tell; PyTorch counts by its fastest way."""
    wanted = {}
    for network in networks:
        us = f"{network.key}_ours"
        ways = [f"{network.key}_{kind}" for kind in TORCH]
        ways = [way for way in ways if way in results]
        if ways:
            fastest = max(ways, key=lambda way: results[way][UNIT])
            wanted[f"{network.key}_ours_over_fastest_pytorch"] = us, fastest
        for other in ("xla", "bfloat16"):
            wanted[f"{us}_{other}_over_ours"] = f"{us}_{other}", us
    return wanted


def table(results: dict[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return the rows of the table, header first."""
    rows = [("", "slices/s, median", "best", "GFLOP/s", "share of peak")]
    for one in results.values():
        figures = f"{one[UNIT]:,.1f}", f"{one['best']:,.1f}", f"{one['gflops']:,.0f}"
        rows.append((one["label"], *figures, f"{one['share_of_peak']:.0%}"))
    return rows
