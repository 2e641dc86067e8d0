"""Scores against surface-distance, NumPy and cases worked by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import hardslice
import nibabel
import numpy as np
import pytest
import surface_distance

SPACING_MM = (2.5, 0.7, 0.9)


def blobs(seed: int, shape: tuple[int, int, int] = (14, 22, 18)) -> tuple[np.ndarray, np.ndarray]:
    """Two label maps of two organs each, alike and not the same."""
    rng = np.random.default_rng(seed)
    grid = np.indices(shape).transpose(1, 2, 3, 0)
    maps = []
    for _ in range(2):
        labels = np.zeros(shape, np.uint8)
        for value, centre in ((3, (5, 8, 6)), (7, (9, 15, 12))):
            moved = np.asarray(centre) + rng.normal(0, 0.8, 3)
            distance = np.linalg.norm((grid - moved) * SPACING_MM, axis=-1)
            labels[distance + rng.normal(0, 0.3, shape) < 4.5] = value
        maps.append(labels)
    return maps[0], maps[1]


@pytest.mark.parametrize("seed", range(4))
def test_scores_are_those_of_surface_distance_and_numpy(seed: int) -> None:
    truth, prediction = blobs(seed)
    scores = hardslice.evaluate(truth, prediction, SPACING_MM, {"liver": 3, "spleen": [7]}, nsd_tolerance_mm=1.0)
    assert list(scores) == ["liver", "spleen"]
    for organ, value in (("liver", 3), ("spleen", 7)):
        a, b = truth == value, prediction == value
        distances = surface_distance.compute_surface_distances(a, b, SPACING_MM)
        assert scores[organ].dice == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()), abs=1e-12)
        assert scores[organ].hd95_mm == pytest.approx(
            surface_distance.compute_robust_hausdorff(distances, 95), abs=1e-9
        )
        one, other = surface_distance.compute_average_surface_distance(distances)
        areas = [distances["surfel_areas_gt"].sum(), distances["surfel_areas_pred"].sum()]
        assert scores[organ].assd_mm == pytest.approx((one * areas[0] + other * areas[1]) / sum(areas), rel=1e-6)
        assert scores[organ].nsd == pytest.approx(
            surface_distance.compute_surface_dice_at_tolerance(distances, 1.0), abs=1e-9
        )
        voxel_ml = np.prod(SPACING_MM) / 1000
        assert scores[organ].volume_difference_ml == pytest.approx((int(b.sum()) - int(a.sum())) * voxel_ml)
        assert scores[organ].status == "scored"


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.int64, np.float32, ">i2"])
def test_every_type_of_label_map_has_the_same_scores(dtype: object) -> None:
    truth, prediction = blobs(1)
    wanted = hardslice.evaluate(truth, prediction, SPACING_MM)
    assert list(wanted) == ["label_3", "label_7"]
    both = hardslice.evaluate(truth.astype(dtype), prediction.astype(dtype), SPACING_MM)
    mixed = hardslice.evaluate(truth, prediction.astype(dtype), SPACING_MM)
    assert both == wanted and mixed == wanted


def test_masks_of_bool_are_the_organ_where_true() -> None:
    truth, prediction = (labels == 3 for labels in blobs(2))
    scores = hardslice.evaluate(truth, prediction, SPACING_MM, {"liver": 1})
    assert scores["liver"] == hardslice.evaluate(*blobs(2), SPACING_MM, {"liver": 3})["liver"]


def test_the_order_of_memory_and_strides_do_not_matter() -> None:
    truth, prediction = blobs(3)
    wanted = hardslice.evaluate(truth, prediction, SPACING_MM, {"liver": 3})["liver"]
    wide = np.zeros((14, 22, 36), np.uint8)
    wide[:, :, ::2] = truth
    for other in (np.asfortranarray(truth), wide[:, :, ::2]):
        for predicted in (prediction, np.asfortranarray(prediction)):
            found = hardslice.evaluate(other, predicted, SPACING_MM, {"liver": 3})["liver"]
            assert found.dice == wanted.dice
            assert found.hd95_mm == pytest.approx(wanted.hd95_mm, abs=1e-12)
            assert found.assd_mm == pytest.approx(wanted.assd_mm, abs=1e-12)
            assert found.nsd == pytest.approx(wanted.nsd, abs=1e-12)


def test_the_spacing_belongs_to_the_axes_of_the_array() -> None:
    # Two voxels that lie two apart along each axis in turn: the distance is twice its spacing.
    for axis, spacing in enumerate((5.0, 0.7, 0.9)):
        truth, prediction = np.zeros((5, 5, 5), np.uint8), np.zeros((5, 5, 5), np.uint8)
        at = [2, 2, 2]
        truth[tuple(at)] = 1
        at[axis] = 4
        prediction[tuple(at)] = 1
        scores = hardslice.evaluate(truth, prediction, (5.0, 0.7, 0.9), convention="monai")["label_1"]
        assert scores.hd95_mm == pytest.approx(2 * spacing)


def test_organs_of_several_values_and_what_is_ignored() -> None:
    truth, prediction = blobs(0)
    scores = hardslice.evaluate(truth, prediction, SPACING_MM, {"both": [3, 7]})["both"]
    a, b = truth > 0, prediction > 0
    assert scores.dice == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()))
    judged = hardslice.evaluate(truth, prediction, SPACING_MM, {"liver": 3}, ignore=[7])["liver"]
    a, b = truth == 3, (prediction == 3) & (truth != 7)
    assert judged.dice == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()))


def test_other_values_of_the_prediction_are_doubted_or_given(tmp_path: Path) -> None:
    truth, prediction = blobs(3)
    wanted = hardslice.evaluate(truth, prediction, SPACING_MM, {"liver": 3})["liver"]
    mask = np.where(prediction == 3, 255, 0).astype(np.uint8)
    affine = np.diag((*SPACING_MM, 1.0))
    for name, labels in (("truth", truth), ("masks", mask)):
        (tmp_path / name).mkdir()
        nibabel.save(nibabel.Nifti1Image(labels, affine), tmp_path / name / "a.nii")
    files = [tmp_path / name / "a.nii" for name in ("truth", "masks")]
    folders = [file.parent for file in files]
    given = {"labels": {"liver": 3}, "prediction_labels": {"liver": 255}}
    doubted = "`liver` is in the truth and in no prediction.*255"
    with pytest.warns(RuntimeWarning, match=doubted):
        missed = hardslice.evaluate(truth, mask, SPACING_MM, {"liver": 3})["liver"]
    assert (missed.dice, missed.status) == (0.0, "prediction_empty")
    assert hardslice.evaluate(truth, mask, SPACING_MM, **given)["liver"] == wanted
    assert hardslice.evaluate(truth.astype(np.int32), mask, SPACING_MM, **given)["liver"] == wanted
    with pytest.warns(RuntimeWarning, match=doubted):
        hardslice.evaluate(*files, labels={"liver": 3})
    assert hardslice.evaluate(*files, **given)["liver"].dice == wanted.dice
    with pytest.warns(RuntimeWarning, match=doubted):
        hardslice.evaluate_folder(*folders, {"liver": 3})
    assert hardslice.evaluate_folder(*folders, **given)[0].scores.dice == wanted.dice
    with pytest.warns(RuntimeWarning, match=doubted):
        hardslice.score_slices(*folders, {"liver": 3})
    by_arrays = [hardslice.score_slices(truth, other, axis=2, case="a", **labels) for other, labels in (
        (prediction, {"labels": {"liver": 3}}),
        (mask, given),
    )]
    assert list(by_arrays[0]) == list(by_arrays[1])
    assert list(hardslice.score_slices(*folders, **given)) == list(by_arrays[0])
    with pytest.raises(ValueError, match="no organ `spleen`"):
        hardslice.evaluate(truth, mask, SPACING_MM, {"liver": 3}, prediction_labels={"spleen": 7})
    with pytest.raises(ValueError, match="prediction_labels"):
        hardslice.evaluate(truth, mask, SPACING_MM, prediction_labels={"spleen": 7})


def test_files_are_scored_as_their_arrays_are(tmp_path: Path) -> None:
    truth, prediction = blobs(1)
    affine = np.diag([*SPACING_MM, 1.0])
    for labels, name in ((truth, "truth"), (prediction, "prediction")):
        nibabel.save(nibabel.Nifti1Image(labels, affine), tmp_path / f"{name}.nii.gz")
    files = hardslice.evaluate(tmp_path / "truth.nii.gz", str(tmp_path / "prediction.nii.gz"), labels={"liver": 3})
    image = nibabel.load(tmp_path / "truth.nii.gz")
    zooms = image.header.get_zooms()
    arrays = hardslice.evaluate(image.get_fdata(), prediction, zooms, {"liver": 3})
    assert files["liver"].dice == arrays["liver"].dice
    assert files["liver"].hd95_mm == pytest.approx(arrays["liver"].hd95_mm, abs=1e-5)
    assert files["liver"].assd_mm == pytest.approx(arrays["liver"].assd_mm, rel=1e-5)


TRUTH, PREDICTION = blobs(0)


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "said"),
    [
        ((TRUTH, PREDICTION), {}, ValueError, "give spacing_mm"),
        ((TRUTH, PREDICTION, (1, 1)), {}, ValueError, "wanted three numbers above 0"),
        ((TRUTH, PREDICTION, (1, 0, 1)), {}, ValueError, "wanted three numbers above 0"),
        ((TRUTH, PREDICTION, (1, float("nan"), 1)), {}, ValueError, "wanted three numbers above 0"),
        ((TRUTH, PREDICTION[1:], SPACING_MM), {}, ValueError, "(14, 22, 18) and the prediction (13, 22, 18)"),
        ((TRUTH[0], PREDICTION[0], SPACING_MM), {}, ValueError, "array[None]"),
        ((TRUTH[None], PREDICTION[None], SPACING_MM), {}, ValueError, "argmax"),
        ((TRUTH + 0.5, PREDICTION, SPACING_MM), {}, ValueError, "threshold"),
        ((TRUTH.astype(complex), PREDICTION, SPACING_MM), {}, TypeError, "complex128"),
        ((TRUTH.astype(str), PREDICTION, SPACING_MM), {}, TypeError, "label values"),
        ((-TRUTH.astype(np.int16), PREDICTION.astype(np.int16), SPACING_MM), {}, ValueError, "wanted 0 to 65535"),
        ((TRUTH.astype(np.int64) * 70000, PREDICTION, SPACING_MM), {}, ValueError, "wanted 0 to 65535"),
        ((0 * TRUTH, 0 * PREDICTION, SPACING_MM), {}, ValueError, "name the organs"),
        ((TRUTH, PREDICTION, SPACING_MM, {"liver": 0}), {}, ValueError, "0"),
        ((TRUTH, PREDICTION, SPACING_MM, {"liver": -1}), {}, ValueError, "not within 0 to 65535"),
        ((TRUTH, PREDICTION, SPACING_MM, {"liver": 1.5}), {}, TypeError, "1.5"),
        ((TRUTH, PREDICTION, SPACING_MM, {"a": 1, "b": [1]}), {}, ValueError, "1"),
        ((TRUTH, PREDICTION, SPACING_MM, {}), {}, ValueError, "organ"),
        ((TRUTH, PREDICTION, SPACING_MM, ["liver"]), {}, TypeError, "wanted a mapping"),
        ((TRUTH, PREDICTION, SPACING_MM), {"convention": "itk"}, ValueError, "surface_distance"),
        ((TRUTH, PREDICTION, SPACING_MM), {"nsd_tolerance_mm": -1}, ValueError, "0 or more"),
        ((TRUTH, PREDICTION, SPACING_MM), {"ignore": [70000]}, ValueError, "70000"),
        ((TRUTH, PREDICTION, SPACING_MM), {"scan": "scan.nii"}, ValueError, "for files"),
        (("nowhere.nii.gz", "nowhere.nii.gz"), {}, FileNotFoundError, "nowhere.nii.gz"),
        ((__file__, __file__), {}, ValueError, "test_evaluate.py"),
        ((__file__, PREDICTION), {}, ValueError, "one of truth and prediction is a file"),
        ((__file__, __file__, SPACING_MM), {}, ValueError, "for arrays"),
    ],
)
def test_what_is_ambiguous_or_wrong_is_refused_in_words(
    arguments: tuple, settings: dict, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as refused:
        hardslice.evaluate(*arguments, **settings)
    assert said in str(refused.value)


def test_a_folder_is_a_table_with_statistics_and_a_verdict(cohort: Path, tmp_path: Path) -> None:
    predictions = tmp_path / "predictions"
    predictions.mkdir()
    names = sorted(path.name for path in (cohort / "labels").iterdir())
    dice = []
    for place, name in enumerate(names):
        image = nibabel.load(cohort / "labels" / name)
        truth = np.asarray(image.dataobj)
        wrong = np.where(np.roll(truth, 1 + place % 2, axis=0) == 1, 1, 0).astype(np.uint8)
        dice.append(2 * ((truth == 1) & (wrong == 1)).sum() / ((truth == 1).sum() + (wrong == 1).sum()))
        if place > 0:
            nibabel.save(nibabel.Nifti1Image(wrong, image.affine), predictions / name)
    (predictions / "other.nii.gz").write_bytes((predictions / names[1]).read_bytes())
    told: list[tuple[str, int, int]] = []
    table = hardslice.evaluate_folder(
        cohort / "labels", predictions, {"liver": 1}, progress=lambda *step: told.append(step)
    )
    assert len(table) == len(names) and table[0].scores.status == "prediction_missing"
    assert table[0].scores.dice is None and "phantom_000" in table.failures
    assert [path.name for path in table.extra] == ["other.nii.gz"]
    assert [row.scores.dice for row in table[1:]] == pytest.approx(dice[1:])
    summary = table.summary()["liver"]["dice"]
    assert (summary.n, summary.mean, summary.sd) == (
        len(names) - 1,
        pytest.approx(np.mean(dice[1:])),
        pytest.approx(np.std(dice[1:], ddof=1)),
    )
    assert told[-1] == ("evaluate", len(names), len(names))
    frame = table.to_pandas()
    assert list(frame.columns) == ["case", "organ", *("dice hd95_mm assd_mm nsd volume_difference_ml status".split())]
    assert frame["dice"].isna().sum() == 1 and frame["dice"].dtype == np.float64
    perfect = hardslice.evaluate_folder(cohort / "labels", cohort / "labels", {"liver": 1})
    compared = perfect.compare(table, trainings=[(perfect, table), (perfect, table)])["liver"]
    mean = next(row for row in compared.differences if row["end_point"] == "mean")
    assert mean["difference"] == pytest.approx(1 - np.mean(dice[1:]))
    assert mean["n_left_out"] == 1 and "predictions" in compared.verdict
    alone = perfect.compare(table)["liver"]
    assert "With 1 training nothing can be concluded" in alone.verdict


MEMORY = """
import resource, sys
import numpy as np
import hardslice

order, dtype = sys.argv[1], sys.argv[2]
truth = np.zeros((128, 1024, 512), np.uint8, order=order)
prediction = np.zeros(truth.shape, dtype, order=order)
truth[40:50, 40:60, 40:60] = 1
prediction[41:51, 40:60, 40:60] = 1
# Every page is there before it is counted.
truth += 0
prediction += 0
small = np.ones((2, 2, 2), np.uint8)
hardslice.evaluate(small, small, (1, 1, 1))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
scores = hardslice.evaluate(truth, prediction, (2.5, 0.8, 0.8), {"liver": 1})
assert scores["liver"].dice == 0.9
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit elsewhere")
def test_arrays_of_one_type_are_scored_without_a_copy() -> None:
    def grown_mib(order: str, dtype: str) -> float:
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, order, dtype], capture_output=True, text=True, check=True
        )
        return float(done.stdout)

    # Each array has 64 MiB.
    assert grown_mib("C", "uint8") < 8
    assert grown_mib("F", "uint8") < 8
    assert grown_mib("C", "int16") > 64, "two types are brought to one, which shows that copies are seen"


def test_what_arrays_cannot_hold_is_refused() -> None:
    truth = np.zeros((4, 8, 8), np.int32)
    truth[1:3, 2:6, 2:6] = 1
    for value in (-1, 70000):
        odd = truth.copy()
        odd[0, 0, 0] = value
        for labels in ({"liver": 1}, {"liver": [1, 2]}):
            with pytest.raises(ValueError, match=str(value)):
                hardslice.evaluate(odd, truth, (1.0, 1.0, 1.0), labels)
    with pytest.raises(ValueError, match="given by names alone"):
        hardslice.evaluate(truth, truth, (1.0, 1.0, 1.0), {"liver": "liver"})
    with pytest.raises(ValueError, match="given by names alone"):
        hardslice.score_slices(truth, truth, {"liver": "liver"}, axis=0, case="a")
    with pytest.raises(TypeError, match="give labels by name"):
        hardslice.evaluate(truth, truth, {"liver": 1})  # type: ignore[arg-type]
