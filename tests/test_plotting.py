import matplotlib.pyplot as plt
import numpy as np
import pytest

from brainseg_utils import plotting

HISTORY = {"epoch": [1, 2, 3], "loss": [0.9, 0.5, 0.4], "val_loss": [0.8, 0.6, 0.5]}


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plotting.plot_history(ax, HISTORY, "loss"),
        lambda ax: plotting.plot_band(ax, np.ones((2, 3)), "black", "runs"),
    ],
)
def test_epochs_are_counted_in_whole_numbers(draw):
    fig, ax = plt.subplots(figsize=(8, 3))
    draw(ax)
    fig.canvas.draw()
    assert all(float(tick).is_integer() for tick in ax.get_xticks())


@pytest.mark.parametrize("count", [2, 8, 17])
def test_no_two_names_share_a_colour(count):
    colours = plotting.colours_of([f"variant {n}" for n in range(count)])
    assert len({tuple(np.atleast_1d(colour)) for colour in colours.values()}) == count
