"""What the text of every notebook keeps to.

Each rule takes a notebook's path and content, and returns a sentence with the repair
for every breach.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from notebook_cells import LINK, Notebook, headings, links, of_kind, read_notebook

ROOT = Path(__file__).parents[1]
COLAB = "https://colab.research.google.com"
FIRST, LAST = ["Overview", "Parameters", "Setup"], ["Check", "Conclusions"]
# Two notebooks that differ in their network alone.
TWINS = {"02_cnn1": ("CNN1", "03_cnn2"), "03_cnn2": ("CNN2", "02_cnn1")}
METADATA = {
    "kernelspec": {"display_name", "language", "name"},
    "language_info": {"name"},
}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:content|home|Users|root)\b|\b[A-Z]:\\")
MOST_BYTES = 100_000


def name_is_numbered(path: Path, notebook: Notebook) -> list[str]:
    if re.fullmatch(r"\d\d_[a-z0-9]+(_[a-z0-9]+)*\.ipynb", path.name):
        return []
    return ["its name is not NN_snake_case.ipynb: rename it, then run make address"]


def one_title_in_the_first_cell(path: Path, notebook: Notebook) -> list[str]:
    places = [place for place, _ in headings(notebook, "#")]
    if places == [0]:
        return []
    return [f"'# ' headings stand in cells {places}: keep one, in cell 0"]


def badge_opens_this_file(path: Path, notebook: Notebook) -> list[str]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    address = tomllib.loads(text)["project"]["urls"]["Repository"]
    slug = address.removeprefix("https://github.com/")
    url = f"{COLAB}/github/{slug}/blob/main/notebooks/{path.name}"
    badge = f"[![Open In Colab]({COLAB}/assets/colab-badge.svg)]({url})"
    places = [
        place
        for place, source in of_kind(notebook, "markdown")
        for target in LINK.findall(source)
        if target.startswith(f"{COLAB}/github/")
    ]
    if places == [0] and badge in notebook["cells"][0]["source"].split("\n"):
        return []
    return [f"the one badge wants to be {badge} in cell 0: run make address"]


def first_cell_links_its_gallery_page(path: Path, notebook: Notebook) -> list[str]:
    page = f"(../gallery/{path.stem}.md)"
    if page in notebook["cells"][0]["source"]:
        return []
    return [f"cell 0 does not link its gallery page: add [See it executed]{page}"]


def holds_no_outputs(path: Path, notebook: Notebook) -> list[str]:
    ran = [
        place
        for place, cell in enumerate(notebook["cells"])
        if cell.get("outputs") or cell.get("execution_count") is not None
    ]
    if not ran:
        return []
    return [f"cells {ran} hold outputs or counts: run nbstripout --keep-id {path.name}"]


def metadata_is_minimal(path: Path, notebook: Notebook) -> list[str]:
    found = []
    for key, value in notebook["metadata"].items():
        extra = sorted(set(value) - METADATA[key]) if key in METADATA else "all of it"
        if extra:
            found.append(f"metadata {key!r}: delete {extra}")
    if notebook["metadata"].get("kernelspec", {}).get("name") != "python3":
        found.append("its kernel is not python3: set metadata.kernelspec.name")
    for place, cell in enumerate(notebook["cells"]):
        extra = sorted(set(cell["metadata"]) - {"tags"})
        if extra:
            found.append(f"cell {place}: delete metadata {extra}, only tags may stay")
    return found


def every_cell_has_its_own_id(path: Path, notebook: Notebook) -> list[str]:
    ids = [cell.get("id") for cell in notebook["cells"]]
    return [
        f"cell {place} has {'no id' if not name else 'the id of another cell'}: "
        "give it one of its own"
        for place, name in enumerate(ids)
        if not name or name in ids[:place]
    ]


def names_no_place_on_one_machine(path: Path, notebook: Notebook) -> list[str]:
    return [
        f"cell {place} names {found[0]!r}: take folders from the workspace"
        for place, cell in enumerate(notebook["cells"])
        if (found := MACHINE_PATH.search(cell["source"]))
    ]


def headings_stand_in_order(path: Path, notebook: Notebook) -> list[str]:
    found = [text for _, text in headings(notebook)]
    if found[: len(FIRST)] == FIRST and found[-len(LAST) :] == LAST:
        return []
    return [f"its '##' headings are {found}: begin with {FIRST}, end with {LAST}"]


def conclusions_come_last(path: Path, notebook: Notebook) -> list[str]:
    if re.match(r"## Conclusions\s*\n", notebook["cells"][-1]["source"]):
        return []
    return ["its last cell does not begin with '## Conclusions': move what follows up"]


def twins_have_the_same_headings(path: Path, notebook: Notebook) -> list[str]:
    if path.stem not in TWINS:
        return []
    network, other = TWINS[path.stem]
    twin = read_notebook(path.with_name(f"{other}.ipynb"))
    mine = [text.replace(network, "its network") for _, text in headings(notebook)]
    its = [text.replace(TWINS[other][0], "its network") for _, text in headings(twin)]
    if mine == its:
        return []
    return [f"its '##' headings {mine} are not those of {other}, {its}: make them so"]


def relative_links_resolve(path: Path, notebook: Notebook) -> list[str]:
    """Gallery pages have a test of their own: they are written after a run."""
    return [
        f"cell {place} links {target}, which is not there: mend the link or add it"
        for place, target in links(notebook)
        if "gallery/" not in target and not (path.parent / target).exists()
    ]


def file_is_small(path: Path, notebook: Notebook) -> list[str]:
    size = len(json.dumps(notebook, indent=1, ensure_ascii=False).encode())
    if size < MOST_BYTES:
        return []
    return [f"it has {size} bytes, {MOST_BYTES} are too many: take out attachments"]


RULES = (
    name_is_numbered,
    one_title_in_the_first_cell,
    badge_opens_this_file,
    first_cell_links_its_gallery_page,
    holds_no_outputs,
    metadata_is_minimal,
    every_cell_has_its_own_id,
    names_no_place_on_one_machine,
    headings_stand_in_order,
    conclusions_come_last,
    twins_have_the_same_headings,
    relative_links_resolve,
    file_is_small,
)
