import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from brainseg_utils.errors import BrainSegError
from brainseg_utils.phantom import make_patient, make_phantom, make_phantoms
from brainseg_utils.phantom.anatomy import build_anatomy, draw_head
from brainseg_utils.phantom.lesion import push_tissue
from brainseg_utils.phantom.noise import smooth_noise

SPACING_MM = 4.0
SEQUENCES = ("t1", "t1ce", "t2", "flair")


@pytest.fixture(scope="module")
def patients():
    return [make_phantom(0, index, SPACING_MM) for index in range(12)]


@pytest.fixture(scope="module")
def tissues():
    return [make_patient(0, index, SPACING_MM) for index in range(12)]


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*.nii.gz"))
    }


def dice(mask_true, mask_pred):
    return 2 * (mask_true & mask_pred).sum() / (mask_true.sum() + mask_pred.sum())


def test_a_folder_holds_the_five_files_of_brats_for_every_patient(tmp_path):
    import nibabel

    make_phantoms(tmp_path, 2, spacing_mm=SPACING_MM)
    names = [
        f"Phantom_{k:03d}/Phantom_{k:03d}_{s}.nii.gz"
        for k in range(2)
        for s in ("flair", "seg", "t1", "t1ce", "t2")
    ]
    assert list(contents(tmp_path)) == names
    for name in names:
        image = nibabel.load(tmp_path / name)
        assert image.shape == (60, 60, 39)
        assert nibabel.aff2axcodes(image.affine) == ("L", "P", "S")
        assert image.get_data_dtype() == (np.uint8 if "seg" in name else np.int16)


def test_a_patient_depends_on_neither_count_nor_workers(tmp_path):
    make_phantoms(tmp_path / "one", 1, seed=3, spacing_mm=SPACING_MM, workers=1)
    make_phantoms(tmp_path / "three", 3, seed=3, spacing_mm=SPACING_MM, workers=2)
    one, three = contents(tmp_path / "one"), contents(tmp_path / "three")
    assert len(one) == 5
    assert all(three[name] == content for name, content in one.items())


def test_another_seed_gives_another_patient(patients):
    other = make_phantom(1, 0, SPACING_MM)
    assert not np.array_equal(other["seg"], patients[0]["seg"])


def test_the_same_noise_appears_at_every_spacing():
    coarse, fine = (
        smooth_noise(np.random.default_rng(0), (np.arange(0, 60, step),) * 3, 10.0)
        for step in (4.0, 2.0)
    )
    np.testing.assert_allclose(coarse, fine[::2, ::2, ::2], atol=1e-5)


def test_existing_patients_are_kept_and_broken_ones_made_again(tmp_path):
    make_phantoms(tmp_path, 2, spacing_mm=SPACING_MM)
    before = contents(tmp_path)
    kept = tmp_path / "Phantom_000" / "Phantom_000_t1.nii.gz"
    kept.write_bytes(b"mine")
    (tmp_path / "Phantom_001" / "Phantom_001_seg.nii.gz").unlink()
    make_phantoms(tmp_path, 2, spacing_mm=SPACING_MM)
    assert kept.read_bytes() == b"mine"
    after = contents(tmp_path)
    assert after.keys() == before.keys()
    assert (
        after["Phantom_001/Phantom_001_seg.nii.gz"]
        == (before["Phantom_001/Phantom_001_seg.nii.gz"])
    )


def test_a_killed_run_leaves_no_half_patient(tmp_path, monkeypatch):
    from brainseg_utils import phantom

    def fail_at_seg(path, *_):
        if "seg" in path.name:
            raise KeyboardInterrupt
        path.write_bytes(b"")

    monkeypatch.setattr(phantom, "write_volume", fail_at_seg)
    with pytest.raises(KeyboardInterrupt):
        make_phantoms(tmp_path, 1, spacing_mm=SPACING_MM, workers=1)
    assert not list(tmp_path.glob("*Phantom*"))


def test_a_folder_of_other_phantoms_is_refused(tmp_path):
    make_phantoms(tmp_path, 1, seed=0, spacing_mm=SPACING_MM)
    with pytest.raises(BrainSegError, match="E-PHANTOMS"):
        make_phantoms(tmp_path, 1, seed=1, spacing_mm=SPACING_MM)


@pytest.mark.parametrize(
    "wrong", [{"count": 0}, {"spacing_mm": 0.0}, {"seed": -1}, {"workers": 0}]
)
def test_an_argument_out_of_range_is_named(tmp_path, wrong):
    with pytest.raises(BrainSegError, match=next(iter(wrong))):
        make_phantoms(tmp_path, **{"count": 1, "spacing_mm": SPACING_MM, **wrong})


def test_background_is_zero_and_the_brain_nowhere_zero(patients):
    for patient in patients:
        brain = patient["t1"] != 0
        litres = brain.sum() * SPACING_MM**3 / 1e6
        assert 1.1 < litres < 2.0
        for name in SEQUENCES:
            assert patient[name].min() == 0
            np.testing.assert_array_equal(patient[name] != 0, brain)


def test_lesions_have_brats_labels_and_lie_inside_the_brain(patients):
    for patient in patients:
        assert set(np.unique(patient["seg"])) <= {0, 1, 2, 4}
        assert (patient["seg"] == 2).any()
        assert not patient["seg"][patient["t1"] == 0].any()


def test_sizes_vary_as_in_brats(tissues):
    millilitres = [(t[1].labels > 0).sum() * SPACING_MM**3 / 1000 for t in tissues]
    assert min(millilitres) >= 14
    assert max(millilitres) <= 211
    assert max(millilitres) > 3 * min(millilitres)


def test_the_lesion_has_the_planned_volume(tissues):
    for _, lesion, plan in tissues:
        found_ml = (lesion.labels > 0).sum() * SPACING_MM**3 / 1000
        assert found_ml == pytest.approx(plan.volume_ml, rel=0.02)


def test_oedema_prefers_white_matter_and_spares_ventricles(tissues):
    for anatomy, lesion, _ in tissues:
        maps, oedema = anatomy.maps, lesion.labels == 2
        assert maps["white"][oedema].mean() > maps["white"].mean()
        assert maps["ventricle"][oedema].mean() < maps["ventricle"].mean()


def test_tissues_stand_in_the_order_of_each_sequence(patients, tissues):
    orders = (
        ("t1", "white", "grey", "csf"),
        ("t1", "white", "core"),
        ("t1ce", "rim", "white", "core"),
        ("t2", "csf", "grey", "white"),
        ("t2", "oedema", "white"),
        ("flair", "oedema", "white", "csf"),
    )
    for patient, (anatomy, lesion, _) in zip(patients, tissues, strict=True):
        healthy = lesion.oedema < 0.01
        places = {t: healthy & (anatomy.maps[t] > 0.8) for t in ("white", "grey")}
        places["csf"] = healthy & (anatomy.maps["csf"] > 0.8)
        places |= {"core": lesion.labels == 1, "rim": lesion.labels == 4}
        places["oedema"] = lesion.oedema > 0.9
        for sequence, *names in orders:
            signal = patient[sequence][patient["t1"] != 0]
            means = [signal[places[n]].mean() for n in names if places[n].sum() > 20]
            assert means == sorted(means, reverse=True), (sequence, means)


def test_tissue_near_a_mass_came_from_nearer_its_centre(tissues):
    plan = replace(tissues[0][2], push=0.4)
    plan = replace(plan, centres_mm=plan.centres_mm[:1])
    centre = plan.centres_mm[0][:, None]
    near = push_tissue(plan, centre + [[0], [0], [20]]) - centre
    far = push_tissue(plan, centre + [[0], [0], [150]]) - centre
    assert 2 < 20 - np.linalg.norm(near) < 8
    assert np.linalg.norm(far) == pytest.approx(150, abs=0.1)


def test_a_mass_on_the_left_moves_the_ventricles_to_the_right(tissues):
    head = draw_head(np.random.default_rng(0))
    centre_mm = np.array([[118.5 + 35, 128, 80]])
    plan = replace(tissues[0][2], push=0.4, centres_mm=centre_mm)
    left_mm = []
    for push in (lambda points: points, lambda points: push_tissue(plan, points)):
        anatomy = build_anatomy(head, np.random.default_rng(1), SPACING_MM, push)
        ventricle = anatomy.maps["ventricle"]
        left_mm.append(np.average(anatomy.points_mm()[0], weights=ventricle))
    assert left_mm[1] < left_mm[0] - 0.5


def test_no_single_flair_threshold_finds_the_tumours(patients):
    z_scored = []
    for patient in patients:
        brain = patient["flair"] != 0
        flair = patient["flair"][brain].astype(np.float32)
        z_scored.append(
            ((flair - flair.mean()) / flair.std(), patient["seg"][brain] > 0)
        )
    thresholds = np.linspace(0, 4, 41)
    scores = np.array([[dice(m, z > t) for t in thresholds] for z, m in z_scored])
    best = scores[::2].mean(axis=0).argmax()
    assert 0.35 < scores[1::2, best].mean() < 0.75


def test_importing_phantom_is_light():
    heavy = {"tensorflow", "nilearn", "skimage", "scipy.ndimage"}
    code = (
        f"import sys, brainseg_utils.phantom; print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
