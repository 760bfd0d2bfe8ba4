"""How fast a training step is: ours, and the same network in PyTorch.

    python benchmarks/training_step.py --json OUT.json

A step is forward, Dice, backward and Adam on one batch that lies in memory. PyTorch
gets our weights and our batch first, and must give our outputs: it is the same network.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from command_line import check_output, duration, positive, run
from measuring import CORES, Way, interleave, summarise
from monai_environment import find_monai
from record import both_ratios, describe_run, settings_of, show, temporary_folder
from step_figures import UNIT, add_shares, table, wanted_ratios
from torch_ways import torch_ways

# Read when TensorFlow is imported. Both sides run on the processor.
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
os.environ["KERAS_BACKEND"] = "tensorflow"

SIZES = {"quick": (96, 8), "paper": (192, 16)}  # Pixels a side, filters.
MODELS = ["cnn1", "cnn2"]
OURS = {
    "ours": "ours: Keras on TensorFlow, as train() runs it",
    "ours_xla": "ours, compiled by XLA",
    "ours_bfloat16": "ours, mixed_bfloat16",
}
NOTES = """\
Equal on both sides: weights at the start, the batch, layers, batch normalisation's
  momentum and epsilon, Dice pooled over the batch, Adam, threads, float32 but for the
  row that says otherwise. Ours also counts hard Dice, as in training.
Share: floating-point operations of the convolutions (two for a multiplication with its
  addition; backward counts twice forward) over the best float32 matrix product of this
  machine, measured in the same run: {peak:,.0f} GFLOP/s."""


def main(arguments: Sequence[str] | None) -> None:
    """Measure, print the table, write the JSON."""
    options = parse(arguments)
    check_output(options.json)
    outcome = describe_run("training_step", Path("random numbers"), [])
    from step_ways import Network, matrix_product_rate

    networks = [
        Network(model, name, *SIZES[name], options.batch_size, options.seconds)
        for name in options.sizes
        for model in options.models
    ]
    ways = [Way("matrix_product", "float32 matrix product", matrix_product_rate)]
    python = None if options.without_torch else find_monai()
    facts = {}
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        for network in networks:
            ways += network.ways(OURS)
            if python:
                peers, facts[network.key] = torch_ways(network, python, folder, stack)
                ways += peers
        runs = interleave(ways, options.repeats)
    peak = max(runs.pop("matrix_product"))
    results = summarise(ways, runs, UNIT, max)
    for network in networks:
        add_shares(results, network, peak)
    outcome["settings"] = settings_of(options) | {"threads": CORES}
    outcome |= {"torch": facts, "peak_gflops": peak, "results": results}
    outcome |= both_ratios(results, UNIT, wanted_ratios(results, networks))
    show(outcome, table(results), NOTES.format(peak=peak), options.json)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; `--quick` goes before the other settings."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--sizes", nargs="+", choices=SIZES, default=[*SIZES], help="quick, paper")
    add("--models", nargs="+", choices=MODELS, default=MODELS, help="cnn1, cnn2")
    add("--batch-size", type=positive, default=16, help="slices (16)")
    add("--seconds", type=duration, default=1.0, help="a run (1)")
    add("--repeats", type=positive, default=11, metavar="N", help="of each way (11)")
    add("--json", type=Path, metavar="OUT.json", help="write the figures there")
    add("--without-torch", action="store_true", help="leave PyTorch out")
    add("--quick", action="store_true", help="seconds, to see that everything works")
    options = parser.parse_args(arguments)
    if options.quick:
        options.sizes, options.batch_size = ["quick"], 2
        options.repeats, options.seconds = 1, 0.1
    return options


if __name__ == "__main__":
    sys.exit(run(main))
