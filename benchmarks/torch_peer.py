"""A training step in PyTorch, in an environment of its own; see `MonaiPeer`.

Each line of stdin is JSON: first the settings of `Steps`, answered with facts; then
kinds of running, such as `"compiled_last"`, each answered with slices per second, or
with `{"failed": why}`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import metadata

import numpy as np
import torch
from serving import open_pipe
from torch import nn
from torch_networks import NETWORKS, dice_loss, parameters, take_over


def main() -> None:
    """Answer line after line until stdin ends."""
    questions, reply = open_pipe()
    steps = Steps(**next(questions))
    reply(steps.facts)
    for question in questions:
        try:
            reply(steps.measure(question))
        except Exception as error:
            reply({"failed": explain(error)})


def explain(error: Exception) -> str:
    if "C++ compiler" in str(error):
        return "torch.compile needs a C++ compiler, such as g++ (apt-get install g++)"
    return f"{type(error).__name__}: {error}".split("\n")[0]


class Steps:
    """A network in training on one batch, run in several ways."""

    def __init__(
        self,
        weights: str,
        batch: str,
        output: str,
        model: str,
        filters: int,
        learning_rate: float,
        steps: int,
        seconds: float,
        threads: int,
    ):
        torch.set_num_threads(threads)
        self.arrays = dict(np.load(weights))
        self.model, self.filters, self.seconds = model, filters, seconds
        self.learning_rate = learning_rate
        with np.load(batch) as arrays:
            images, masks = arrays["images"], arrays["masks"]
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
        self.masks = torch.from_numpy(masks).permute(0, 3, 1, 2).float().contiguous()
        self.steps: dict[str, Callable[[], float]] = {}
        np.save(output, [self.outputs_after(0), self.outputs_after(steps)])
        self.facts = {
            "torch": metadata.version("torch"),
            "parameters": parameters(self.network()),
        }

    def outputs_after(self, steps: int) -> np.ndarray:
        network = self.network()
        step = self.make_step("eager", network)
        for _ in range(steps):
            step()
        with torch.no_grad():
            return network.eval()(self.images).permute(0, 2, 3, 1).numpy()

    def network(self) -> nn.Module:
        network = NETWORKS[self.model](self.filters)
        take_over(network, self.arrays)
        return network

    def measure(self, kind: str) -> float:
        """Return slices per second."""
        if kind not in self.steps:
            step = self.make_step(kind, self.network())
            for _ in range(2):  # The first one compiles.
                step()
            self.steps[kind] = step
        step, steps, elapsed = self.steps[kind], 0, 0.0
        start = time.perf_counter()
        while elapsed < self.seconds:
            step()
            steps, elapsed = steps + 1, time.perf_counter() - start
        return steps * len(self.images) / elapsed

    def make_step(self, kind: str, network: nn.Module) -> Callable[[], float]:
        images, masks, rate = self.images, self.masks, self.learning_rate
        if kind.endswith("_last"):
            network = network.to(memory_format=torch.channels_last)
            images = images.contiguous(memory_format=torch.channels_last)
        forward = torch.compile(network) if kind.startswith("compiled") else network
        # Keras's epsilon; fused is PyTorch's fastest Adam.
        optimizer = torch.optim.Adam(network.parameters(), rate, eps=1e-7, fused=True)

        def step() -> float:
            optimizer.zero_grad()
            loss = dice_loss(masks, forward(images))
            loss.backward()
            optimizer.step()
            return loss.item()

        return step


if __name__ == "__main__":
    main()
