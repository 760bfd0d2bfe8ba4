"""Our two networks in PyTorch, layer by layer, to measure ours against."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


class CNN1(nn.Module):
    """The layers of `models.build_cnn1`, by the same names."""

    def __init__(self, filters: int, levels: int = 3):
        super().__init__()
        self.levels, wide = levels, 4
        for level in range(1, levels + 1):
            add_conv(self, f"encoder{level}_conv", wide, filters * 2 ** (level - 1))
            wide = filters * 2 ** (level - 1)
        add_conv(self, "bottleneck_conv", wide, filters * 2**levels)
        add_ups(self, filters, levels)
        self.tumour = nn.Conv2d(filters, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for level in range(1, self.levels + 1):
            x = nn.functional.max_pool2d(conv(self, f"encoder{level}_conv", x), 2)
        x = conv(self, "bottleneck_conv", x)
        for level in range(self.levels, 0, -1):
            x = torch.relu(getattr(self, f"decoder{level}_up")(x))
        return torch.sigmoid(self.tumour(x))


class CNN2(nn.Module):
    """The layers of `models.build_cnn2`, by the same names."""

    def __init__(self, filters: int, levels: int = 4):
        super().__init__()
        self.levels, wide = levels, 4
        for level in range(1, levels + 1):
            add_block(self, f"encoder{level}", wide, filters * 2 ** (level - 1))
            wide = filters * 2 ** (level - 1)
        add_block(self, "bottleneck", wide, filters * 2**levels)
        add_ups(self, filters, levels)
        for level in range(levels, 0, -1):
            width = filters * 2 ** (level - 1)
            add_block(self, f"decoder{level}", 2 * width, width)
        self.tumour = nn.Conv2d(filters, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for level in range(1, self.levels + 1):
            x = block(self, f"encoder{level}", x)
            skips.append(x)
            x = nn.functional.max_pool2d(x, 2)
        x = block(self, "bottleneck", x)
        for level in range(self.levels, 0, -1):
            x = torch.relu(getattr(self, f"decoder{level}_up")(x))
            x = block(self, f"decoder{level}", torch.cat([x, skips[level - 1]], 1))
        return torch.sigmoid(self.tumour(x))


def add_block(network: nn.Module, name: str, wide: int, width: int) -> None:
    add_conv(network, f"{name}_conv1", wide, width)
    add_conv(network, f"{name}_conv2", width, width)


def add_conv(network: nn.Module, name: str, wide: int, width: int) -> None:
    network.add_module(name, nn.Conv2d(wide, width, 3, padding=1, bias=False))
    network.add_module(f"{name}_norm", nn.BatchNorm2d(width, eps=1e-3, momentum=0.1))


def add_ups(network: nn.Module, filters: int, levels: int) -> None:
    for level in range(levels, 0, -1):
        width = filters * 2 ** (level - 1)
        up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        network.add_module(f"decoder{level}_up", up)


def block(network: nn.Module, name: str, x: torch.Tensor) -> torch.Tensor:
    return conv(network, f"{name}_conv2", conv(network, f"{name}_conv1", x))


def conv(network: nn.Module, name: str, x: torch.Tensor) -> torch.Tensor:
    return torch.relu(getattr(network, f"{name}_norm")(getattr(network, name)(x)))


def dice_loss(true: torch.Tensor, pred: torch.Tensor) -> torch.Tensor:
    """Return one minus the soft Dice of the whole batch; `losses.dice_loss`."""
    overlap, total = (true * pred).sum(), true.sum() + pred.sum()
    return 1 - (2 * overlap + 1) / (total + 1)


def parameters(network: nn.Module) -> int:
    """Return how many numbers a network has, running averages among them."""
    return sum(array.numel() for array in state_of(network).values())


def state_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return the weights by name, without PyTorch's count of batches."""
    state = network.state_dict()
    return {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}


NETWORKS = {"cnn1": CNN1, "cnn2": CNN2}
NAMES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def take_over(network: nn.Module, arrays: dict[str, np.ndarray]) -> None:
    """Load Keras's weights, named `layer|weight`."""
    state = state_of(network)
    for path, array in arrays.items():
        layer, name = path.split("|")
        # A kernel is [height, width, in, out] in Keras, and [height, width, out, in]
        # if transposed; in PyTorch [out, in, ...], and [in, out, ...].
        array = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
        state[f"{layer}.{NAMES[name]}"].copy_(torch.from_numpy(array.copy()))
