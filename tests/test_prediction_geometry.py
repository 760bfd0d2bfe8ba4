"""The mask lies on the tumour, as an independent reader sees it: SimpleITK."""

import nibabel
import numpy as np
import pytest
import SimpleITK
from standins import (
    RADIUS_MM,
    SHAPE,
    SPACING_MM,
    TUMOUR_MM,
    from_tumour,
    places,
    stored_as,
    straight,
    tilted,
    trained_on_formula,
    write_formula_patient,
)

from brainseg_utils.prediction.case_prediction import predict_case, write_prediction

ORIENTATIONS = ("RAS", "LPS", "LAS", "RPI", "ASR", "PIR", "SLP", "IAL")
LPS = np.array([-1, -1, 1])  # ITK counts x to the left and y to the back.
TILT = (12.0, -7.0, 18.0)
# What a mask may differ in: its own type, and what told of the scan's brightness.
OWN = {"datatype", "bitpix", "cal_min", "cal_max", "descrip", "scl_slope", "scl_inter"}
# Voxel sizes that are not training's: finer and thick slices, coarse, and pixels that
# are not square, of sagittal and of coronal slices.
SPACINGS = ((1.25, 1.25, 5.0), (2.0, 2.0, 2.0), (5.0, 1.25, 1.25), (1.5, 4.0, 1.5))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return trained_on_formula(tmp_path_factory.mktemp("run"))


def predicted(folder, trained, affine, shape=SHAPE, **how):
    """Segment a patient on this grid; return its mask's path."""
    patient = write_formula_patient(folder / "P1", affine, shape, **how)
    prediction = predict_case(patient, trained)
    return write_prediction(prediction, folder / "out", probability=True)[0]


def places_by_itk(path):
    """Return the mask's places by SimpleITK alone, `[n, 3]` in RAS+ mm."""
    image = SimpleITK.ReadImage(str(path))
    indices = np.argwhere(SimpleITK.GetArrayFromImage(image))[:, ::-1].tolist()
    points = [image.TransformIndexToPhysicalPoint(index) for index in indices]
    return np.array(points) * LPS


def holds(path, mm):
    """Tell by SimpleITK alone whether the mask holds places, `[n, 3]` in RAS+ mm."""
    image = SimpleITK.ReadImage(str(path))
    points = (mm * LPS).tolist()
    return np.array([image[image.TransformPhysicalPointToIndex(p)] for p in points])


def assert_exact(path, affine, shape):
    """Expect a mask of the tumour's voxels and no others."""
    mm = places(affine, shape)
    inside = mm[from_tumour(mm) <= RADIUS_MM]
    assert len(inside) > 150
    assert holds(path, inside).all()
    found = places_by_itk(path)
    assert len(found) == len(inside)
    assert (from_tumour(found) <= RADIUS_MM + 1e-4).all()


def assert_close(path, affine, shape, tolerance_mm):
    """Expect a mask that ends where the tumour does, within a tolerance."""
    mm = places(affine, shape).reshape(-1, 3)
    distance = from_tumour(mm)
    assert holds(path, mm[distance < RADIUS_MM - tolerance_mm]).all()
    assert (from_tumour(places_by_itk(path)) < RADIUS_MM + tolerance_mm).all()


@pytest.mark.parametrize("degrees", [(0, 0, 0), TILT], ids=["straight", "oblique"])
@pytest.mark.parametrize("code", ORIENTATIONS)
def test_the_mask_is_the_tumour_in_any_orientation(tmp_path, trained, code, degrees):
    affine, shape = stored_as(code, tilted(straight(), degrees))
    path = predicted(tmp_path, trained, affine, shape)
    assert_exact(path, affine, shape)


@pytest.mark.parametrize("degrees", [(0, 0, 0), TILT], ids=["straight", "oblique"])
@pytest.mark.parametrize("code", ["RAS", "LPS", "PIR", "SLP"])
@pytest.mark.parametrize("spacing_mm", SPACINGS, ids=str)
def test_the_mask_lies_on_the_tumour_with_any_voxels(
    tmp_path, trained, spacing_mm, code, degrees
):
    shape = tuple(int(80 / mm) + 8 for mm in spacing_mm)
    affine = tilted(straight(spacing_mm, shape), degrees)
    affine, shape = stored_as(code, affine, shape)
    path = predicted(tmp_path, trained, affine, shape)
    # A pixel's diagonal is what the network cannot see below, or a voxel's own.
    pixel = max(SPACING_MM, *spacing_mm[:2])
    assert_close(path, affine, shape, np.sqrt(2) * pixel)


def test_sequences_on_four_grids_meet_on_the_first_one_s(tmp_path, trained):
    spacings = {"t1": 2.5, "t1ce": (1.5, 1.5, 3.0), "t2": 2.0, "flair": (1.25, 2.0, 4)}
    shapes = {
        name: tuple((85 / np.broadcast_to(spacing, 3)).astype(int).tolist())
        for name, spacing in spacings.items()
    }
    affines = {name: straight(spacings[name], shapes[name]) for name in spacings}
    affines["t1ce"], shapes["t1ce"] = stored_as("PIR", affines["t1ce"], shapes["t1ce"])
    affines["flair"] = tilted(affines["flair"], TILT)
    path = predicted(tmp_path, trained, affines, shapes)
    assert_close(path, affines["t1"], shapes["t1"], 4.0)
    image = nibabel.load(path)
    assert image.shape == shapes["t1"] and np.allclose(image.affine, affines["t1"])


@pytest.mark.parametrize("codes", [(1, 1), (2, 0), (0, 4), (1, 2)], ids=str)
def test_the_header_is_the_scan_s_own(tmp_path, trained, codes):
    affine, shape = stored_as("PIR", tilted(straight(), TILT))
    path = predicted(tmp_path, trained, affine, shape, codes=codes)
    scan = nibabel.load(tmp_path / "P1" / "P1_t1.nii.gz").header
    mask = nibabel.load(path).header
    differing = {name for name in scan if scan[name].tobytes() != mask[name].tobytes()}
    assert differing <= OWN
    assert (mask["qform_code"], mask["sform_code"]) == codes


def test_the_mask_is_of_whole_numbers_without_scale(tmp_path, trained):
    path = predicted(tmp_path, trained, straight())
    image = SimpleITK.ReadImage(str(path))
    assert image.GetPixelID() == SimpleITK.sitkUInt8
    raw = nibabel.load(path)
    assert (raw.dataobj.slope, raw.dataobj.inter) == (1, 0)
    assert set(np.unique(raw.dataobj)) == {0, 1}
    other = SimpleITK.ReadImage(str(path.with_name("P1_probability.nii.gz")))
    assert other.GetPixelID() == SimpleITK.sitkFloat32
    assert other.GetSize() == image.GetSize() and other.GetOrigin() == image.GetOrigin()


def test_a_mask_shifted_by_one_voxel_would_be_seen(tmp_path, trained):
    """The checks above can fail."""
    path = predicted(tmp_path, trained, straight())
    image = nibabel.load(path)
    moved = np.roll(np.asarray(image.dataobj), 1, axis=0)
    nibabel.save(nibabel.Nifti1Image(moved, image.affine, image.header), path)
    with pytest.raises(AssertionError):
        assert_exact(path, straight(), SHAPE)
    assert holds(path, TUMOUR_MM[None] + (SPACING_MM, 0, 0)).all()
