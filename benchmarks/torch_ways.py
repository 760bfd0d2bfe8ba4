"""PyTorch's ways of running a training step, asked over a pipe."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from command_line import progress
from measuring import Way, WayFailed
from monai_environment import MonaiPeer

TORCH = {
    "eager": "PyTorch, eager",
    "eager_last": "PyTorch, eager, channels last",
    "compiled": "PyTorch, compiled",
    "compiled_last": "PyTorch, compiled, channels last",
}


def torch_ways(
    network: Any, python: Path, folder: Path, stack: ExitStack
) -> tuple[list[Way], dict[str, Any]]:
    """Return PyTorch's ways and its facts, after it was seen to be the same network."""
    try:
        peer = MonaiPeer(python, network.handed_over(folder), "torch_peer.py")
        stack.callback(peer.close)
        before, after = network.check_same(folder, peer.facts)
    except WayFailed as error:
        progress(f"left out: PyTorch, {network.key}: {error}")
        return [], {"failed": str(error)}
    differences = f"{before:.1e}, after some training by {after:.1e}"
    progress(f"{network.key}: PyTorch's outputs differ by {differences}, at most")
    ways = [
        Way(
            f"{network.key}_{kind}", f"{network.key}  {label}", partial(ask, peer, kind)
        )
        for kind, label in TORCH.items()
    ]
    return ways, peer.facts | {"outputs_differ_by": [before, after]}


def ask(peer: MonaiPeer, kind: str) -> float:
    """Return PyTorch's slices per second.

    Raises:
        WayFailed: PyTorch cannot run that way here.
    """
    answer = peer.ask(kind)
    if isinstance(answer, dict):
        raise WayFailed(answer["failed"])
    return answer
