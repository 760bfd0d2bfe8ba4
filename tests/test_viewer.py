import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from browser import requests, visit, wait_for, widths
from nilearn.datasets import load_mni152_template
from pictured import make_view
from PIL import Image

from brainseg_utils import pictures
from brainseg_utils.page import render_page
from brainseg_utils.pictures import viewer
from brainseg_utils.pictures.mosaics import as_jpeg, as_png, tile_shape

OUTPUT = "return document.querySelector('output').textContent"
TITLE = 'A "patient" <script>alert(1)</script> & co.'


@pytest.fixture(scope="module")
def made():
    return pictures.make_viewer(make_view("LPS"), "flair", TITLE)


@pytest.fixture
def shown(chrome, made, tmp_path):
    """The viewer twice on one page, as in a notebook; the first one's frame is on."""
    path = tmp_path / "page.html"
    path.write_text(render_page("Two", made.as_html(), made.as_html()))
    visit(chrome, path)
    chrome.switch_to.frame(0)
    wait_to_show(chrome, "axial 6/12")
    return chrome


def wait_to_show(chrome, text):
    wait_for(chrome, f"{OUTPUT} == '{text}'")


def output(chrome):
    return chrome.execute_script(OUTPUT)


def element(chrome, selector):
    return chrome.find_element("css selector", selector)


def choose(chrome, name, text):
    from selenium.webdriver.support.ui import Select

    Select(element(chrome, f"[name={name}]")).select_by_visible_text(text)


def canvas(chrome):
    """Return what the viewer shows, `[row, column, colour]`."""
    script = "return document.querySelector('canvas').toDataURL('image/png')"
    _, _, content = chrome.execute_script(script).partition(",")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB"))


def coloured(picture):
    """Return where a picture is not grey."""
    return np.ptp(picture.astype(int), axis=2) > 30


def test_the_viewer_shows_the_masks_where_they_are(shown):
    rows, columns = np.nonzero(coloured(canvas(shown)))
    height, width, _ = canvas(shown).shape
    # To the patient's right, at the front.
    assert columns.max() < width / 2
    assert rows.max() < height / 2
    assert canvas(shown)[height // 2, width // 2].min() > 20  # The brain is grey.


def test_slider_and_arrow_keys_change_the_slice(shown):
    first = canvas(shown)
    element(shown, "[name=slice]").send_keys("\ue014")  # Arrow to the right.
    wait_to_show(shown, "axial 7/12")
    second = canvas(shown)
    assert not np.array_equal(first, second)
    element(shown, "canvas").send_keys("\ue015")  # Arrow down.
    wait_to_show(shown, "axial 6/12")
    assert np.array_equal(canvas(shown), first)


def test_planes_and_sequences_can_be_chosen(shown):
    first = canvas(shown)
    choose(shown, "sequence", "T1")
    assert output(shown) == "axial 6/12"
    assert not np.array_equal(canvas(shown), first)
    for plane, place in (("coronal", "coronal 31/52"), ("sagittal", "sagittal 29/40")):
        choose(shown, "plane", plane)
        wait_to_show(shown, place)
        rows, columns = np.nonzero(coloured(canvas(shown)))
        height, width, _ = canvas(shown).shape
        assert columns.mean() < width / 2
        assert rows.mean() < height / 2


def test_masks_can_be_taken_off_and_made_fainter(shown):
    first = canvas(shown)
    opacity = element(shown, "[name=opacity]")
    opacity.send_keys("\ue011")  # Home: 0.
    clear = canvas(shown)
    assert not np.array_equal(clear, first)
    assert coloured(clear).any()  # The outlines stay.
    for box in shown.find_elements("css selector", "[type=checkbox]:checked"):
        box.click()
    assert not coloured(canvas(shown)).any()
    element(shown, "[name=doubt]").click()
    assert coloured(canvas(shown)).any()


def test_the_viewer_asks_for_nothing_and_complains_of_nothing(shown):
    assert shown.get_log("browser") == []
    (page,) = set(requests(shown))
    assert page.endswith("page.html")
    shown.switch_to.default_content()
    assert len(widths(shown)) == 2
    assert min(widths(shown)) > 0


def test_where_frames_are_taken_out_the_still_picture_stays(made):
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            found.append((tag, dict(attributes)))

    Reader().feed(made.as_html())
    assert [tag for tag, _ in found] == ["div", "img", "iframe"]
    still, frame = found[1][1], found[2][1]
    assert still["alt"] == frame["title"] == TITLE
    assert frame["srcdoc"] == made.page
    content = base64.b64decode(still["src"].partition(",")[2])
    assert Image.open(io.BytesIO(content)).size[0] == 900


def test_a_notebook_gets_html_and_a_still_picture_side_by_side(made):
    bundle = made._repr_mimebundle_()
    assert bundle["text/html"] == made.as_html()
    assert base64.b64decode(bundle["image/png"]) == made.still
    json.dumps(bundle)  # As the kernel sends it.


def facts_of(made):
    return json.loads(re.search(r'id="data">(.*?)</script>', made.page)[1])


def unpack(uri, shape):
    """Return a volume `[x, y, z]` from its mosaic."""
    content = base64.b64decode(uri.partition(",")[2])
    sheet = np.asarray(Image.open(io.BytesIO(content)))
    columns, width, height = tile_shape(shape)
    tiles = [
        sheet[z // columns * height :, z % columns * width :][: shape[1], : shape[0]].T
        for z in range(shape[2])
    ]
    return np.stack(tiles, axis=2)


def test_masks_are_packed_bit_for_bit_and_greys_nearly():
    rng = np.random.default_rng(0)
    volume = rng.integers(0, 255, (11, 19, 7), np.uint8)
    assert np.array_equal(unpack(as_png(volume), volume.shape), volume)
    smooth = np.indices((11, 19, 7)).sum(axis=0).astype(np.uint8) * 6
    error = unpack(as_jpeg(smooth), smooth.shape).astype(int) - smooth
    assert np.abs(error).mean() < 2


def test_a_large_volume_is_thinned_along_its_finest_axis(monkeypatch):
    view = make_view()
    monkeypatch.setattr(viewer, "MOST_VOXELS", view.mask.size // 2)
    assert viewer.thinning(view) == [1, 2, 1]  # y has the finest voxels.
    facts = facts_of(pictures.make_viewer(view, "t1"))
    assert facts["shape"] == [35, 23, 10]
    assert facts["spacing"] == [1.5, 2.0, 4.0]
    assert facts["largest"]["coronal"] == view.largest("coronal") // 2


def test_four_sequences_of_a_whole_brain_at_1_mm_take_less_than_3_mb():
    template = load_mni152_template(resolution=1)
    brain = template.get_fdata(dtype=np.float32)
    rng = np.random.default_rng(0)
    images = {
        name: (brain + rng.normal(0, 0.02, brain.shape)) * (brain > 0)
        for name in ("t1", "t1ce", "t2", "flair")
    }
    mask = brain > np.percentile(brain, 98)
    view = pictures.turn(images, mask, template.affine, mask * 0.7, mask)
    assert len(pictures.make_viewer(view, "flair").as_html()) < 3e6
