from pathlib import Path

import pytest

from brainseg_utils.gallery.page import correct_links, hide_folders


def test_folders_are_hidden_in_paths_only():
    roots = [Path("/site")]
    text = "https://site/site and /site-map and 'data/site' and /site/a."
    hidden = "https://site/site and /site-map and 'data/site' and a."
    assert hide_folders(text, roots) == hidden
    assert hide_folders("/a/b", [Path("/")]) == "/a/b"


@pytest.mark.parametrize(
    ("link", "wanted"),
    [
        ("[a](https://x.org/b.ipynb)", "[a](https://x.org/b.ipynb)"),
        ("[a](#here)", "[a](#here)"),
        ("[a](02_b.ipynb)", "[a](02_b.md)"),
        ("[a](../brainseg_utils/x.py)", "[a](../brainseg_utils/x.py)"),
        ("[`a`](params/paper.yaml)", "[`a`](../notebooks/params/paper.yaml)"),
        ("[a](../gallery/02_b.md)", "[a](02_b.md)"),
        ("[a](../gallery/01_c.md)", "[Open the notebook](../notebooks/01_c.ipynb)"),
    ],
)
def test_links_lead_from_the_gallery_where_they_led_from_the_notebook(link, wanted):
    assert correct_links(f"See {link}.", "01_c") == f"See {wanted}."
