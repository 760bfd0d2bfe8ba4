"""Feed slices from a store to Keras as shuffled, augmented `tf.data` batches."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from brainseg_utils.store import SliceStore


@dataclass(frozen=True)
class Augmentation:
    """The paper's augmentation: rotated and flipped copies of image and mask.

    Attributes:
        rotation_degrees: Largest free rotation to either side, about the middle.
        flip: Whether to mirror left-right and up-down, each with probability 1/2.
        quarter_turns: Whether to turn by 0, 90, 180 or 270 degrees beforehand.
    """

    rotation_degrees: float = 15.0
    flip: bool = True
    quarter_turns: bool = False


def make_dataset(
    store: SliceStore,
    rows: np.ndarray,
    batch_size: int = 16,
    augmentation: Augmentation | None = None,
    shuffle: bool = False,
    seed: int = 0,
    epochs: int = 1,
    first_epoch: int = 0,
    slices_per_epoch: int = 0,
) -> tf.data.Dataset:
    """Make batches of images and masks from some rows of a store.

    Order and augmentation are functions of (seed, epoch, step) alone, so that a run
    that is taken up at `first_epoch` sees what the uninterrupted one would have seen.

    Args:
        store: Where the slices lie; each batch is read from disk as it is needed.
        rows: Row numbers in the store, from `SliceStore.rows`.
        batch_size: Slices in a batch; the last one of an epoch may be smaller.
        augmentation: How to change images and masks together; None leaves them.
        shuffle: Whether every epoch has an order of its own.
        seed: Seed of order and augmentation.
        epochs: How many epochs the data set holds, one after the other.
        first_epoch: Number of the first of them.
        slices_per_epoch: How many slices an epoch draws; 0 draws each one once. More
            than there are enlarges the set by copies, each augmented on its own, as
            the paper does; fewer draws another part in every epoch.

    Returns:
        Data set of `(images, masks)`: `[batch, height, width, channel]` float32
        z-scores and `[batch, height, width, 1]` float32 of 0 and 1. Its cardinality
        is known: `epochs * steps_per_epoch(slices, batch_size)`.

    Raises:
        ValueError: `rows` is empty.
    """
    if not len(rows):
        raise ValueError("rows must name at least one slice. Got: none")
    count = slices_per_epoch or len(rows)
    copies = math.ceil(count / len(rows))
    rows = tf.constant(np.tile(rows, copies), tf.int64)

    def batches_of(epoch: tf.Tensor) -> tf.data.Dataset:
        key = tf.stack([tf.constant(seed, tf.int64), epoch])
        order = tf.random.experimental.stateless_shuffle(rows, key) if shuffle else rows
        drawn = tf.data.Dataset.from_tensor_slices(order[:count])
        batches = drawn.batch(batch_size)
        return batches.enumerate().map(lambda step, batch: (key, step, batch))

    def read(key: tf.Tensor, step: tf.Tensor, batch: tf.Tensor) -> tuple:
        images, masks = _read_batch(store, batch)
        if augmentation:
            # One stream a batch: the epoch's key, moved on by the step.
            key = tf.random.fold_in(key, step)
            images, masks = augment(images, masks, key, augmentation)
        return images, masks

    steps = epochs * steps_per_epoch(count, batch_size)
    return (
        tf.data.Dataset.range(first_epoch, first_epoch + epochs)
        .flat_map(batches_of)
        .map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .apply(tf.data.experimental.assert_cardinality(steps))
        .prefetch(tf.data.AUTOTUNE)
    )


def steps_per_epoch(slices: int, batch_size: int) -> int:
    """Return how many batches hold `slices` slices."""
    return math.ceil(slices / batch_size)


def augment(
    images: tf.Tensor, masks: tf.Tensor, key: tf.Tensor, augmentation: Augmentation
) -> tuple[tf.Tensor, tf.Tensor]:
    """Turn and mirror each image together with its mask.

    Args:
        images: `[batch, height, width, channel]` float32.
        masks: `[batch, height, width, 1]` float32.
        key: `[2]` integers that fix the draw.
        augmentation: What may happen to them.

    Returns:
        The moved images (linear interpolation) and masks (nearest neighbour, so that
        they stay 0 and 1); what comes from outside the picture is 0.
    """
    matrices = draw_matrices(tf.shape(images)[0], key, augmentation)
    size = tf.shape(images)[1:3]
    transforms = _about_middle(matrices, tf.cast(size, tf.float32))
    return (
        _transform(images, transforms, size, "BILINEAR"),
        _transform(masks, transforms, size, "NEAREST"),
    )


def draw_matrices(
    count: tf.Tensor, key: tf.Tensor, augmentation: Augmentation
) -> tf.Tensor:
    """Draw `[count, 2, 2]` matrices that turn and mirror (x, y) about the middle."""
    keys = tf.random.split(key, 3)
    limit = augmentation.rotation_degrees * math.pi / 180
    angles = tf.random.stateless_uniform([count], keys[0], -limit, limit)
    if augmentation.quarter_turns:
        turns = tf.random.stateless_uniform([count], keys[1], 0, 4, tf.int32)
        angles += tf.cast(turns, tf.float32) * (math.pi / 2)
    signs = tf.ones([count, 2])
    if augmentation.flip:
        coins = tf.random.stateless_uniform([count, 2], keys[2], 0, 2, tf.int32)
        signs = 1.0 - 2.0 * tf.cast(coins, tf.float32)
    cos, sin = tf.cos(angles), tf.sin(angles)
    rotation = tf.stack([tf.stack([cos, -sin], -1), tf.stack([sin, cos], -1)], 1)
    return rotation * signs[:, None, :]


def _about_middle(matrices: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Return `[count, 8]` projective transforms that keep the picture's middle."""
    middle = (size[::-1] - 1.0) / 2.0  # (x, y), in pixel centres.
    offset = middle - tf.linalg.matvec(matrices, middle)
    affine = tf.concat([matrices, offset[..., None]], -1)
    flat = tf.reshape(affine, [-1, 6])
    return tf.concat([flat, tf.zeros([tf.shape(flat)[0], 2])], -1)


def _transform(
    images: tf.Tensor, transforms: tf.Tensor, size: tf.Tensor, interpolation: str
) -> tf.Tensor:
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=size,
        fill_value=0.0,
        interpolation=interpolation,
        fill_mode="CONSTANT",
    )
    return tf.ensure_shape(moved, images.shape)


def _read_batch(store: SliceStore, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    def gather(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images = store.images[rows].astype(np.float32)
        return images, store.masks[rows][..., None].astype(np.float32)

    images, masks = tf.numpy_function(
        gather, [rows], (tf.float32, tf.float32), stateful=False
    )
    height, width, channels = store.images.shape[1:]
    return (
        tf.ensure_shape(images, [None, height, width, channels]),
        tf.ensure_shape(masks, [None, height, width, 1]),
    )
