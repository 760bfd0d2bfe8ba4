"""Our side of `predict.py` in a process whose network is loaded; see `MonaiPeer`.

The set-up names run, patient and output, and is answered with facts; each further line
is answered with the seconds from files to mask.
"""

from __future__ import annotations

import os
import time

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3"}

from probe import make_probe
from serving import open_pipe

from brainseg_utils.prediction import load_trained, predict_case, write_prediction


def main() -> None:
    """Answer line after line until stdin ends."""
    questions, reply = open_pipe()
    setup = next(questions)
    start = time.perf_counter()
    trained = load_trained(setup["run"])
    seconds = time.perf_counter() - start
    probe = make_probe(trained.inputs.image_size, len(trained.inputs.sequences))
    reply(
        {
            "start_seconds": seconds,
            "parameters": trained.model.count_params(),
            "answer": trained.model.predict_on_batch(probe).ravel().tolist(),
        }
    )
    for _ in questions:
        start, start_cpu = time.perf_counter(), time.process_time()
        prediction = predict_case(setup["patient"], trained)
        write_prediction(prediction, setup["output"], force=True)
        reply(
            {
                "seconds": time.perf_counter() - start,
                "cpu_seconds": time.process_time() - start_cpu,
            }
        )


if __name__ == "__main__":
    main()
