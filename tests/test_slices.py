import errno
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from patients import BRAIN, SHAPE, write_patient
from refusals import refused

from brainseg_utils.cases import find_cases
from brainseg_utils.files import read_json, write_json
from brainseg_utils.nifti import read_volume, write_volume
from brainseg_utils.slices import prepare_slices
from brainseg_utils.store import prepared_case
from brainseg_utils.store.codes import CODES_PER_DEVIATION
from brainseg_utils.store.grid import SliceGrid
from brainseg_utils.volumes import load_case

GRID = SliceGrid(16, 16)  # As wide as the made-up brains: one pixel a voxel.
BRAIN_SLICES = 10  # z = 1 to 10 of the made-up brains.


@pytest.fixture
def folder(patient_folder):
    return patient_folder()


@pytest.fixture
def stores(tmp_path):
    return tmp_path / "prepared"


def prepare(folder, stores, grid=GRID, **options):
    return prepare_slices(find_cases(folder)[0], stores, grid, **options)


def add_to_a_voxel(path, voxel=(10, 10, 5), amount=1):
    data, affine = read_volume(path)
    data = data.copy()
    data[voxel] += amount
    write_volume(path, data, affine)


def spoil(folder, case_id):
    """Give a patient an unknown label."""
    add_to_a_voxel(folder / case_id / f"{case_id}_seg.nii.gz", amount=7)


def fail_to_load(case, *_):
    raise RuntimeError(f"{case.id} was read again")


def test_a_store_holds_the_brain_s_slices_of_every_patient(folder, stores):
    store = prepare(folder, stores)
    assert store.images.shape == (3 * BRAIN_SLICES, 16, 16, 4)
    assert store.masks.shape == (3 * BRAIN_SLICES, 16, 16)
    assert (store.images.dtype, store.masks.dtype) == (np.float32, np.uint8)
    assert [(c["id"], c["start"], c["stop"]) for c in store.cases] == [
        ("P0", 0, 10),
        ("P1", 10, 20),
        ("P2", 20, 30),
    ]
    assert store.case("P1")["z"] == list(range(1, 11))
    assert store.case("P1")["corner"] == [BRAIN[0].start, BRAIN[1].start]
    assert store.case("P1")["shape"] == list(SHAPE)
    assert store.sequences == ("t1", "t1ce", "t2", "flair")
    assert store.problems == ()
    assert store.grid == GRID


def test_tumour_volumes_are_in_millilitres(folder, stores):
    # Cubes of 3, 4 and 5 voxels' width, each voxel 1 mm.
    expected = {"P0": 3**3 / 1000, "P1": 4**3 / 1000, "P2": 5**3 / 1000}
    assert prepare(folder, stores).tumour_ml == pytest.approx(expected)


def test_tumour_volumes_follow_the_voxel_size(folder, stores):
    for path in (folder / "P0").iterdir():
        write_volume(path, read_volume(path).data, np.diag([1, 1, 3, 1.0]))
    assert prepare(folder, stores).tumour_ml["P0"] == pytest.approx(27 * 3 / 1000)


def test_images_are_the_normalised_voxels(folder, stores):
    store = prepare(folder, stores)
    volumes = load_case(find_cases(folder)[0][1])
    assert np.count_nonzero(volumes.brain) == 16 * 16 * BRAIN_SLICES
    box = tuple(slice(span.start, span.stop) for span in BRAIN[::-1])
    for channel, array in enumerate(volumes.sequences.values()):
        voxels = array[box].astype(float)
        expected = CODES_PER_DEVIATION * (voxels - voxels.mean()) / voxels.std()
        found = store.images.read(store.rows(["P1"]))[..., channel]
        assert np.abs(found - expected).max() <= 0.51


def test_a_pixel_on_the_brain_s_border_counts_what_lies_outside_as_the_mean(
    folder, stores
):
    # The square begins one voxel before the brain: a corner pixel of 2 x 2 voxels has
    # one of brain.
    store = prepare(folder, stores, SliceGrid(18, 9))
    first = load_case(find_cases(folder)[0][0]).sequences["t1"]
    inside = first[first != 0].astype(float)
    corner = (first[1, 2, 4] - inside.mean()) / inside.std() / 4
    assert store.images[0, 0, 0, 0] == pytest.approx(corner, abs=2e-4)


def test_a_very_bright_voxel_is_clipped(folder, stores):
    add_to_a_voxel(folder / "P0" / "P0_t1.nii.gz", (5, 5, 5), 20_000)
    assert prepare(folder, stores).images[:10, ..., 0].max() == pytest.approx(
        5.12, abs=1e-3
    )


def test_image_and_mask_of_a_row_are_of_one_place(folder, stores):
    place = (7, 12, 9)
    add_to_a_voxel(folder / "P1" / "P1_t2.nii.gz", place, 5000)
    add_to_a_voxel(folder / "P1" / "P1_seg.nii.gz", place, 4)
    store = prepare(folder, stores)
    row = store.case("P1")["start"] + store.case("P1")["z"].index(9)
    pixel = (row, 12 - BRAIN[1].start, 7 - BRAIN[0].start)  # Height is y, width x.
    assert np.argwhere(store.images[..., 2] > 5.1).tolist() == [list(pixel)]
    assert store.masks[pixel] == 1
    assert store.masks[row].sum() == 1  # The cube of 4 ends at z = 7.


def test_slices_with_hardly_any_brain_are_left_out(folder, stores):
    for path in (folder / "P0").iterdir():
        data, affine = read_volume(path)
        data = data.copy()
        data[:, :, 1] = 0
        data[5, 5, 1] = 1 if "seg" not in path.name else 0  # 1 of 256 pixels.
        write_volume(path, data, affine)
    assert prepare(folder, stores).case("P0")["z"] == list(range(2, 11))


@pytest.mark.parametrize("grid", [SliceGrid(20, 16), SliceGrid(8, 16), SliceGrid(9, 4)])
def test_sizes_need_not_divide(folder, stores, grid):
    store = prepare(folder, stores, grid)
    assert store.images.shape[1:] == (grid.image_size, grid.image_size, 4)
    assert np.isfinite(store.images).all()
    assert set(np.unique(store.masks)) == {0, 1}


def test_a_crop_larger_than_the_volume_is_filled_with_zeros(folder, stores):
    store = prepare(folder, stores, SliceGrid(32, 32))
    assert store.images.shape[1:3] == (32, 32)
    assert np.count_nonzero(store.masks[store.rows(["P0"])]) == 3**3
    assert np.count_nonzero(store.images[0, ..., 0]) <= 16 * 16


def test_the_second_call_reads_no_voxels(folder, stores, monkeypatch):
    first = prepare(folder, stores)
    monkeypatch.setattr(prepared_case, "load_case", fail_to_load)
    second = prepare(folder, stores)
    assert second.folder == first.folder
    assert np.array_equal(second.images[:], first.images[:])


@pytest.mark.parametrize("name", ["t1", "flair", "seg"])
def test_a_changed_voxel_makes_another_store(folder, stores, name):
    first = prepare(folder, stores)
    add_to_a_voxel(folder / "P1" / f"P1_{name}.nii.gz", (10, 6, 4))
    second = prepare(folder, stores)
    assert second.key != first.key


def test_another_grid_or_other_sequences_make_another_store(folder, stores):
    keys = {prepare(folder, stores).key, prepare(folder, stores, SliceGrid(16, 8)).key}
    fewer = find_cases(folder, ("flair", "t1"))[0]
    turned = find_cases(folder, ("t1", "flair"))[0]
    keys |= {prepare_slices(cases, stores, GRID).key for cases in (fewer, turned)}
    assert len(keys) == 4


def test_a_moved_folder_keeps_its_store(folder, stores, monkeypatch):
    first = prepare(folder, stores)
    moved = folder.rename(folder.with_name("moved"))
    monkeypatch.setattr(prepared_case, "load_case", fail_to_load)
    assert prepare(moved, stores).key == first.key


def test_every_unusable_patient_is_named_at_once(folder, stores):
    spoil(folder, "P0")
    spoil(folder, "P2")
    with refused("E-DATA", folder / "P0") as caught:
        prepare(folder, stores)
    message = str(caught.value)
    assert "2 problems" in message and message.count("E-LABEL") == 2
    assert "P0_seg" in message and "P2_seg" in message and "P1" not in message
    # The one that is whole is kept for the next time.
    assert len(list(stores.glob("*.slices"))) == 1


def test_unusable_patients_are_left_out_by_name_when_asked(folder, stores):
    spoil(folder, "P1")
    store = prepare(folder, stores, on_bad="exclude")
    assert [case["id"] for case in store.cases] == ["P0", "P2"]
    assert len(store.images) == 2 * BRAIN_SLICES
    (problem,) = store.problems
    assert problem.startswith("E-LABEL") and "P1_seg.nii.gz" in problem


def test_patients_left_out_before_are_not_left_out_in_silence(folder, stores):
    spoil(folder, "P1")
    prepare(folder, stores, on_bad="exclude")
    with refused("E-LABEL", folder / "P1" / "P1_seg.nii.gz") as caught:
        prepare(folder, stores, on_bad="fail")
    assert "on_bad='exclude'" in caught.value.remedy
    assert prepare(folder, stores, on_bad="exclude").tumour_ml.keys() == {"P0", "P2"}


def test_where_no_patient_is_usable_none_are_left_out(patient_folder, stores):
    folder = patient_folder("P0")
    spoil(folder, "P0")
    with refused("E-LABEL", folder / "P0" / "P0_seg.nii.gz"):
        prepare(folder, stores, on_bad="exclude")
    assert not list(stores.glob("*.slices"))


def test_a_brain_too_small_for_its_square_is_refused(folder, stores):
    with refused("E-DATA", folder) as caught:
        prepare(folder, stores, SliceGrid(400, 10))
    assert str(caught.value).count("E-CROP") == 3


def test_an_empty_mask_is_kept_and_listed(folder, stores):
    mask = folder / "P1" / "P1_seg.nii.gz"
    write_volume(mask, np.zeros(SHAPE, np.uint8), np.eye(4))
    for _ in range(2):  # Prepared, then opened.
        store = prepare(folder, stores)
        assert store.tumour_ml["P1"] == 0
        (problem,) = store.problems
        assert problem.startswith(f"W-EMPTY  {mask}")


def test_tumour_beyond_the_slices_is_listed_and_within_them_is_not(folder, stores):
    assert prepare(folder, stores, SliceGrid(10, 10)).problems == ()
    # P2's cube begins at y = 6, the square at y = 7: one layer is lost.
    store = prepare(folder, stores, SliceGrid(6, 6))
    assert store.case("P2")["corner"] == [9, 7]
    problem = store.problems[-1]
    assert problem.startswith(f"W-CROP  {folder / 'P2' / 'P2_seg.nii.gz'}")
    assert f"{5 * 5} of {5**3} tumour voxels" in problem


def test_an_unknown_way_with_bad_patients_is_refused(folder, stores):
    with pytest.raises(ValueError, match="'fail' or 'exclude'. Got: 'skip'"):
        prepare(folder, stores, on_bad="skip")


def test_no_patients_are_refused(stores):
    with refused("E-FEW", "cases"):
        prepare_slices([], stores, GRID)


def test_patients_of_different_sequences_are_refused(folder, stores):
    cases = find_cases(folder)[0][:1] + find_cases(folder, ("t1",))[0][1:]
    with pytest.raises(ValueError, match="'t1'] for P1"):
        prepare_slices(cases, stores, GRID)


def test_a_patient_without_mask_is_refused(folder, stores):
    (folder / "P1" / "P1_seg.nii.gz").unlink()
    cases, _ = find_cases(folder, need_mask=False)
    with refused("E-MISSING", folder / "P1"):
        prepare_slices(cases, stores, GRID)


def test_a_file_gone_since_the_search_is_refused(folder, stores):
    cases, _ = find_cases(folder)
    (folder / "P1" / "P1_t2.nii.gz").unlink()
    with refused("E-READ", folder / "P1" / "P1_t2.nii.gz"):
        prepare_slices(cases, stores, GRID)


def test_an_interrupted_preparation_goes_on_with_the_next_patient(
    folder, stores, monkeypatch
):
    def interrupt_at_p2(case, readers):
        if case.id == "P2":
            raise KeyboardInterrupt
        return load_case(case)

    monkeypatch.setattr(prepared_case, "load_case", interrupt_at_p2)
    with pytest.raises(KeyboardInterrupt):
        prepare(folder, stores)
    monkeypatch.setattr(prepared_case, "load_case", only_p2)
    assert len(prepare(folder, stores).cases) == 3


def only_p2(case, readers):
    assert case.id == "P2", "the others are there already"
    return load_case(case)


def test_cohorts_that_share_patients_share_their_slices(folder, stores, monkeypatch):
    cases, _ = find_cases(folder)
    prepare_slices(cases[:2], stores, GRID)
    monkeypatch.setattr(prepared_case, "load_case", only_p2)
    assert len(prepare_slices(cases[::-1], stores, GRID).cases) == 3


def files_of(store, case_id):
    path = next(
        path
        for path in store.folder.glob("*.json")
        if read_json(path)["content"] == store.case(case_id)["content"]
    )
    return path.with_suffix(".slices"), path


def flip_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "a bit flipped": flip_bit,
    "emptied": lambda path: path.write_bytes(b""),
    "deleted": lambda path: path.unlink(),
    "made a pickle": lambda path: path.write_bytes(pickle.dumps(Canary())),
}


class Canary:
    def __reduce__(self):
        return os.mkdir, ("canary",)


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("which", [0, 1])
def test_a_damaged_patient_is_prepared_again_and_no_other(
    folder, stores, monkeypatch, tmp_path, damage, which
):
    monkeypatch.chdir(tmp_path)
    first = prepare(folder, stores)
    expected = first.images[:]
    DAMAGE[damage](files_of(first, "P2")[which])
    monkeypatch.setattr(prepared_case, "load_case", only_p2)
    second = prepare(folder, stores)
    assert np.array_equal(second.images[:], expected)
    assert second.key == first.key
    said = [text for text in second.problems if text.startswith("W-CACHE")]
    # A flipped bit in the record may fall into a figure or into its format.
    assert said or which == 1
    assert not (tmp_path / "canary").exists()
    assert prepare(folder, stores).problems == (), "once mended it is whole"


@pytest.mark.parametrize(
    "change", [{"version": 1}, {"images": ">i2"}, {"images": "|O"}, None]
)
def test_a_store_of_another_version_or_machine_is_prepared_again(
    folder, stores, change
):
    first = prepare(folder, stores)
    expected, (_, record) = first.images[:], files_of(first, "P1")
    content = read_json(record)
    content["format"] = change and {**content["format"], **change}
    write_json(record, content)
    second = prepare(folder, stores)
    assert np.array_equal(second.images[:], expected)
    (problem,) = second.problems
    assert problem.startswith(f"E-CACHE-VERSION  {record}")


@pytest.mark.parametrize("shape", [[10, 16, 16, 400], [10, 16], "x", [-1, 16, 16, 4]])
def test_a_record_that_lies_about_its_shape_is_not_believed(folder, stores, shape):
    first = prepare(folder, stores)
    expected, (_, record) = first.images[:], files_of(first, "P1")
    write_json(record, {**read_json(record), "shape": shape})
    assert np.array_equal(prepare(folder, stores).images[:], expected)


def test_a_deleted_store_is_prepared_again(folder, stores):
    first = prepare(folder, stores)
    images = first.images[:]
    shutil.rmtree(first.folder)
    assert np.array_equal(prepare(folder, stores).images[:], images)


def test_a_file_rewritten_with_its_old_size_and_time_is_read_anew(folder, stores):
    path = folder / "P1" / "P1_t1.nii.gz"
    data, affine = read_volume(path)
    path.unlink()
    write_volume(folder / "P1" / "P1_t1.nii", data, affine)
    path, first = folder / "P1" / "P1_t1.nii", prepare(folder, stores)
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[-(24 * 20 * 6 + 24 * 10 + 10) * 2] += 1  # A voxel in the brain.
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_size == times.st_size
    assert prepare(folder, stores).key != first.key


def test_a_full_disk_is_named_and_leaves_nothing_half_done(folder, stores, monkeypatch):
    monkeypatch.setattr(prepared_case, "free_bytes", lambda path: 10)
    with refused("E-DISK", stores) as caught:
        prepare(folder, stores)
    needed = 3 * BRAIN_SLICES * 16 * 16 * (2 * 4 + 1)
    assert f"needs {needed:,} bytes" in caught.value.what
    assert not list(stores.glob("*.slices"))
    monkeypatch.undo()
    assert len(prepare(folder, stores).cases) == 3


@pytest.mark.parametrize("limit", [1_000, 20_000])
def test_a_disk_that_fills_up_on_the_way_is_named(folder, stores, limit):
    code = (
        "import resource, sys; from builds import build; "
        "from brainseg_utils.errors import BrainSegError\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "try: build(*sys.argv[1:])\n"
        "except BrainSegError as error: print(error)"
    )
    command = [sys.executable, "-c", code, str(folder), str(stores)]
    done = subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("E-DISK  "), done.stderr
    assert not [path for path in stores.rglob("*") if path.suffix != ".lock"]
    assert len(prepare(folder, stores).cases) == 3


def test_a_folder_that_cannot_be_written_to_is_named(folder, stores, monkeypatch):
    def deny(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", deny)
    with refused("E-DISK-RO", stores) as caught:
        prepare(folder, stores)
    assert "BRAINSEG_HOME" in caught.value.remedy


def test_a_store_that_is_whole_is_opened_where_nothing_can_be_written(
    folder, stores, monkeypatch
):
    first = prepare(folder, stores)
    monkeypatch.setattr(prepared_case, "write_entry", fail_to_load)
    monkeypatch.setattr(prepared_case, "entry_lock", fail_to_load)
    assert prepare(folder, stores).key == first.key


def test_a_patient_under_two_ids_is_an_error_of_the_later_one(folder, stores):
    shutil.rmtree(folder / "P2")
    write_patient(folder, "P9", tumour_width=3)  # The files of P0.
    with refused("E-DUP-DATA", folder / "P9"):
        prepare(folder, stores)
    store = prepare(folder, stores, on_bad="exclude")
    assert list(store.tumour_ml) == ["P0", "P1"]


def test_the_data_key_follows_the_files_and_not_the_cut(folder, stores):
    first = prepare(folder, stores)
    assert prepare(folder, stores, SliceGrid(16, 8)).data_key == first.data_key
    add_to_a_voxel(folder / "P1" / "P1_t1.nii.gz")
    assert prepare(folder, stores).data_key != first.data_key


def test_tumour_rows_are_those_with_tumour(folder, stores):
    store = prepare(folder, stores)
    expected = np.flatnonzero(store.masks[:].any(axis=(1, 2)))
    assert store.tumour_rows().tolist() == expected.tolist()


def test_rows_are_those_of_the_patients_asked_for(folder, stores):
    store = prepare(folder, stores)
    assert store.rows(["P1"]).tolist() == list(range(10, 20))
    assert store.rows(["P2", "P0"]).tolist() == [*range(20, 30), *range(10)]
    assert store.rows([]).tolist() == []


@pytest.mark.parametrize(
    ("at_most", "expected"),
    [
        (0, list(range(20))),
        (20, list(range(20))),
        (100, list(range(20))),
        (19, list(range(0, 20, 2))),
        (7, list(range(0, 20, 3))),
        (1, [0]),
    ],
)
def test_rows_are_thinned_evenly(folder, stores, at_most, expected):
    rows = prepare(folder, stores).rows(["P0", "P1"], at_most)
    assert rows.tolist() == expected


def test_an_unknown_patient_is_an_error(folder, stores):
    with pytest.raises(KeyError, match="P9"):
        prepare(folder, stores).rows(["P9"])
