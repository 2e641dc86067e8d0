"""Slices that are scored and mined, against NumPy and cases worked by hand."""

from __future__ import annotations

from pathlib import Path

import hardslice
import nibabel
import numpy as np
import pytest


def rows(dice: list[float], case: str = "a") -> hardslice.SliceScores:
    """Slices with this Dice each, of 1000 pixels in either mask."""
    return hardslice.SliceScores(
        hardslice.SliceScore(case, z, "liver", 1000, 1000, round(1000 * value)) for z, value in enumerate(dice)
    )


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_slices_are_counted_along_the_axis_that_is_named(axis: int) -> None:
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 3, (2, 4, 5, 6)).astype(np.uint8)
    scores = hardslice.score_slices(truth, prediction, {"a": 1, "b": 2}, axis=axis, case="x")
    found = {(row.z, row.organ): (row.truth_px, row.predicted_px, row.shared_px) for row in scores}
    for z in range(truth.shape[axis]):
        t, p = truth.take(z, axis), prediction.take(z, axis)
        for organ, value in (("a", 1), ("b", 2)):
            counts = ((t == value).sum(), (p == value).sum(), ((t == value) & (p == value)).sum())
            assert found[z, organ] == counts
    assert len(found) == 2 * truth.shape[axis]


def test_slices_of_files_are_axial_and_counted_from_the_feet_up(cohort: Path, tmp_path: Path) -> None:
    source = nibabel.load(cohort / "labels" / "phantom_000.nii.gz")
    canonical = nibabel.as_closest_canonical(source)
    truth = np.asarray(canonical.dataobj)
    # On other axes, and with the feet last.
    turned = canonical.as_reoriented(np.array([[1, -1], [2, 1], [0, -1]]))
    nibabel.save(turned, tmp_path / "truth.nii.gz")
    prediction = np.roll(truth, 2, axis=1)
    nibabel.save(nibabel.Nifti1Image(prediction, canonical.affine), tmp_path / "prediction.nii.gz")
    scores = hardslice.score_slices(tmp_path / "truth.nii.gz", tmp_path / "prediction.nii.gz", {"liver": 1})
    assert [row.z for row in scores] == list(range(truth.shape[2]))
    assert [row.truth_px for row in scores] == (truth == 1).sum(axis=(0, 1)).tolist()
    assert [row.shared_px for row in scores] == ((truth == 1) & (prediction == 1)).sum(axis=(0, 1)).tolist()


def test_the_folds_of_a_trainers_folder_are_one_cross_validation(cohort: Path, tmp_path: Path) -> None:
    names = sorted(path.name for path in (cohort / "labels").iterdir())
    for place, name in enumerate(names):
        fold = tmp_path / f"fold_{place % 5}" / "validation"
        fold.mkdir(parents=True, exist_ok=True)
        (fold / name).write_bytes((cohort / "labels" / name).read_bytes())
    (tmp_path / "fold_all" / "validation").mkdir(parents=True)
    (tmp_path / "fold_0" / "validation" / "summary.json").write_text("{}")
    scores = hardslice.score_slices(cohort / "labels", tmp_path, {"liver": 1})
    assert scores.cases == [name.split(".")[0] for name in names] and not scores.failures
    again = tmp_path / "fold_1" / "validation" / names[0]
    again.write_bytes((cohort / "labels" / names[0]).read_bytes())
    with pytest.raises(ValueError, match="keep one"):
        hardslice.score_slices(cohort / "labels", tmp_path, {"liver": 1})


def test_the_hardest_share_is_hard_and_weighs_twice() -> None:
    mined = hardslice.mine(rows([0.9, 0.2, 0.8, 0.4, 0.7, 0.6, 0.95, 0.5, 0.85, 0.65]), tau="hardest 20 %")
    assert mined.hard == [("a", 1), ("a", 3)]
    assert mined.taus["liver"] == hardslice.Tau(value=0.5, n_hard=2, n_scored=10)
    index = [("a", z) for z in range(10)] + [("b", 0)]
    assert mined.weights_for(index).tolist() == [1, 2, 1, 2, 1, 1, 1, 1, 1, 1, 0]
    assert mined.reasons["a", 1] == "hard" and mined.reasons["a", 0] == "base"
    frame = mined.to_pandas()
    assert frame["weight"].tolist() == [1, 2, 1, 2, 1, 1, 1, 1, 1, 1] and frame["is_hard"].sum() == 2


def test_tau_is_a_number_or_the_lowest_case_of_the_validation() -> None:
    scores = rows([0.9, 0.3, 0.6, 0.8])
    assert hardslice.mine(scores, tau=0.7).hard == [("a", 1), ("a", 2)]
    validation = rows([0.5, 0.7], "v") + rows([0.9, 0.9], "w")
    mined = hardslice.mine(scores, tau="validation", validation=validation)
    assert mined.taus["liver"].value == pytest.approx(0.6), "case v, all of its pixels together"
    with pytest.raises(ValueError, match="validation"):
        hardslice.mine(scores, tau="validation")


def test_the_papers_arm_shows_b_and_the_hard_slices_alone() -> None:
    scores = rows([0.9, 0.3, 0.8], "a") + rows([0.1, 0.9], "b")
    mined = hardslice.mine(scores, tau=0.5, arm="hard", b=["b"], emphasis=3)
    assert mined.weights == {("a", 1): 3, ("b", 0): 1, ("b", 1): 1}
    assert mined.hard == [("a", 1)], "b is not mined"


def test_positive_slices_can_weigh_more() -> None:
    empty = hardslice.SliceScores([hardslice.SliceScore("a", 9, "liver", 0, 0, 0)])
    mined = hardslice.mine(rows([0.9, 0.1]) + empty, tau=0.5, positive_weight=2)
    assert mined.weights == {("a", 0): 2, ("a", 1): 4, ("a", 9): 1}
    assert mined.verdicts[-1].dice is None and mined.verdicts[-1].rule == "both_empty"


def test_small_false_positives_can_pass() -> None:
    speck = hardslice.SliceScores([hardslice.SliceScore("a", 0, "liver", 0, 9, 0)])
    both = speck + hardslice.SliceScores([hardslice.SliceScore("a", 1, "liver", 9, 9, 9)])
    with pytest.warns(RuntimeWarning, match="of the scored slices are hard") as warned:
        assert hardslice.mine(both, tau=0.5, min_false_positive_px=10).hard == []
    assert warned[0].filename == __file__, "the warning names the caller's line"
    assert hardslice.mine(both, tau=0.5).hard == [("a", 0)]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tau": "soft"}, "hardest 15 %"),
        ({"tau": 1.5}, "between 0 and 1"),
        ({"arm": "harder"}, "there is no arm `harder`"),
        ({"emphasis": 0}, "emphasis must be from 1 to 100"),
        ({"b": ["z"]}, "'z' of b has no scores"),
        ({"min_false_positive_px": -1}, "-1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        hardslice.mine(rows([0.9, 0.2]), **settings)


def test_scores_that_are_none_or_doubled_are_refused() -> None:
    with pytest.raises(ValueError, match="no scores"):
        hardslice.mine(hardslice.SliceScores([]))
    with pytest.raises(ValueError, match="scored twice"):
        hardslice.mine(rows([0.5]) + rows([0.6]))
    with pytest.raises(ValueError, match="none of the 1 items is in the plan"):
        hardslice.mine(rows([0.5, 0.2]), tau=0.3).weights_for([("A", 0)])
    truth = np.ones((2, 2, 2), np.uint8)
    with pytest.raises(ValueError, match="along which axis"):
        hardslice.score_slices(truth, truth, case="a")
    with pytest.raises(ValueError, match="give case"):
        hardslice.score_slices(truth, truth, axis=0)


def test_triage_reads_the_ledgers_of_a_run(finished: hardslice.Run, cohort: Path) -> None:
    hard = hardslice.triage(finished.out, "liver")
    assert hard and all(row.organ == "liver" for row in hard)
    assert all(row.dice is None or row.dice < row.tau for row in hard)
    with pytest.raises(ValueError, match="no ledger"):
        hardslice.triage(cohort)


def few_scores() -> hardslice.SliceScores:
    rows = [hardslice.SliceScore(case, z, "liver", 100, 100, 100 - 5 * z) for case in "ab" for z in range(10)]
    return hardslice.SliceScores(rows)


def test_settings_may_be_numbers_of_numpy_and_are_refused_in_words() -> None:
    scores = few_scores()
    plain = hardslice.mine(scores, tau=0.8, emphasis=3.0, seed=4)
    of_numpy = hardslice.mine(scores, tau=np.float64(0.8), emphasis=np.float32(3), seed=np.int64(4))
    assert plain.hard == of_numpy.hard and plain.weights == of_numpy.weights
    for wrong, error in ((None, TypeError), (True, TypeError), (float("nan"), ValueError)):
        with pytest.raises(error, match="tau is"):
            hardslice.mine(scores, tau=wrong)  # type: ignore[arg-type]


def test_b_may_be_any_iterable() -> None:
    scores = few_scores()
    listed = hardslice.mine(scores, tau=0.8, arm="hard", b=["a"])
    generated = hardslice.mine(scores, tau=0.8, arm="hard", b=(case for case in ["a"]))  # type: ignore[arg-type]
    assert listed.weights == generated.weights and ("a", 0) in listed.weights


def test_what_is_in_no_plan_is_warned_of() -> None:
    failed = hardslice.SliceScores(list(few_scores()), {"c": "cannot be read"})
    with pytest.warns(RuntimeWarning, match="1 cases could not be scored"):
        mined = hardslice.mine(failed, tau=0.8)
    with pytest.warns(RuntimeWarning, match="nothing of 1 cases of the data set is in the plan, as 'c'"):
        weights = mined.weights_for([("a", 0), ("c", 0)])
    assert weights[0] > 0 and weights[1] == 0
