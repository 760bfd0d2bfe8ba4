"""Write a finished run's table into README.md: `python tools/results.py [PROFILE]`.

The block between `<!-- results:NAME -->` and `<!-- end -->` is replaced, where NAME is
`phantom` for phantom patients and `real` for any others.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from brainseg_utils.cohorts import of_phantoms
from brainseg_utils.files import read_json, write_text
from brainseg_utils.report import describe_cohort, result_rows

ROOT = Path(__file__).parent.parent


def markdown_table(rows: list[tuple[str, ...]]) -> str:
    """Return rows, header first, as a Markdown table with numbers to the right."""
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]])


def results_block(summary: dict) -> str:
    """Return the table of a summary and the sentence that says what it is of."""
    versions = summary["versions"]
    where = (
        f"{summary['date']}, {summary['machine']}, Python {versions['python']}, "
        f"TensorFlow {versions['tensorflow']}, Keras {versions['keras']}."
    )
    table = markdown_table(result_rows(summary))
    return f"{table}\n\n{describe_cohort(summary)} {where}"


def replace_block(page: str, name: str, block: str) -> str:
    """Return the page with the block of that name replaced.

    Raises:
        ValueError: The page has no such block.
    """
    pattern = rf"(<!-- results:{name} -->\n).*?(\n<!-- end -->)"
    page, count = re.subn(pattern, lambda m: m[1] + block + m[2], page, flags=re.S)
    if count != 1:
        raise ValueError(f"README.md must have one block results:{name}. Got: {count}")
    return page


def main(profile: str = "quick") -> None:
    """Read `runs/<profile>/summary.json` and rewrite its block of README.md."""
    summary = read_json(ROOT / "runs" / profile / "summary.json")
    name = "phantom" if of_phantoms(summary["cohort"]["name"]) else "real"
    readme = ROOT / "README.md"
    page = replace_block(
        readme.read_text(encoding="utf-8"), name, results_block(summary)
    )
    write_text(readme, page)
    print(f"README.md: block results:{name} is of {summary['date']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
