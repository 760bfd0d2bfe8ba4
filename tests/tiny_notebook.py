"""A notebook that trains nothing: it counts its executions, and fails if asked to."""

import nbformat

PARAMETERS = """value: int = 1  # What to write.
rate: float = 0.5  # Ignored.
seed: int = 0  # Ignored.
folder: str = ""  # Where to write.
options: dict = {}  # Ignored.
rates: list = []  # Ignored.
fail: str = ""  # How to fail: raise, exit, die or hang.
pause: float = 0.0  # Seconds to wait."""

BODY = """import os
import signal
import sys
import time
from pathlib import Path

time.sleep(pause)
if fail == "raise":
    raise ZeroDivisionError("asked to fail")
if fail == "exit":
    sys.exit(0)
if fail == "die":
    os.kill(os.getpid(), signal.SIGKILL)
if fail == "hang":
    time.sleep(600)"""

COUNT = """with open(Path(folder) / f"{value}.txt", "a") as file:
    file.write("1")"""

RESULT = """from brainseg_utils.sweep import show_result

show_result(square=value**2)"""


def write_notebook(path, *cells):
    """Write a notebook whose first cell holds the parameters."""
    cells = [nbformat.v4.new_code_cell(text) for text in (PARAMETERS, *cells)]
    cells[0].metadata["tags"] = ["parameters"]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"  # Equal notebooks must have equal bytes.
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
    return path


def write_tiny_notebook(path):
    """Write a notebook that counts its executions in `folder/VALUE.txt`."""
    return write_notebook(path, BODY, COUNT, RESULT)


def executions(folder):
    """Return how often each value was executed to the end."""
    return {int(path.stem): len(path.read_text()) for path in folder.glob("*.txt")}
