"""What a training tells, without a training."""

import pytest

from brainseg_utils.callbacks import progress
from brainseg_utils.callbacks.progress import Progress, Record
from brainseg_utils.times import in_words


def record(seconds=(9.0, 2.0)):
    figures = {"loss": 0.5, "dice": 0.25, "val_loss": 0.125, "val_dice": 0.0625}
    columns = {name: [value] * len(seconds) for name, value in figures.items()}
    return Record({**columns, "seconds": [*seconds]})


def test_an_epoch_is_one_plain_line_with_the_time_left():
    lines = []
    Progress(12, record(), report=lines.append).on_epoch_end(1)
    assert lines == [
        "epoch 2/12  loss 0.5000  dice 0.2500  val_loss 0.1250  val_dice 0.0625  "
        "2.0 s, 20 s left"
    ]


def test_the_last_epoch_has_no_time_left():
    lines = []
    Progress(2, record(), report=lines.append).on_epoch_end(1)
    assert lines[0].endswith("2.0 s")


def test_without_a_gpu_the_whole_time_is_estimated_once(monkeypatch):
    clock = iter([100.0, 105.0])
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    lines = []
    told = Progress(10, record(), estimate=True, report=lines.append)
    told.set_params({"steps": 50})
    told.on_epoch_begin(0)
    for batch in range(50):
        told.on_train_batch_begin(batch)
    # Five steps took five seconds.
    assert len(lines) == 1
    assert lines[0].startswith("no GPU: ") and "8 min for 10 epochs" in lines[0]


def test_with_a_gpu_nothing_is_estimated():
    lines = []
    told = Progress(10, record(), report=lines.append)
    for batch in range(50):
        told.on_train_batch_begin(batch)
    assert lines == []


def test_a_record_goes_on_from_an_earlier_one_and_leaves_that_alone():
    earlier = {"loss": [0.5]}
    Record(earlier).columns["loss"].append(0.4)
    assert earlier == {"loss": [0.5]}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (89, "89 s"), (91, "2 min"), (3600, "60 min"), (12600, "3.5 h")],
)
def test_lengths_of_time_are_said_as_people_say_them(seconds, words):
    assert in_words(seconds) == words
