"""MONAI's DynUNet by nnU-Net's recipe against the clock; see `learners.learn`.

Isensee et al. 2021 (doi 10.1038/s41592-020-01008-z) and MIC-DKFZ/nnUNet's trainer:
Dice over the batch plus cross-entropy, SGD with Nesterov momentum 0.99, weight decay
3e-5 and a rate of 0.01 that falls polynomially, gradients clipped at 12, deep
supervision, a third of the slices with tumour, instance norm and leaky ReLU, mirrored
predictions. Filters are CNN2's.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from learning import BATCH, Session, session_of_command_line
from monai.losses import DeepSupervisionLoss, DiceCELoss
from monai.networks.nets import DynUNet

from brainseg_utils.config import TrainingConfig
from brainseg_utils.fitting.sampling import draw_batches

FILTERS = (16, 32, 64, 128, 256)
RATE, STEPS_AHEAD = 0.01, 4
EPOCH = 50  # Steps; an order of slices is drawn for so many.


def main() -> None:
    """Train until the time is over."""
    session = session_of_command_line()
    torch.manual_seed(session.task["seed"])
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    network = make_network(session.store.images.shape[-1])
    steps = train(network, session)
    parameters = sum(p.numel() for p in network.parameters())
    session.finish(
        lambda case_id: predict(network, session, case_id), steps, parameters=parameters
    )


def make_network(channels: int) -> torch.nn.Module:
    """Return a network as nnU-Net plans it, with as many filters as CNN2."""
    levels = len(FILTERS)
    network = DynUNet(
        spatial_dims=2,
        in_channels=channels,
        out_channels=1,
        kernel_size=[3] * levels,
        strides=[1] + [2] * (levels - 1),
        upsample_kernel_size=[2] * (levels - 1),
        filters=FILTERS,
        norm_name=("INSTANCE", {"affine": True}),
        deep_supervision=True,
        deep_supr_num=2,
    )
    # Channels last are what convolutions on a CPU are quickest with.
    return network.to(memory_format=torch.channels_last)


def train(network: torch.nn.Module, session: Session) -> int:
    """Take as many steps as the time allows; return their number."""
    optimizer = torch.optim.SGD(
        network.parameters(), RATE, momentum=0.99, weight_decay=3e-5, nesterov=True
    )
    one = DiceCELoss(sigmoid=True, batch=True)
    loss_of = DeepSupervisionLoss(one, weights=[4 / 7, 2 / 7, 1 / 7])
    network.train()
    for steps, (images, masks) in enumerate(feed(session)):  # noqa: B007
        progress = session.progress
        if progress >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - progress) ** 0.9
        optimizer.zero_grad()
        # In training the heads come stacked, enlarged to the size of the first.
        loss = loss_of(list(torch.unbind(network(images), dim=1)), masks)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 12)
        optimizer.step()
        session.watch_point(lambda case_id: predict(network, session, case_id))
    return steps


def feed(session: Session):
    """Yield batch after batch, the next ones made by threads meanwhile."""
    task = session.task
    # A third is drawn from slices with tumour, the rest from all.
    natural = np.isin(session.rows, session.store.tumour_rows()).mean()
    config = TrainingConfig(
        "cnn2",
        augmentation=task["augmentation"],
        rotation_degrees=180.0 if task["augmentation"] == "rich" else 15.0,
        tumour_share=1 / 3 + 2 / 3 * natural,
        seed=task["seed"],
    )
    batches = draw_batches(config, session.store, session.rows, BATCH, EPOCH * BATCH)
    with ThreadPoolExecutor(2) as pool:
        numbers = iter(range(10**9))

        def submit():
            return pool.submit(batches.batch, *divmod(next(numbers), batches.steps))

        coming = [submit() for _ in range(STEPS_AHEAD)]
        while True:
            images, masks = coming.pop(0).result()
            coming.append(submit())
            yield to_torch(images), to_torch(masks.astype(np.float32))


def to_torch(array: np.ndarray) -> torch.Tensor:
    """Turn `[batch, height, width, channel]` into PyTorch's order."""
    return torch.from_numpy(array).permute(0, 3, 1, 2)


@torch.no_grad()
def predict(network: torch.nn.Module, session: Session, case_id: str) -> np.ndarray:
    """Return probabilities `[slice, height, width]`, the mean over mirrored slices."""
    record = session.store.case(case_id)
    images = to_torch(session.store.images[record["start"] : record["stop"]])
    network.eval()
    total = 0
    for axes in ((), (2,), (3,), (2, 3)):
        mirrored = torch.flip(images, axes)
        parts = [torch.sigmoid(network(part)) for part in mirrored.split(BATCH)]
        total = total + torch.flip(torch.cat(parts), axes)
    network.train()
    return (total / 4)[:, 0].numpy()


if __name__ == "__main__":
    main()
