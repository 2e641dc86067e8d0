"""Plans, and their weights on nnU-Net's slices. Neither nnU-Net nor torch is needed."""

from __future__ import annotations

import doctest
import subprocess
import sysconfig
from pathlib import Path

import hardslice
import hardslice.nnunet.weights
import numpy as np
import pytest
from hardslice.nnunet import trainer_dir
from hardslice.nnunet.weights import SlicePlan, slice_weights

PROGRAM = Path(sysconfig.get_path("scripts")) / "hardslice"
IDENTITY = (1, 0, 0, 0, 1, 0, 0, 0, 1)
UPSIDE_DOWN = (1, 0, 0, 0, 1, 0, 0, 0, -1)


def properties(direction: tuple[float, ...], n: int, low: int, high: int) -> dict[str, object]:
    return {
        "sitk_stuff": {"direction": direction},
        "shape_before_cropping": (n, 8, 9),
        "bbox_used_for_cropping": [[low, high], [0, 8], [0, 9]],
    }


def test_the_examples_of_the_documentation_run() -> None:
    done = doctest.testmod(hardslice.nnunet.weights)
    assert done.attempted > 1 and done.failed == 0


def test_the_program_says_where_the_trainer_lies() -> None:
    said = subprocess.run([PROGRAM, "nnunet", "--trainer-dir"], capture_output=True, text=True, check=True)
    assert Path(said.stdout.strip()) == trainer_dir()
    assert [path.name for path in trainer_dir().glob("*.py")] == ["nnUNetTrainerHardSlice.py"]


def test_slices_are_counted_from_the_feet_and_from_the_crop() -> None:
    plan = SlicePlan({"a": {0: 5.0, 1: 1.0, 2: 2.0, 3: 3.0, 5: 7.0}})
    order = [0, 1, 2]
    weights = slice_weights(plan, "a", properties(IDENTITY, 6, 1, 5), order)
    assert weights.tolist() == [1, 2, 3, 0], "the first and the last slice are cropped"
    weights = slice_weights(plan, "a", properties(UPSIDE_DOWN, 6, 1, 5), order)
    assert weights.tolist() == [0, 3, 2, 1], "the file begins at the head"


def test_the_axis_that_nnunet_slices_along_is_that_of_its_transposition() -> None:
    plan = SlicePlan({"a": {0: 1.0, 2: 2.0}})
    # The first axis of the file, the last of nnU-Net's array, runs from the head to the feet.
    first_is_body = (0, 1, 0, 0, 0, 1, -1, 0, 0)
    found = slice_weights(plan, "a", properties(first_is_body, 3, 0, 3), [2, 0, 1])
    assert found.tolist() == [2, 0, 1]
    with pytest.raises(ValueError, match="do not lie across the body"):
        slice_weights(plan, "a", properties(first_is_body, 3, 0, 3), [0, 1, 2])


def test_an_oblique_scan_is_taken_by_its_nearest_axis_and_a_diagonal_one_is_refused() -> None:
    plan = SlicePlan({"a": {0: 1.0}})
    for degrees, is_taken in [(20, True), (40, True), (45, False), (60, False)]:
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        tilted = properties((1, 0, 0, 0, c, -s, 0, s, c), 2, 0, 2)
        if is_taken:
            assert slice_weights(plan, "a", tilted, [0, 1, 2]).tolist() == [1, 0], degrees
        else:
            with pytest.raises(ValueError, match="across the body"):
                slice_weights(plan, "a", tilted, [0, 1, 2])


def test_nibabels_readers_say_how_a_scan_lies_too() -> None:
    plan = SlicePlan({"a": {0: 1.0}})
    affine = np.diag([0.7, 0.7, -5.0, 1.0])
    given = properties(IDENTITY, 3, 0, 3)
    del given["sitk_stuff"]
    given["nibabel_stuff"] = {"original_affine": affine}
    assert slice_weights(plan, "a", given, [0, 1, 2]).tolist() == [0, 0, 1]
    given["nibabel_stuff"] = {"original_affine": affine, "reoriented_affine": np.diag([0.7, 0.7, 5.0, 1.0])}
    assert slice_weights(plan, "a", given, [0, 1, 2]).tolist() == [1, 0, 0]
    for unknown in ({}, {"sitk_stuff": {"direction": (1, 0, 0, 1)}}):
        with pytest.raises(ValueError, match="nothing says how a lies"):
            slice_weights(plan, "a", {**properties(IDENTITY, 3, 0, 3), "sitk_stuff": None, **unknown}, [0, 1, 2])


def test_a_plan_of_another_scan_is_refused() -> None:
    with pytest.raises(ValueError, match="has a slice 6 of a, which has 6"):
        SlicePlan({"a": {6: 1.0}}).weights("a", 6)


def test_cases_that_the_plan_does_not_name_are_refused_until_somebody_says_what_they_weigh() -> None:
    weights = {"a": {1: 2.0}}
    SlicePlan(weights).check_cases(["a"])
    with pytest.raises(ValueError, match="1 of the 2 training cases are not in the plan: b.*HARDSLICE_UNLISTED"):
        SlicePlan(weights).check_cases(["a", "b"])
    with pytest.raises(ValueError, match="none of the 2 training cases"):
        SlicePlan(weights, unlisted=1.0).check_cases(["b", "c"])
    ordinary = SlicePlan(weights, unlisted=1.0)
    ordinary.check_cases(["a", "b"])
    assert ordinary.weights("b", 3).tolist() == [1, 1, 1]
    assert ordinary.weights("a", 3).tolist() == [0, 2, 0], "a slice of a named case that is not there is not drawn"
    with pytest.raises(ValueError, match="HARDSLICE_UNLISTED"):
        SlicePlan(weights).weights("b", 3)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("case,z\na,1\n", "weight is not there"),
        ("", "case, weight, z is not there"),
        ("case,z,weight\n", "no slices"),
        ("case,z,weight\na,-1,1\n", "whole number from 0, not 'a' and '-1': line 2"),
        ("case,z,weight\na,1.5,1\n", "whole number"),
        ("case,z,weight\n,1,1\n", "whole number"),
        ("case,z,weight\na,1\n", "a weight is a number from 0, not None"),
        ("case,z,weight\na,1,-2\n", "a weight is a number from 0, not '-2'"),
        ("case,z,weight\na,1,nan\n", "a weight is a number"),
        ("case,z,weight\na,1,inf\n", "a weight is a number"),
        ("case,z,weight\na,1,1_0\n", "a weight is a number"),
        ("case,z,weight\na,\u0661,1\n", "whole number from 0"),
        ("case;z;weight\na;1;1\n", "separated by commas"),
        ("case,z,weight\n\udcff,1,1\n", "no table in UTF-8.*plan.csv"),
        ("case,z,weight\na,1,2\nb,1,1\na,1,1\n", "slice 1 of a stands there twice: line 4"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_by_its_line(tmp_path: Path, table: str, said: str) -> None:
    path = tmp_path / "plan.csv"
    path.write_bytes(table.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=said):
        SlicePlan.read(path)


def test_the_environment_names_the_plan_and_what_unlisted_cases_weigh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HARDSLICE_PLAN", raising=False)
    monkeypatch.delenv("HARDSLICE_UNLISTED", raising=False)
    with pytest.raises(FileNotFoundError, match="HARDSLICE_PLAN.*hardslice_plan.csv"):
        SlicePlan.of_environment(tmp_path)
    (tmp_path / "hardslice_plan.csv").write_text("case,z,weight\na,0,1\n")
    assert SlicePlan.of_environment(tmp_path).weights("a", 1).tolist() == [1]
    other = tmp_path / "other.csv"
    other.write_text("weight,more,z,case\n3,x,0,a\n")
    monkeypatch.setenv("HARDSLICE_PLAN", str(other))
    monkeypatch.setenv("HARDSLICE_UNLISTED", "0.5")
    plan = SlicePlan.of_environment(tmp_path)
    assert plan.weights("a", 1).tolist() == [3] and plan.weights("b", 2).tolist() == [0.5, 0.5]
    for wrong in ("-1", "nan", "all"):
        monkeypatch.setenv("HARDSLICE_UNLISTED", wrong)
        with pytest.raises(ValueError, match="HARDSLICE_UNLISTED is a weight"):
            SlicePlan.of_environment(tmp_path)


def test_a_mining_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    rows = [hardslice.SliceScore(case, z, "liver", 100, 100, 100 - z) for case in ("a, b", "c") for z in range(10)]
    mined = hardslice.mine(hardslice.SliceScores(rows), tau="hardest 20 %", emphasis=1 / 3 + 1)
    mined.to_csv(tmp_path / "plan.csv")
    assert (tmp_path / "plan.csv").read_text().startswith('case,z,weight,reason\n"a, b",0,1,base\n')
    plan = SlicePlan.read(tmp_path / "plan.csv")
    for case in ("a, b", "c"):
        assert plan.weights(case, 10).tolist() == mined.weights_for([(case, z) for z in range(10)]).tolist()


def test_the_programs_plan_of_all_slices_is_read(experiment: Path, cohort: Path, tmp_path: Path) -> None:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)

    store, mined = tmp_path / "store", tmp_path / "mined"
    assert run("prepare", experiment, "--out", store).returncode == 0
    of = ("mine", experiment, "--store", store, "--predictions", cohort / "labels", "--label", "liver=4", "--out", mined)
    done = run(*of, "--arm", "all_emphasised")
    assert done.returncode == 0, done.stderr
    plan = SlicePlan.read(mined / "mining" / "plan.csv")
    for case in hardslice.Store(store).cases:
        weights = plan.weights(case.id, case.n_slices)
        assert set(weights.tolist()) <= {1.0, 2.0} and weights.max() == 2
    refused = run(*of, "--arm", "gradual")
    assert refused.returncode == 2 and "several plans" in refused.stderr
