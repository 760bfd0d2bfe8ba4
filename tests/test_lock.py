import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LOCKED = dict(re.findall(r"^([\w.-]+)==(\S+)", LOCK, flags=re.M))
RANGES = [
    Requirement(line)
    for name in ("requirements.txt", "requirements-dev.txt")
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize("wanted", RANGES, ids=lambda wanted: wanted.name)
def test_locked_version_lies_in_its_range(wanted):
    assert wanted.name in LOCKED, "run make lock"
    assert wanted.specifier.contains(LOCKED[wanted.name]), "run make lock"


def test_every_locked_package_has_hashes_and_no_address():
    blocks = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.M)[1:]
    assert len(blocks) == len(LOCKED) > len(RANGES)
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in LOCK


def test_the_audit_counts_what_it_could_not_look_up_as_a_failure():
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").split("\naudit:")[1]
    command = recipe.split("\n\n")[0]
    assert "pip-audit --strict" in command and "requirements.lock" in command


@pytest.mark.parametrize("name", ["tensorflow", "keras", "numpy"])
def test_what_colab_ships_is_never_pinned_for_users(name):
    wanted = next(r for r in RANGES if r.name == name)
    assert {part.operator for part in wanted.specifier} == {">="}
