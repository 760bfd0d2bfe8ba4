"""Patterns of paths in which `{case}` stands for a patient and `*` for anything."""

from __future__ import annotations

import re

CASE = "{case}"
MAX_STARS = 2  # In one name: with many, matching a long name takes for ever.
MAX_LENGTH = 1024


def compile_pattern(pattern: str) -> re.Pattern:
    """Return a regular expression for relative paths, with a group `case`.

    `*` stands for any characters within a name and `{case}` for at least one; it takes
    as many as it can, and all its occurrences in a path are equal. All other
    characters, brackets too, stand for themselves.

    Raises:
        ValueError: The pattern leaves the folder, lacks `{case}` or is of another
            form; the text says what is wrong.
    """
    wrong = _what_is_wrong(pattern)
    if wrong:
        raise ValueError(wrong)
    expression, known = "", False
    for piece in re.split(r"(\{case\}|\*)", pattern):
        if piece == CASE:
            expression += "(?P=case)" if known else "(?P<case>[^/]+)"
            known = True
        else:
            expression += "[^/]*" if piece == "*" else re.escape(piece)
    return re.compile(expression)


def fill_pattern(pattern: str, case_id: str) -> str:
    """Return the path that a pattern names for one patient."""
    return pattern.replace(CASE, case_id)


def _what_is_wrong(pattern: str) -> str:
    names = pattern.split("/")
    if not 0 < len(pattern) <= MAX_LENGTH:
        return f"wanted 1 to {MAX_LENGTH} characters, got {len(pattern)}"
    if pattern.startswith(("/", "~")) or "\\" in pattern or ":" in names[0]:
        return "wanted a path relative to the data folder, with / between names"
    if any(name.startswith(".") or not name for name in names):
        return "no part of the path may be empty or begin with a dot, such as '..'"
    if CASE not in pattern:
        return f"wanted {CASE} in the place of the patient's name"
    if re.search(r"(\{case\}|\*){2}", pattern):
        return f"{CASE} and * need a character between them to tell them apart"
    if any(name.count("*") > MAX_STARS for name in names):
        return f"wanted at most {MAX_STARS} * in one name"
    return ""
