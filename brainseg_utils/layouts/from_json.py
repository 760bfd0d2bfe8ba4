"""Data sets that a `dataset.json` describes: the Decathlon's Task01 and nnU-Net's."""

from __future__ import annotations

import reprlib
from collections import defaultdict
from functools import partial

from brainseg_utils.errors import BrainSegError
from brainseg_utils.layouts import (
    ALIASES,
    SEQUENCES,
    Candidate,
    Findings,
    Layout,
    Wanted,
    split_path,
)
from brainseg_utils.layouts.candidates import make_cases
from brainseg_utils.layouts.dataset_json import (
    channel_names,
    file_ending,
    label_scheme,
    read_data_set,
    sequence_of_channel,
)
from brainseg_utils.layouts.folders import Tree
from brainseg_utils.layouts.image_folders import (
    CHANNEL,
    ImageFile,
    data_sets,
    is_nnunet,
)

DECATHLON_SHAPE = """\
Decathlon Task01  dataset.json, imagesTr/<case>.nii.gz (4-D), labelsTr/<case>.nii.gz"""
NNUNET_SHAPE = """\
nnU-Net raw       dataset.json, imagesTr/<case>_0000.nii.gz (0001...),
                  labelsTr/<case>.nii.gz"""


def _claims(tree: Tree, nnunet: bool) -> list[str]:
    return [
        one.file
        for files in data_sets(tree).values()
        if is_nnunet(files) == nnunet
        for one in files
    ]


class _DataSet:
    """One data set: what its dataset.json says, and its files by patient.

    Attributes:
        base: Its folder relative to the tree, empty or ending with "/".
        described: Its dataset.json.
        channels: Sequence of each channel by number; None for an unknown name.
        patients: Candidates for each role of each patient.
        strays: Images that bear no number of a channel.
    """

    def __init__(self, tree: Tree, wanted: Wanted, nnunet: bool):
        self.base, files = _only_one(tree, data_sets(tree))
        self.described = read_data_set(tree.root / f"{self.base}dataset.json")
        self.ending = file_ending(self.described)
        self.names = channel_names(self.described)
        self.channels = [sequence_of_channel(name) for name in self.names]
        self.patients = defaultdict(lambda: defaultdict(list))
        self.strays: list[str] = []
        for one in files:
            if one.stem and (one.part == "Tr" or not wanted.need_mask):
                self._sort(one, nnunet)

    def _sort(self, one: ImageFile, nnunet: bool) -> None:
        found = Candidate(one.file, split_path(one.file)[0], one.copy)
        if one.kind == "labels":
            self.patients[one.stem]["mask"].append(found)
            return
        numbered = CHANNEL.fullmatch(one.stem) if nnunet else None
        if not nnunet:
            for name in filter(None, self.channels):
                self.patients[one.stem][name].append(found)
        elif numbered and int(numbered["channel"]) < len(self.channels):
            name = self.channels[int(numbered["channel"])]
            if name:
                self.patients[numbered["id"]][name].append(found)
        else:
            self.strays.append(one.file)


def _only_one(
    tree: Tree, data_sets: dict[str, list[ImageFile]]
) -> tuple[str, list[ImageFile]]:
    if len(data_sets) != 1:
        found = [base or "." for base in sorted(data_sets)]
        raise BrainSegError(
            "E-LAYOUT",
            tree.root,
            f"wanted one folder with imagesTr and dataset.json, found {found}.",
            "Name the folder of one data set.",
        )
    return next(iter(data_sets.items()))


def _find(tree: Tree, wanted: Wanted, nnunet: bool) -> Findings:
    data_set = _DataSet(tree, wanted, nnunet)
    problems = _channel_problems(data_set, wanted)
    if any(problem.code.startswith("E-") for problem in problems):
        return [], problems
    labels = wanted.labels or label_scheme(data_set.described)
    parts = {name: data_set.channels.index(name) for name in wanted.sequences}

    def explain(case_id: str, missing: list[str]) -> list[BrainSegError]:
        return [_missing(tree, data_set, case_id, missing, nnunet)]

    cases, found = make_cases(
        tree,
        data_set.patients,
        wanted,
        explain,
        lambda case_id: labels,
        {} if nnunet or len(data_set.channels) == 1 else parts,
    )
    strays = [_stray(tree, file, data_set) for file in data_set.strays]
    return cases, [*problems, *found, *strays]


def _channel_problems(data_set: _DataSet, wanted: Wanted) -> list[BrainSegError]:
    names = data_set.names
    unknown = [n for n, s in zip(names, data_set.channels, strict=True) if not s]
    there = [name for name in SEQUENCES if name in data_set.channels]
    absent = [name for name in wanted.sequences if name not in there]
    double = [s for s in wanted.sequences if data_set.channels.count(s) > 1]
    path = data_set.described.path
    if double:
        what = f"of the channels {reprlib.repr(names)} several are {', '.join(double)}."
        return [BrainSegError("E-AMBIGUOUS", path, what, "Correct their names.")]
    if unknown:
        code = "E-NAME" if absent else "W-NAME"
        lack = f", and {', '.join(absent)} is missing" if absent else ""
        what = f"the channels {reprlib.repr(unknown)} have no known name{lack}."
        known = [alias for aliases in ALIASES.values() for alias in aliases]
        remedy = f"Where one is a sequence, give it a name out of {known}."
        return [BrainSegError(code, path, what, remedy)]
    if absent:
        what = f"has no {', '.join(absent)}; its channels are {', '.join(there)}."
        remedy = f"Name no other sequences in the parameters than {there}."
        return [BrainSegError("E-MISSING", path, what, remedy)]
    return []


def _missing(
    tree: Tree, data_set: _DataSet, case_id: str, missing: list[str], nnunet: bool
) -> BrainSegError:
    found = [c for role in data_set.patients[case_id].values() for c in role]
    part = found[0].folder[-2:]
    tried = []
    for role in missing:
        kind, channel = ("labels" if role == "mask" else "images"), ""
        if nnunet and role != "mask":
            channel = f"_{data_set.channels.index(role):04d}"
        tried.append(f"{kind}{part}/{case_id}{channel}{data_set.ending}")
    return BrainSegError(
        "E-MISSING",
        tree.root / data_set.base / split_path(tried[0])[0],
        f"patient {case_id} has no {', '.join(missing)} "
        f"(files tried: {', '.join(dict.fromkeys(tried))}).",
        "Add the file, or name fewer sequences in the parameters.",
    )


def _stray(tree: Tree, file: str, data_set: _DataSet) -> BrainSegError:
    last = len(data_set.channels) - 1
    return BrainSegError(
        "W-NAME",
        tree.root / file,
        "was not used: its name ends with no number of a channel "
        f"(_0000 to _{last:04d}).",
        "Rename it if it is an image; else leave it.",
    )


DECATHLON = Layout(
    "msd",
    DECATHLON_SHAPE,
    partial(_claims, nnunet=False),
    partial(_find, nnunet=False),
)
NNUNET = Layout(
    "nnunet", NNUNET_SHAPE, partial(_claims, nnunet=True), partial(_find, nnunet=True)
)
