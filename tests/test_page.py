import io

from PIL import Image

from brainseg_utils import page

ODD = "<b>&\"'</b>"
SAFE = "&lt;b&gt;&amp;&quot;&#x27;&lt;/b&gt;"


def test_text_from_files_cannot_become_html():
    image = io.BytesIO()
    Image.new("L", (1, 1)).save(image, "PNG")
    parts = [
        page.paragraph(ODD),
        page.heading(ODD),
        page.table([[ODD], [ODD]]),
        page.picture(image.getvalue(), ODD),
        page.folded(ODD, ""),
        page.verbatim(ODD),
    ]
    written = page.render_page(ODD, *parts)
    assert "<b>" not in written
    assert written.count(SAFE) == 9


def test_a_page_forbids_itself_the_network():
    assert "default-src 'none'" in page.render_page("A page")


def test_rows_have_a_head_only_where_it_is_wanted():
    rows = [("a", "b"), ("c", "d")]
    assert page.table(rows).count("<th>") == 2
    assert page.table(rows, head=False).count("<td>") == 4
