import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent / "tools"))
from results import markdown_table, replace_block

BLOCK = "<!-- results:{} -->\n{}\n<!-- end -->"
PAGE = f"a\n{BLOCK.format('real', 'old')}\nb\n{BLOCK.format('other', 'c')}\n"


def test_table_has_a_rule_below_its_header():
    assert markdown_table([("", "Dice"), ("CNN1", "0.8")]) == (
        "|  | Dice |\n| --- | ---: |\n| CNN1 | 0.8 |"
    )


def test_only_the_named_block_is_replaced():
    page = replace_block(PAGE, "real", "new")
    assert page == PAGE.replace("old", "new")


def test_missing_block_is_an_error():
    with pytest.raises(ValueError, match="results:phantom"):
        replace_block(PAGE, "phantom", "new")
