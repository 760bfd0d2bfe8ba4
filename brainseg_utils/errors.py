"""The one error that users of this package meet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class BrainSegError(Exception):
    """A problem with a user's file or argument, and how to put it right.

    Args:
        code: Short name of the kind of problem, such as `"E-MISSING"`. Codes that
            begin with `E-` stop a step; those with `W-` are only listed.
        path: File, folder or argument at fault.
        what: What is wrong: what was wanted, and what came.
        remedy: What to do about it.
    """

    def __init__(self, code: str, path: str | Path, what: str, remedy: str):
        self.code, self.path, self.what, self.remedy = code, str(path), what, remedy
        super().__init__(f"{code}  {path}: {what} {remedy}")

    def __reduce__(self):
        # Errors cross process borders in sweeps; the default would pass one argument.
        return type(self), (self.code, self.path, self.what, self.remedy)


ADVICE = "leave such patients out with on_bad='exclude'."


def errors_of(problems: Iterable[BrainSegError]) -> list[BrainSegError]:
    """Return the problems that stop a step; the others are warnings."""
    return [problem for problem in problems if problem.code.startswith("E-")]


def raise_all(problems: Iterable[BrainSegError], on_bad: str = "fail") -> None:
    """Raise one error that lists every problem; return when there is none.

    With `on_bad="exclude"`, that way out is not advised again.
    """
    advice = "" if on_bad == "exclude" else ADVICE
    problems = list(problems)
    if len(problems) == 1:
        one = problems[0]
        remedy = f"{one.remedy} Or {advice}" if advice else one.remedy
        raise BrainSegError(one.code, one.path, one.what, remedy)
    if problems:
        listing = "\n".join(f"  {problem}" for problem in problems)
        raise BrainSegError(
            "E-DATA",
            Path(problems[0].path).parent,
            f"{len(problems)} problems:\n{listing}\n",
            f"Mend the files, or {advice}" if advice else "Mend the files.",
        )
