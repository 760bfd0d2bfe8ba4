"""How the learning rate goes over a training, as a share of its highest value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brainseg_utils.config import TrainingConfig

WARM_UP = 0.05  # Share of a training in which the rate rises; one-cycle takes 0.3.


def constant(progress: float) -> float:
    """Return 1 throughout."""
    return 1.0


def polynomial(progress: float) -> float:
    """Return `(1 - progress) ** 0.9`, nnU-Net's (Isensee et al. 2021)."""
    return max(0.0, 1 - progress) ** 0.9


def warmup_cosine(progress: float, warm_up: float = WARM_UP) -> float:
    """Rise in a line during the warm-up, then fall to 0 along half a cosine.

    The fall is Loshchilov and Hutter's (arXiv:1608.03983), without restarts.
    """
    if progress < warm_up:
        return 0.001 + 0.999 * progress / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (progress - warm_up) / (1 - warm_up))


def one_cycle(progress: float) -> float:
    """Rise from 1/25 along half a cosine for 30 %, then fall to 1/10,000 of that.

    Smith and Topin (arXiv:1708.07120), in the cosine form and with the numbers that
    fast.ai made usual; Adam's momentum stays as it is.
    """
    if progress < 0.3:
        return _between(1 / 25, 1.0, progress / 0.3)
    return _between(1.0, 1 / 250_000, (progress - 0.3) / 0.7)


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "one-cycle": one_cycle,
    "warmup-cosine": warmup_cosine,
    "polynomial": polynomial,
}


def learning_rate_at(config: TrainingConfig, progress: float) -> float:
    """Return a training's learning rate at a share of its steps, in [0, 1].

    Of two phases, the second has its own rate from its first step on.
    """
    switch = config.switch_epoch
    if switch is not None and progress * config.epochs >= switch:
        return config.fine_learning_rate
    return config.learning_rate * SCHEDULES[config.schedule](progress)
