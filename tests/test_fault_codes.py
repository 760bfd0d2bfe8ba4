"""Every code of the data layer is raised, is known here, and is met in a test."""

import ast
import re
from pathlib import Path

from fault_table import FAULTS

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "brainseg_utils"
CODE = re.compile(r"\b([EW]-[A-Z]+(?:-[A-Z]+)*)\b")

# The catalogue's index, as far as it belongs to rows 1 to 56: code and rows.
CATALOGUE = {
    "E-AFFINE": (38,),
    "E-AMBIGUOUS": (5, 17),
    "E-CACHE-GONE": (55,),
    "E-CACHE-VERSION": (53,),
    "E-DISK": (47,),
    "E-DISK-RO": (48,),
    "E-DUP-DATA": (11,),
    "E-DUP-ID": (10, 16),
    "E-FEW": (15,),
    "E-LABEL": (39, 40),
    "E-LEAK": (12,),
    "E-MISSING": (2, 3, 4),
    "E-NAME": (6,),
    "E-NII-AFFINE": (32,),
    "E-NII-BOMB": (25,),
    "E-NII-DIMS": (24, 26),
    "E-NII-DTYPE": (28,),
    "E-NII-EMPTY": (18,),
    "E-NII-EXTRA": (34,),
    "E-NII-GZ": (20, 21, 22),
    "E-NII-NDIM": (27,),
    "E-NII-NONFINITE": (29,),
    "E-NII-OFFSET": (31,),
    "E-NII-SCALE": (30,),
    "E-NII-SHORT": (19,),
    "E-NII-TYPE": (23, 33),
    "E-READ": (8,),
    "E-ROOT": (1,),
    "E-SEQ-CONST": (35,),
    "E-SEQ-DUP": (43,),
    "E-SHAPE": (37,),
    "E-SPLIT": (13,),
    "E-SPLIT-STALE": (14,),
    "W-EMPTY": (41,),
    "W-MASK": (42, 45),
    "W-RANGE": (36,),
    "W-SWAP": (44,),
}
# Those that no folder of patients can have: the tests of their own modules meet them.
OUTSIDE_FOLDERS = {
    *("E-CACHE-GONE", "E-CACHE-VERSION", "E-DISK", "E-DISK-RO"),
    *("E-LEAK", "E-SPLIT", "E-SPLIT-STALE"),
}

# What the data layer says beyond the catalogue, and the step that says it.
OURS = {
    "E-ARCHIVE": "an archive unpacks to more than a scan may hold",
    "E-BUSY": "another process downloads into the same folder",
    "E-CROP": "no slice of a patient shows enough brain",
    "E-DATA": "several problems at once, listed in its text",
    "E-DOWNLOAD": "what came over the network is not what was asked for",
    "E-EXISTS": "a file or folder of the user's stands where something would go",
    "E-FOLD": "fold numbers that do not fit the patients",
    "E-LAYOUT": "a description of a folder is wrong, or several layouts fit",
    "E-PARAM": "an unknown data set to download, or a size that cannot be",
    "E-SEQUENCE": "an unknown sequence is asked for",
    "E-TIF": "a slice is no TIFF picture of the wanted kind",
    "W-CACHE": "prepared slices were damaged and are made again",
    "W-CROP": "tumour lies outside the slices",
    "W-NAME": "a file was passed over for its name",
}

# What stands on the data layer, and so imports all of it.
TOPS = ("checks", "slices", "batches", "planning.split_files", "download")


def codes_in(path):
    return set(CODE.findall(path.read_text()))


def data_layer():
    """Return the sources of the data layer's modules: what its tops import."""
    sources, pending = {}, [f"brainseg_utils.{name}" for name in TOPS]
    while pending:
        path = source_of(pending.pop())
        if path and path not in sources:
            sources[path] = path.read_text()
            pending += imported(sources[path])
    return sources


def source_of(module):
    path = PACKAGE.joinpath(*module.split(".")[1:])
    files = path.with_suffix(".py"), path / "__init__.py"
    return next(filter(Path.is_file, files), None)


def imported(text):
    """Return the modules that a source imports from, and what may be modules too."""
    return [
        name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module.startswith("brainseg_utils")
        for name in (node.module, *(f"{node.module}.{one.name}" for one in node.names))
    ]


def codes_raised():
    quoted = re.compile(r'"([EW]-[A-Z-]+)"')
    return {code for text in data_layer().values() for code in quoted.findall(text)}


def test_the_data_layer_is_found_and_stands_on_nothing_that_trains():
    names = {path.stem for path in data_layer()}
    assert len(data_layer()) > 40 and {"entries", "landing"} <= names
    assert not names & {"training", "models", "cli", "cohorts"}


def test_every_code_of_the_catalogue_is_raised():
    assert set(CATALOGUE) - codes_raised() == set()


def test_every_code_that_is_raised_is_known_and_no_other():
    assert codes_raised() == set(CATALOGUE) | set(OURS)


def test_every_code_of_a_folder_is_met_in_the_rows_that_the_catalogue_gives():
    met = {}
    for fault in FAULTS:
        for code in fault.codes.split():
            met.setdefault(code, set()).add(fault.row)
    for code, rows in CATALOGUE.items():
        if code not in OUTSIDE_FOLDERS:
            assert set(rows) <= met.get(code, set()), code


def test_every_other_code_is_met_in_a_test_of_its_own():
    tests = [
        path for path in TESTS.glob("test_*.py") if path.name != Path(__file__).name
    ]
    met = set().union(*map(codes_in, tests))
    assert (OUTSIDE_FOLDERS | set(OURS)) - met == set()


# The catalogue's index for training, sweeps and models, rows 57 to 77. What has no code
# there stands in tests whose names are the claims: test_resume, test_sweep_kills.
TRAINING = {
    "E-CKPT": (59,),
    "E-CKPT-MISMATCH": (61,),
    "E-DISK": (62,),
    "E-SYNC": (63,),
    "E-NAN": (65,),
    "E-GPU": (67,),
    "E-OOM": (68,),
    "E-NO-CKPT": (69,),
    "E-PARAM": (73, 74),
    "E-TIMEOUT": (75,),
    "E-RUN": (77,),  # Weights that harm are E-CKPT, as damaged ones are.
}


def test_every_code_of_training_and_sweeps_is_raised_and_met_in_a_test():
    sources = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    tests = [p for p in TESTS.glob("test_*.py") if p.name != Path(__file__).name]
    met = set().union(*map(codes_in, tests))
    for code in TRAINING:
        assert f'"{code}"' in sources, code
        assert code in met, code


# What prediction says beyond the codes of the data layer, which it says as well.
PREDICTION = {
    "E-RUN": "a folder is no finished run of this version",
    "E-SIZE": "a brain has no size that brains have",
    "E-SKULL": "a sequence shows more than the brain",
    "E-SPACING": "voxels have a size that the network cannot judge",
    "W-GRID": "a sequence was resampled to the first one's grid",
    "W-SIZE": "a brain is smaller or larger than those of training",
    "W-SPACING": "voxels are coarser than those of training",
}


def test_every_code_of_prediction_is_raised_and_met_in_a_test():
    sources = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    tests = [p for p in TESTS.glob("test_*.py") if p.name != Path(__file__).name]
    met = set().union(*map(codes_in, tests))
    for code in PREDICTION:
        assert f'"{code}"' in sources, code
        assert code in met, code
