"""A made-up miniature of each data set that people have, its oddities included."""

import json
from pathlib import Path

import numpy as np
from patients import BRAIN, IMAGE_NAMES, MASK_NAMES, SHAPE, make_mask
from PIL import Image

from brainseg_utils.nifti import write_volume

SEQUENCES = ("t1", "t1ce", "t2", "flair")
LGG_SEQUENCES = ("t1", "flair", "t1ce")

# Names of patients as the data sets give them, and the sequences that each has.
CASE_NAMES = {
    "brats2018": "Brats18_2013_{}_1",
    "brats2020": "BraTS20_Training_{}",
    "brats2021_folders": "BraTS2021_{:05}",
    "brats2023": "BraTS-GLI-{:05}-000",
    "brats2024": "BraTS-GLI-{:05}-100",
    "upenn": "UPENN-GBM-{:05}_11",
    "msd": "BRATS_{:03}",
    "nnunet": "BraTS-{:03}",
    "nnunet_v1": "Brats17_{}",
    "lgg": "TCGA_CS_{}_19960909",
    "yaml": "sub-{:02}",
}
LAYOUTS = tuple(CASE_NAMES)


def case_names(layout: str, count: int = 3) -> list[str]:
    """Return the ids of a miniature's patients."""
    first = 355 if layout == "brats2020" else 1
    return [CASE_NAMES[layout].format(first + index) for index in range(count)]


def sequences_of(layout: str) -> tuple[str, ...]:
    """Return the sequences that a layout has."""
    return LGG_SEQUENCES if layout == "lgg" else SEQUENCES


def make_image(name: str, index: int) -> np.ndarray:
    """Return a sequence of patient number `index`, `[x, y, z]` uint8; all differ."""
    rng = np.random.default_rng([SEQUENCES.index(name), index])
    image = np.zeros(SHAPE, np.uint8)
    image[BRAIN] = rng.integers(50, 100, image[BRAIN].shape)
    return image + 100 * (make_mask(3 + index) > 0).astype(np.uint8)


def write_miniature(folder: Path, layout: str, count: int = 3) -> Path:
    """Write `count` patients with tumours of 3, 4, 5... voxels' width; return `folder`.

    Args:
        folder: Where to write; the data set's own tree begins there.
        layout: One of `LAYOUTS`.
        count: Number of patients.
    """
    for index, case_id in enumerate(case_names(layout, count)):
        images = {name: make_image(name, index) for name in SEQUENCES}
        WRITERS[layout](folder, case_id, images, make_mask(3 + index))
    extras = EXTRAS.get(layout)
    if extras:
        extras(folder)
    return folder


def _write(path: Path, voxels: np.ndarray) -> None:
    write_volume(path, voxels, np.eye(4))


def _named(style: str):
    def write(folder, case_id, images, mask):
        pattern, suffixes = IMAGE_NAMES[style]
        for suffix, image in zip(suffixes, images.values(), strict=True):
            _write(folder / pattern.format(case_id, suffix), image.astype(np.int16))
        if style == "upenn":
            automatic = f"automated_segm/{case_id}_automated_approx_segm.nii.gz"
            _write(folder / automatic, mask)
        _write(folder / MASK_NAMES[style].format(case_id), mask)

    return write


def _brats2020(folder, case_id, images, mask):
    # Kaggle's copy is unpacked, and patient 355's mask has the hospital's name.
    home = folder / "MICCAI_BraTS2020_TrainingData" / case_id
    for name, image in images.items():
        _write(home / f"{case_id}_{name}.nii", image.astype(np.int16))
    odd = case_id == "BraTS20_Training_355"
    _write(home / ("W39_1998.09.19_Segm.nii" if odd else f"{case_id}_seg.nii"), mask)


def _brats2021_folders(folder, case_id, images, mask):
    # A mirror on Kaggle keeps each file in a folder of its name, named otherwise.
    for name, image in images.items():
        inner = folder / case_id / f"{case_id}_{name}.nii"
        _write(inner / f"00000057_brain_{name}.nii", image.astype(np.int16))
    inner = folder / case_id / f"{case_id}_seg.nii"
    _write(inner / "00000057_final_seg.nii", mask)


def _msd(folder, case_id, images, mask):
    order = ("flair", "t1", "t1ce", "t2")
    channels = np.stack([images[name] for name in order], axis=-1)
    _write(folder / "imagesTr" / f"{case_id}.nii.gz", channels.astype(np.float32))
    _write(folder / "labelsTr" / f"{case_id}.nii.gz", mask)


def _msd_extras(folder):
    write_json(
        folder / "dataset.json",
        {
            "name": "BRATS",
            "tensorImageSize": "4D",
            "modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
            "labels": {
                "0": "background",
                "1": "edema",
                "2": "non-enhancing tumor",
                "3": "enhancing tumour",
            },
            "training": [
                {
                    "image": "./imagesTr/BRATS_001.nii.gz",
                    "label": "./labelsTr/BRATS_001.nii.gz",
                }
            ],
            "test": ["./imagesTs/BRATS_485.nii.gz"],
        },
    )
    channels = np.stack([make_image(name, 99) for name in SEQUENCES], axis=-1)
    _write(folder / "imagesTs" / "BRATS_485.nii.gz", channels.astype(np.float32))
    # The archive was packed on a Mac.
    for part in ("imagesTr", "labelsTr"):
        (folder / part / "._BRATS_001.nii.gz").write_bytes(b"Mac OS X")


def _nnunet(folder, case_id, images, mask):
    for channel, image in enumerate(images.values()):
        path = folder / "imagesTr" / f"{case_id}_{channel:04d}.nii.gz"
        _write(path, image.astype(np.int16))
    _write(folder / "labelsTr" / f"{case_id}.nii.gz", mask)


def _nnunet_extras(folder):
    write_json(
        folder / "dataset.json",
        {
            "channel_names": {"0": "T1", "1": "T1ce", "2": "T2", "3": "Flair"},
            "labels": {
                "background": 0,
                "whole tumor": [1, 2, 3],
                "tumor core": [2, 3],
                "enhancing tumor": [3],
            },
            "regions_class_order": [1, 2, 3],
            "numTraining": 3,
            "file_ending": ".nii.gz",
        },
    )


def _nnunet_v1_extras(folder):
    write_json(
        folder / "dataset.json",
        {
            "modality": {"0": "T1", "1": "T1Gd", "2": "T2", "3": "FLAIR"},
            "labels": {"0": "background", "1": "edema", "2": "core", "3": "enhancing"},
        },
    )


def _lgg(folder, case_id, images, mask):
    home = folder / "kaggle_3m" / case_id
    home.mkdir(parents=True)
    for z in range(SHAPE[2]):
        # Rows begin at the front of the head, columns at the patient's right.
        channels = [images[name][::-1, ::-1, z].T for name in LGG_SEQUENCES]
        picture = Image.fromarray(np.stack(channels, axis=-1))
        picture.save(home / f"{case_id}_{z + 1}.tif")
        tumour = 255 * (mask[::-1, ::-1, z].T > 0).astype(np.uint8)
        Image.fromarray(tumour).save(home / f"{case_id}_{z + 1}_mask.tif")


def _lgg_extras(folder):
    (folder / "kaggle_3m" / "data.csv").write_text("Patient,RNASeqCluster\n")
    (folder / "kaggle_3m" / "README.md").write_text("# LGG Segmentation Dataset\n")


def _yaml(folder, case_id, images, mask):
    _write(folder / case_id / "anat" / f"{case_id}_T1w.nii.gz", images["t1"])
    _write(folder / case_id / "anat" / f"{case_id}_ce-gad_T1w.nii.gz", images["t1ce"])
    both = np.stack([images["t2"], images["flair"]], axis=-1)
    _write(folder / case_id / "anat" / "acq-1_T2andFLAIR.nii.gz", both)
    _write(folder / "derivatives" / f"{case_id}_lesion.nii.gz", mask)


def _yaml_extras(folder):
    (folder / "brainseg.yaml").write_text(
        "sequences:\n"
        '  t1: "{case}/anat/{case}_T1w.nii.gz"\n'
        '  t1ce: "{case}/anat/{case}_ce-*_T1w.nii.gz"\n'
        '  t2: {file: "{case}/anat/*_T2andFLAIR.nii.gz", volume: 0}\n'
        '  flair: {file: "{case}/anat/*_T2andFLAIR.nii.gz", volume: 1}\n'
        'mask: "derivatives/{case}_lesion.nii.gz"\n'
        "labels: {1: lesion, 2: oedema}\n"
    )


def write_json(path: Path, value) -> None:
    """Write `value` as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


WRITERS = {
    "brats2018": _named("brats2018"),
    "brats2020": _brats2020,
    "brats2021_folders": _brats2021_folders,
    "brats2023": _named("brats2023"),
    "brats2024": _named("brats2023"),
    "upenn": _named("upenn"),
    "msd": _msd,
    "nnunet": _nnunet,
    "nnunet_v1": _nnunet,
    "lgg": _lgg,
    "yaml": _yaml,
}
EXTRAS = {
    "msd": _msd_extras,
    "nnunet": _nnunet_extras,
    "nnunet_v1": _nnunet_v1_extras,
    "lgg": _lgg_extras,
    "yaml": _yaml_extras,
}
