"""A store's slices against NumPy's own reading of its files; a model's predictions."""

from __future__ import annotations

import multiprocessing
import pickle
import warnings
from pathlib import Path

import hardslice
import nibabel
import numpy as np
import pytest
from hardslice import _hardslice


@pytest.fixture(scope="module")
def store(finished: hardslice.Run) -> hardslice.Store:
    return hardslice.Store(finished.out / "store", verify=True)


@pytest.fixture(scope="module")
def model(finished: hardslice.Run) -> hardslice.Model:
    return hardslice.Model(finished.out / "liver" / "hard" / "model")


def test_slices_are_views_of_the_files(store: hardslice.Store) -> None:
    assert len(store) == sum(case.n_slices for case in store.cases) == len(store.index)
    for place in (0, len(store) // 2, -1):
        found = store[place]
        image = np.load(store.path / "cases" / found.case.id / "image.npy")[found.z]
        labels = np.load(store.path / "cases" / found.case.id / "labels.npy")[found.z]
        assert (found.image == image).all() and found.image.dtype == np.int16
        assert (found.labels == labels).all() and found.labels.dtype == np.uint8
        assert (found.case.id, found.z) == store.index[place]
        for view in (found.image, found.labels):
            assert not view.flags.owndata and not view.flags.writeable
    assert np.shares_memory(store[0].image, store.volume(store.cases[0].id)[0])
    with pytest.raises(IndexError):
        store[len(store)]
    assert [found.z for found in store[:3]] == [0, 1, 2]


def test_a_store_is_pickled_by_its_path(store: hardslice.Store) -> None:
    again = pickle.loads(pickle.dumps(store))
    assert again.content_hash == store.content_hash and len(pickle.dumps(store)) < 1000


def test_dicts_for_monai_and_models_are_pickled_by_their_paths(
    store: hardslice.Store, model: hardslice.Model
) -> None:
    items = store.monai()
    assert len(pickle.dumps(items)) < 1000
    again = pickle.loads(pickle.dumps(items))
    assert len(again) == len(items) and (again[3]["image"] == items[3]["image"]).all()
    assert [item["z"] for item in items[:3]] == [0, 1, 2]
    batch = np.zeros((1, model.n_channels, model.size, model.size), np.float32)
    assert len(pickle.dumps(model)) < 1000
    assert (pickle.loads(pickle.dumps(model)).logits(batch) == model.logits(batch)).all()


def test_a_cohort_is_prepared_without_being_trained_on(experiment: Path, store: hardslice.Store, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        # Phantoms of 48 pixels are coarse.
        warnings.simplefilter("ignore", RuntimeWarning)
        prepared = hardslice.prepare(experiment, tmp_path / "store")
    assert prepared.content_hash == store.content_hash


def test_a_damaged_store_is_refused_by_name(store: hardslice.Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        hardslice.Store(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"store\.json"):
        hardslice.Store(tmp_path)


def test_monai_gets_a_list_of_dicts(store: hardslice.Store) -> None:
    items = store.monai()
    assert len(items) == len(store)
    assert items[5]["image"].shape == (1, store.size, store.size) and not items[5]["image"].flags.owndata
    assert (items[5]["case"], items[5]["z"]) == store.index[5]


def test_what_writes_to_a_view_in_spite_of_its_flag_writes_to_a_copy(store: hardslice.Store) -> None:
    torch = pytest.importorskip("torch")
    item = store.monai()[5]
    file = store.path / "cases" / item["case"] / "labels.npy"
    before = file.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        labels = torch.as_tensor(item["label"])
    labels[...] = 7
    assert int(labels.max()) == 7 and file.read_bytes() == before
    assert item["organs_annotated"] == store.cases[0].organs_annotated


def test_a_case_without_labels_is_unjudged(cohort: Path, tmp_path: Path) -> None:
    table = "case,image,labels\na,{0}/images/phantom_000.nii.gz,{0}/labels/phantom_000.nii.gz\nb,{0}/images/phantom_001.nii.gz,\n"
    (tmp_path / "cohort.csv").write_text(table.format(cohort))
    experiment = tmp_path / "e.toml"
    experiment.write_text('[cohort]\npath = "cohort.csv"\nlabels = { liver = [1] }\n[prepare]\nsize = 32\n')
    prepare = ["hardslice", "prepare", str(experiment), "--out", str(tmp_path / "store")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        _hardslice.command(prepare, None)
    store = hardslice.Store(tmp_path / "store")
    of_case = {found.case.id: found for found in store}
    assert (of_case["b"].labels == 255).all() and of_case["b"].case.organs_annotated == ()
    assert of_case["a"].case.organs_annotated == ("liver",)


def test_torch_gets_a_data_set(store: hardslice.Store) -> None:
    torch = pytest.importorskip("torch")
    loader = torch.utils.data.DataLoader(store.torch(), batch_size=4, num_workers=2)
    images, labels = next(iter(loader))
    low, high = store.window_hu
    wanted = np.stack([(found.image.astype(np.float32) - low) / (high - low) for found in store[:4]])
    assert np.allclose(images.numpy()[:, 0], wanted, atol=1e-6)
    assert (labels.numpy() == np.stack([found.labels for found in store[:4]])).all()


def test_without_torch_the_way_out_is_named(store: hardslice.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    monkeypatch.delitem(__import__("sys").modules, "hardslice._torch", raising=False)
    with pytest.raises(ImportError, match="pip install torch"):
        store.torch()


def scored_in_a_fork(arguments: tuple[np.ndarray, np.ndarray]) -> float | None:
    return hardslice.evaluate(*arguments, (1.0, 1.0, 1.0))["label_1"].dice


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork")
def test_a_forked_process_computes_on_threads_of_its_own() -> None:
    truth = np.zeros((20, 40, 40), np.uint8)
    truth[5:15, 10:30, 10:30] = 1
    prediction = np.roll(truth, 2, axis=0)
    # The threads of this process exist before the fork, and not after it.
    wanted = scored_in_a_fork((truth, prediction))
    with multiprocessing.get_context("fork").Pool(1) as pool:
        found = pool.apply_async(scored_in_a_fork, ((truth, prediction),)).get(timeout=60)
    assert found == wanted == 0.8


def scored_files_in_a_fork(cohort: Path) -> float | None:
    labels = cohort / "labels" / "phantom_000.nii.gz"
    return hardslice.evaluate(labels, labels, labels={"liver": 1})["liver"].dice


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork")
def test_a_forked_process_reads_files_on_threads_of_its_own(cohort: Path) -> None:
    wanted = scored_files_in_a_fork(cohort)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map_async(scored_files_in_a_fork, [cohort, cohort]).get(timeout=120)
    assert found == [wanted, wanted] == [1.0, 1.0]


def test_voxels_that_are_no_numbers_are_refused(model: hardslice.Model) -> None:
    voxels = np.zeros((8, 8, 4))
    voxels[2, 3, 1] = np.nan
    with pytest.raises(ValueError, match="1 voxels are NaN or infinite"):
        model.predict(voxels, np.eye(4))


def test_a_prediction_of_voxels_is_that_of_their_file(model: hardslice.Model, cohort: Path) -> None:
    image = nibabel.load(cohort / "images" / "phantom_001.nii.gz")
    told: list[int] = []
    voxels = model.predict(image.get_fdata(), image.affine, progress=lambda stage, done, n: told.append(done))
    file = model.predict(cohort / "images" / "phantom_001.nii.gz")
    assert voxels.shape == image.shape and voxels.dtype == np.uint8
    assert (voxels == file).all() and told[-1] in image.shape
    # The same voxels on other axes: the prediction goes with them.
    turned = nibabel.load(cohort / "images" / "phantom_001.nii.gz").as_reoriented(
        np.array([[2, 1], [0, -1], [1, 1]])
    )
    on_its_axes = model.predict(np.asarray(turned.dataobj), turned.affine)
    labels = nibabel.Nifti1Image(voxels, image.affine).as_reoriented(np.array([[2, 1], [0, -1], [1, 1]]))
    assert (on_its_axes == np.asarray(labels.dataobj)).all()


def test_a_prediction_is_that_of_the_program(
    model: hardslice.Model, finished: hardslice.Run, cohort: Path
) -> None:
    written = next((finished.out / "liver" / "hard" / "predictions").glob("*.nii.gz"))
    found = model.predict(cohort / "images" / written.name)
    assert (found == np.asarray(nibabel.load(written).dataobj)).all()


def test_logits_of_hounsfield_units_and_of_the_nets_scale_agree(
    model: hardslice.Model, store: hardslice.Store
) -> None:
    batch = np.stack([found.image[None] for found in store[10:13]])
    low, high = model.window_hu
    logits = model.logits(batch)
    assert logits.shape == (3, 1, store.size, store.size) and logits.dtype == np.float32
    assert np.array_equal(logits, model.logits((batch.astype(np.float32) - low) / (high - low)))
    with pytest.raises(ValueError, match="wanted"):
        model.logits(batch[:, 0])
    with pytest.raises(ValueError, match="wanted"):
        model.logits(batch[..., 1:])


def test_a_volume_that_does_not_say_where_it_lies_is_refused(model: hardslice.Model) -> None:
    volume = np.zeros((4, 4, 4), np.float32)
    for affine, said in (
        (None, "give affine"),
        (np.eye(3), "4 x 4"),
        (np.zeros((4, 4)), "4 x 4"),
        (np.diag([1, 1, 0, 1]), "affine"),
    ):
        with pytest.raises(ValueError, match=said):
            model.predict(volume, affine)
