"""Execute one notebook in this environment's kernel, in the current folder."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

path = Path(sys.argv[1])
notebook = nbformat.read(path, as_version=4)
client = NotebookClient(notebook, timeout=1800, kernel_name="python3")
client.execute(cwd=".")
print(f"   {sum(cell.cell_type == 'code' for cell in notebook.cells)} code cells ran")
