import io

import numpy as np
import pandas as pd
from PIL import Image

from brainseg_utils.gallery.outputs import fence, markdown_table, shrink


def png(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_long_text_keeps_its_beginning_and_its_end():
    lines = fence("\n".join(map(str, range(100)))).split("\n")
    assert lines[1:3] == ["0", "1"]
    assert lines[-2] == "99"
    assert "... 61 lines left out ..." in lines
    assert len(lines) == 42


def test_fences_hold_terminal_codes_and_fences():
    assert fence("\x1b[1mbold\x1b[0m") == "```text\nbold\n```"
    assert fence("1/9\r9/9\r\nend  \n") == "```text\n9/9\nend\n```"
    assert fence("a\n```\nb") == "````text\na\n```\nb\n````"
    assert fence(" \n") == ""


def test_a_dataframe_becomes_a_markdown_table():
    frame = pd.DataFrame({"model": ["a|b", "*c*"], "dice": [0.5, -1.25]})
    assert markdown_table(frame.to_html()).split("\n") == [
        "|  | model | dice |",
        "| ---: | --- | ---: |",
        r"| 0 | a\|b | 0.50 |",
        r"| 1 | \*c\* | -1.25 |",
    ]


def test_grouped_rows_of_a_dataframe_leave_repeated_labels_empty():
    frame = pd.DataFrame({"m": ["a", "a", "b"], "r": [1, 2, 1], "n": [3, 4, 5]})
    assert markdown_table(frame.set_index(["m", "r"]).to_html()).split("\n") == [
        "| m | r | n |",
        "| --- | ---: | ---: |",
        "| a | 1 | 3 |",
        "|  | 2 | 4 |",
        "| b | 1 | 5 |",
    ]


def test_a_long_table_says_how_many_rows_it_leaves_out():
    lines = markdown_table(pd.DataFrame({"a": range(100)}).to_html()).split("\n")
    assert lines[-1] == "*62 more rows*"
    assert lines[39] == "| 37 | 37 |"


def test_a_noisy_figure_becomes_small_and_a_small_one_keeps_its_size():
    noise = np.random.default_rng(0).normal(128, 20, (200, 1200)).clip(0, 255)
    small = shrink(png(Image.fromarray(noise.astype(np.uint8))))
    assert len(small) < 120_000
    assert Image.open(io.BytesIO(small)).size == (900, 150)
    flat = Image.open(io.BytesIO(shrink(png(Image.new("RGB", (200, 100), "#0072B2")))))
    assert flat.size == (200, 100)
    flat = flat.convert("RGB")
    assert flat.getpixel((5, 5)) == (0, 114, 178)


def test_a_thin_outline_on_a_grey_scan_keeps_its_colours():
    noise = np.random.default_rng(0).normal(128, 30, (200, 300, 1)).clip(0, 255)
    scan = np.repeat(noise, 3, axis=2)
    share = np.linspace(0.3, 1, 40)[:, None]
    scan[100, 50:90] += share * ((230, 159, 0) - scan[100, 50:90])
    scan = scan.astype(np.uint8)
    small = Image.open(io.BytesIO(shrink(png(Image.fromarray(scan))))).convert("RGB")
    # A palette by frequency errs by 5 here, at the most coloured places by 30.
    assert np.abs(np.asarray(small, int) - scan)[100, 50:90].mean() < 1
