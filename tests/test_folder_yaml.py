import pytest
from refusals import refused

from brainseg_utils.layouts import folder_yaml
from brainseg_utils.layouts.folder_yaml import read_description

WHOLE = """\
# {case} stands for the patient's name, * for anything within a name.
sequences:
  t1: "{case}/anat/{case}_T1w.nii.gz"
  flair: {file: "{case}/anat/*_4d.nii.gz", volume: 2}
mask: "derivatives/{case}_lesion.nii.gz"
labels: {0: background, 1: lesion, 2: no}
not_tumour: {4: resection cavity}
"""


@pytest.fixture
def read(tmp_path):
    """Return a function that writes text as brainseg.yaml and reads it."""

    def read(text):
        path = tmp_path / "brainseg.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_description(path)

    return read


def test_a_whole_description_is_read(read):
    described = read(WHOLE)
    assert described.patterns == {
        "t1": "{case}/anat/{case}_T1w.nii.gz",
        "flair": "{case}/anat/*_4d.nii.gz",
        "mask": "derivatives/{case}_lesion.nii.gz",
    }
    assert described.parts == {"flair": 2}
    assert described.labels.names == {1: "lesion", 2: "no"}
    assert described.labels.not_tumour == {4: "resection cavity"}
    assert described.labels.name == "brainseg.yaml (labels 1, 2, not 4)"


def test_the_key_of_a_scheme_names_labels(read):
    described = read('sequences: {t1: "{case}.nii"}\nlabels: brats2023\n')
    assert described.labels.name == "BraTS 2023+"
    assert described.parts == {}


def test_mask_and_labels_may_be_left_out(read):
    described = read('sequences: {t1: "{case}.nii"}')
    assert described.labels is None and set(described.patterns) == {"t1"}


HEAD = 'sequences: {t1: "{case}.nii"}\n'
WRONG = {
    "": "nothing",
    "[]": "wanted keys",
    "text": "wanted keys",
    "sequences: {t1: {case}/t1.nii}": "not valid YAML",
    "sequences: {t1: *_t1.nii}": "not valid YAML",
    "sequences:\n\tt1: x": "not valid YAML",
    "{" * 1000: "not valid YAML",
    "a: &a {b: *a}": "not valid YAML",
    "? [a]\n: b": "not valid YAML",
    f"{HEAD}{HEAD}": "twice",
    'sequences: {t1: "{case}.nii", t1: "{case}.gz"}': "twice",
    f"{HEAD}sequence: x": "'sequence': wanted one of",
    "labels: binary": "sequences: wanted",
    "sequences:": "sequences: wanted",
    "sequences: [t1]": "sequences: wanted",
    'sequences: {pd: "{case}.nii"}': "sequences: 'pd': wanted",
    "sequences: {t1: [a]}": "sequences: 't1': wanted a pattern",
    "sequences: {t1: {case}}": "sequences: 't1': wanted a pattern",
    'sequences: {t1: "x.nii"}': "sequences: 't1': wanted {case}",
    'sequences: {t1: "../{case}.nii"}': "sequences: 't1': no part",
    'sequences: {t1: {file: "{case}.nii"}}': "sequences: 't1': wanted a pattern",
    'sequences: {t1: {file: "x", volume: 0}}': "sequences: 't1': file: wanted {case}",
    'sequences: {t1: {file: "{case}", volume: -1}}': "sequences: 't1': volume",
    'sequences: {t1: {file: "{case}", volume: 1024}}': "sequences: 't1': volume",
    'sequences: {t1: {file: "{case}", volume: one}}': "sequences: 't1': volume",
    'sequences: {t1: {file: "{case}", volume: 0, x: 1}}': "sequences: 't1': wanted",
    f"{HEAD}mask:": "mask: wanted 1 to",
    f"{HEAD}mask: m.nii": "mask: wanted {case}",
    f"{HEAD}mask: {{file: a, volume: 1}}": "mask: wanted a pattern",
    f"{HEAD}labels: brats": "labels: wanted values",
    f"{HEAD}labels: [1]": "labels: wanted values",
    f"{HEAD}labels: {{lesion: 1}}": "labels: 'lesion'",
    f"{HEAD}labels: {{1.5: a}}": "labels: '1.5'",
    f"{HEAD}labels: {{-1: a}}": "labels: '-1'",
    f"{HEAD}labels: {{65536: a}}": "labels: '65536'",
    f"{HEAD}labels: {{1: [a]}}": "labels: '1'",
    f'{HEAD}labels: {{1: "\\a"}}': "labels: '1'",
    f"{HEAD}labels: {{0: background}}": "labels: no label",
    f"{HEAD}labels: {{1: a}}\nnot_tumour: {{1: b}}": "labels: [1] stand under",
    f"{HEAD}labels: {{1: a}}\nnot_tumour: b": "not_tumour: wanted",
    f"{HEAD}labels: {{1: a, 01: b}}": "labels: '01'",
    f"{HEAD}labels: binary\nnot_tumour: {{4: a}}": "not_tumour: stands beside",
    f"{HEAD}not_tumour: {{4: a}}": "not_tumour: stands beside",
}


@pytest.mark.parametrize("text", WRONG)
def test_every_mistake_is_told_by_its_key(tmp_path, read, text):
    with refused("E-LAYOUT", tmp_path / "brainseg.yaml") as caught:
        read(text)
    assert WRONG[text] in caught.value.what
    assert len(str(caught.value)) < 800


def test_objects_of_python_are_not_made(tmp_path, read):
    canary = tmp_path / "canary"
    with refused("E-LAYOUT", tmp_path / "brainseg.yaml"):
        read(f"!!python/object/apply:os.mkdir ['{canary}']")
    assert not canary.exists()


def test_aliases_that_multiply_are_refused_in_a_moment(tmp_path, read):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    for n in range(30):
        copies = ", ".join([f"*a{n}"] * 8)
        lines.append(f"a{n + 1}: &a{n + 1} [{copies}]")
    with refused("E-LAYOUT", tmp_path / "brainseg.yaml") as caught:
        read("\n".join(lines))
    assert len(str(caught.value)) < 400


def test_a_file_of_unlikely_size_is_refused_before_it_is_parsed(
    tmp_path, read, monkeypatch
):
    text = f"{HEAD}#"
    monkeypatch.setattr(folder_yaml, "MAX_BYTES", len(text))
    assert read(text).patterns
    with refused("E-LAYOUT", tmp_path / "brainseg.yaml"):
        read(f"{text}#")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00", "é".encode("latin-1")])
def test_what_is_no_text_is_refused(tmp_path, read, content):
    with refused("E-LAYOUT", tmp_path / "brainseg.yaml"):
        read(content)


def test_a_byte_order_mark_is_no_mistake(read):
    assert read(b"\xef\xbb\xbf" + HEAD.encode()).patterns


def test_a_missing_file_is_refused(tmp_path):
    with refused("E-LAYOUT", tmp_path / "absent.yaml"):
        read_description(tmp_path / "absent.yaml")
