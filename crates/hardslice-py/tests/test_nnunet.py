"""nnU-Net itself with our trainer: what its loader draws, and a training by its own command.

Needs ``pip install nnunetv2`` (2.8 or newer, with torch); without it all is skipped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pytest

pandas = pytest.importorskip("pandas")
pytest.importorskip("nnunetv2", reason="nnU-Net is not installed: its loader and its training are NOT TESTED")

from hardslice.nnunet import trainer_dir  # noqa: E402

SCRIPTS = Path(sysconfig.get_path("scripts"))
FOREGROUND = range(3, 6)


EXPERIMENT = """
preset = "demo"
organs = ["liver"]
[cohort]
path = "{cohort}"
labels = {{ liver = [1], kidney_right = [2], kidney_left = [3], spleen = [4] }}
[prepare]
size = 160
"""


def run(*command: object, environment: dict[str, str], status: int = 0) -> str:
    """Run a command of the environment; what it printed."""
    # nnU-Net starts as many processes as it finds cores.
    settings = {"OMP_NUM_THREADS": "1", "nnUNet_n_proc_DA": "1", "nnUNet_def_n_proc": "1", "nnUNet_compile": "f"}
    done = subprocess.run(
        [SCRIPTS / str(command[0]), *map(str, command[1:])],
        env={**os.environ, **settings, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == status, done.stdout[-4000:]
    return done.stdout


@dataclass
class Folders:
    """Of nnU-Net's, and what they are called in the environment."""

    raw: Path
    preprocessed: Path
    results: Path

    @classmethod
    def below(cls, path: Path) -> Folders:
        made = cls(path / "raw", path / "preprocessed", path / "results")
        for folder in (made.raw, made.preprocessed, made.results):
            folder.mkdir()
        return made

    @property
    def environment(self) -> dict[str, str]:
        return {
            "nnUNet_raw": str(self.raw),
            "nnUNet_preprocessed": str(self.preprocessed),
            "nnUNet_results": str(self.results),
            "nnUNet_extTrainer": str(trainer_dir()),
        }


@dataclass
class Coded:
    """A case each of whose pixels says which slice it lies in."""

    name: str
    n_slices: int
    # Slices from the feet up that are all zero at either end: nnU-Net crops them.
    n_empty: tuple[int, int]
    is_upside_down: bool
    pixel_mm: float

    def code(self, z: int) -> int:
        return 100 * int(self.name[-1]) + z + 1


CASES = [
    Coded("case_1", 9, (0, 0), False, 1.0),
    Coded("case_2", 12, (2, 1), False, 1.0),
    Coded("case_3", 10, (1, 0), True, 1.0),
    Coded("case_4", 8, (0, 2), True, 1.5),
    Coded("case_5", 11, (0, 0), True, 1.0),
]


def write_coded(dataset: Path, case: Coded, body_axis: int) -> None:
    """Writes a case whose file runs along the body by its axis ``body_axis``."""
    n = case.n_slices
    image = np.zeros((24, 20, n), np.float32)
    labels = np.zeros((24, 20, n), np.uint8)
    for z in range(case.n_empty[0], n - case.n_empty[1]):
        image[:, :, z] = case.code(z)
    for z in FOREGROUND:
        labels[15:18, 4:7, z] = 1
    affine = np.diag([case.pixel_mm, case.pixel_mm, 5.0, 1.0])
    if case.is_upside_down:
        image, labels = image[:, :, ::-1], labels[:, :, ::-1]
        affine[2, 2], affine[2, 3] = -5.0, 5.0 * (n - 1)
    order = [0, 1, 2] if body_axis == 2 else [2, 0, 1]
    columns = [*affine[:, order].T, affine[:, 3]]
    affine = np.array(columns).T
    for folder, name, voxels in (("imagesTr", f"{case.name}_0000", image), ("labelsTr", case.name, labels)):
        nibabel.save(
            nibabel.Nifti1Image(np.ascontiguousarray(voxels.transpose(order)), affine), dataset / folder / f"{name}.nii.gz"
        )


def write_dataset(dataset: Path, body_axis: int) -> None:
    for folder in ("imagesTr", "labelsTr"):
        (dataset / folder).mkdir(parents=True)
    for case in CASES:
        write_coded(dataset, case, body_axis)
    (dataset / "dataset.json").write_text(
        json.dumps(
            {
                "channel_names": {"0": "noNorm"},
                "labels": {"background": 0, "liver": 1},
                "numTraining": len(CASES),
                "file_ending": ".nii.gz",
            }
        )
    )


DRAW = """
import collections, json, os, sys
import numpy, torch
sys.path.insert(0, os.environ["nnUNet_extTrainer"])
from nnUNetTrainerHardSlice import nnUNetTrainerHardSlice

class Bare(nnUNetTrainerHardSlice):
    # Without augmentation a patch shows which slice it is of.
    @staticmethod
    def get_training_transforms(*arguments, **options):
        return None

preprocessed = os.path.join(os.environ["nnUNet_preprocessed"], sys.argv[1])
plans = json.load(open(f"{preprocessed}/nnUNetPlans.json"))
assert plans["configurations"]["2d"]["batch_size"] >= 2
plans["continue_training"] = False
numpy.random.seed(7)
trainer = Bare(plans, "2d", "all", json.load(open(f"{preprocessed}/dataset.json")), torch.device("cpu"))
trainer._set_batch_size_and_oversample()
training, validation = trainer.get_dataloaders()
drawn, seen = collections.Counter(), collections.Counter()
n_on_foreground = n_forced = 0
while sum(drawn.values()) < 6000:
    batch = next(training)
    for place, (data, target) in enumerate(zip(numpy.asarray(batch["data"]), numpy.asarray(batch["target"]))):
        drawn[round(float(data.max()))] += 1
        is_forced = place >= round(len(batch["data"]) * (1 - trainer.oversample_foreground_percent))
        if is_forced and round(float(data.max())) in json.loads(sys.argv[2]):
            n_forced += 1
            n_on_foreground += int((target == 1).any())
for _ in range(300):
    for data in numpy.asarray(next(validation)["data"]):
        seen[round(float(data.max()))] += 1
print("DRAWN", json.dumps([drawn, seen, n_forced, n_on_foreground]))
"""


class TwoCases:
    """Stands for a data set of nnU-Net's; ``a`` has 4 slices, ``b`` 2, and ``a`` is listed twice."""

    def __init__(self, n_preprocessed: int = 4):
        self.identifiers = ["a", "a", "b"]
        self.n_slices = {"a": n_preprocessed, "b": 2}

    def load_case(self, case: str) -> tuple[object, ...]:
        n = {"a": 4, "b": 2}[case]
        properties = {
            "sitk_stuff": {"direction": (1, 0, 0, 0, 1, 0, 0, 0, 1)},
            "shape_before_cropping": (n, 8, 9),
            "bbox_used_for_cropping": [[0, n], [0, 8], [0, 9]],
            "class_locations": {1: np.array([[0, 0, 3, 3], [0, 1, 4, 4]]), 2: []},
        }
        return np.zeros((1, self.n_slices[case], 8, 9)), None, None, properties


def test_a_case_is_as_likely_as_its_slices_weigh_together_and_in_3d_on_average() -> None:
    from hardslice.nnunet.loader import PlannedDataset
    from hardslice.nnunet.weights import SlicePlan

    plan = SlicePlan({"a": {0: 1.0, 1: 1.0, 2: 4.0, 3: 0.0}, "b": {0: 1.0, 1: 1.0}})
    by_slice = PlannedDataset(TwoCases(), plan, [0, 1, 2], by_slice=True)
    assert by_slice.probabilities.tolist() == pytest.approx([3 / 8, 3 / 8, 2 / 8]), "6 and 2; a stands there twice"
    locations = by_slice.load_case("a")[3]["class_locations"]
    assert locations.probabilities.tolist() == pytest.approx([1 / 6, 1 / 6, 4 / 6, 0])
    assert [len(found) for found in locations.in_slice(1).values()] == [1, 0]
    in_3d = PlannedDataset(TwoCases(), plan, [0, 1, 2], by_slice=False)
    assert in_3d.probabilities.tolist() == pytest.approx([0.3, 0.3, 0.4]), "1.5 and 1"
    assert type(in_3d.load_case("a")[3]["class_locations"]) is dict, "nnU-Net's own"


def test_a_plan_that_leaves_nothing_or_does_not_fit_is_refused() -> None:
    from hardslice.nnunet.loader import PlannedDataset
    from hardslice.nnunet.weights import SlicePlan

    with pytest.raises(ValueError, match="nothing to draw"):
        PlannedDataset(TwoCases(), SlicePlan({"a": {0: 0.0}, "b": {}}), [0, 1, 2], by_slice=True)
    with pytest.raises(ValueError, match="a has 5 slices in nnU-Net, and 4 before"):
        PlannedDataset(TwoCases(5), SlicePlan({"a": {0: 1.0}, "b": {}}), [0, 1, 2], by_slice=True)
    with pytest.raises(ValueError, match="HARDSLICE_UNLISTED"):
        PlannedDataset(TwoCases(), SlicePlan({"a": {0: 1.0}}), [0, 1, 2], by_slice=True)


def probability(chi_square: float, n_free: int) -> float:
    from scipy.stats import chi2

    return float(chi2.sf(chi_square, n_free))


@pytest.mark.parametrize("body_axis", [2, 0])
def test_the_loader_draws_slices_with_the_frequencies_of_the_plan(body_axis: int, tmp_path: Path) -> None:
    folders = Folders.below(tmp_path)
    name = "Dataset501_Coded"
    write_dataset(folders.raw / name, body_axis)
    run("nnUNetv2_plan_and_preprocess", "-d", 501, "-c", "2d", "-np", 1, "-npfp", 1, environment=folders.environment)
    plans = json.loads((folders.preprocessed / name / "nnUNetPlans.json").read_text())
    assert plans["transpose_forward"][0] == 2 - body_axis, "slices lie across the body"
    # Hard ones three times as often, some not at all, a whole case not at all.
    plan = {
        case.code(z): [1.0, 3.0, 0.0, 1.0, 0.5][(z + int(case.name[-1])) % 5] * (case.name != "case_5")
        for case in CASES
        for z in range(case.n_slices)
    }
    rows = [f"{case.name},{z},{plan[case.code(z)]}" for case in CASES for z in range(case.n_slices)]
    (folders.preprocessed / name / "hardslice_plan.csv").write_text("\n".join(["case,z,weight", *rows]))
    for case in CASES:
        for z in [*range(case.n_empty[0]), *range(case.n_slices - case.n_empty[1], case.n_slices)]:
            plan[case.code(z)] = 0.0  # Cropped.

    foreground = [case.code(z) for case in CASES for z in FOREGROUND]
    script = tmp_path / "draw.py"
    script.write_text(DRAW)
    command = (Path(sys.executable).name, script, name, json.dumps(foreground))
    said = run(*command, environment={**folders.environment, "nnUNet_n_proc_DA": "0"})
    drawn, seen, n_forced, n_on_foreground = json.loads(said.rsplit("DRAWN ", 1)[1])
    drawn = {int(code): n for code, n in drawn.items()}
    n, total = sum(drawn.values()), sum(plan.values())
    assert set(drawn) == {code for code, weight in plan.items() if weight > 0}, "none that weighs nothing"
    expected = {code: n * weight / total for code, weight in plan.items() if weight > 0}
    planned = sum((drawn[code] - expected[code]) ** 2 / expected[code] for code in expected)
    p = probability(planned, len(expected) - 1)
    assert p > 0.001, f"p = {p}, chi-square {planned:.1f} of {len(expected)} slices"
    even = n / len(expected)
    as_if_even = sum((drawn[code] - even) ** 2 / even for code in expected)
    assert probability(as_if_even, len(expected) - 1) < 1e-9, "the test can tell"
    print(f"{n} draws, {len(expected)} slices: chi-square {planned:.1f}, p = {p:.3f}")
    assert n_forced > 300 and n_on_foreground == n_forced, "forced foreground is shown where the slice has any"
    # The validation batches are nnU-Net's own, of slices and cases that weigh nothing, too.
    assert {500 + z + 1 for z in FOREGROUND} <= {int(code) for code in seen}


def keep_slices(path: Path, first: int, end: int) -> None:
    """Cut a scan to some slices along its body, in the order in which it is stored."""
    image = nibabel.load(path)
    (body,) = np.flatnonzero(nibabel.io_orientation(image.affine)[:, 0] == 2)
    kept = [slice(None)] * 3
    kept[body] = slice(first, end)
    cut = image.slicer[tuple(kept)]
    nibabel.save(nibabel.Nifti1Image(np.asarray(cut.dataobj), cut.affine), path)


def test_nnunets_own_command_trains_with_the_trainer(tmp_path: Path) -> None:
    folders = Folders.below(tmp_path)
    run("hardslice", "phantom", "--out", tmp_path / "phantoms", "--patients", 5, "--size", 160, "--seed", 1, "--nnunet",
        environment={})  # fmt: skip
    name = "Dataset502_Phantoms"
    shutil.copytree(tmp_path / "phantoms" / "nnunet", folders.raw / name)
    for path in (folders.raw / name).glob("*/*.nii.gz"):
        keep_slices(path, 30, 50)
    # One of them is stored along another axis than the others.
    description = json.loads((folders.raw / name / "dataset.json").read_text())
    description["overwrite_image_reader_writer"] = "SimpleITKIOWithReorient"
    (folders.raw / name / "dataset.json").write_text(json.dumps(description))
    run("nnUNetv2_plan_and_preprocess", "-d", 502, "-c", "2d", "-np", 2, "-npfp", 2, environment=folders.environment)
    path = folders.preprocessed / name / "nnUNetPlans.json"
    plans = json.loads(path.read_text())
    # What is planned for a graphics card takes a CPU minutes.
    planned = plans["configurations"]["2d"]
    planned["batch_size"] = 4
    features = planned["architecture"]["arch_kwargs"]["features_per_stage"]
    planned["architecture"]["arch_kwargs"]["features_per_stage"] = [n // 8 for n in features]
    path.write_text(json.dumps(plans))
    cases = sorted(path.name.removesuffix(".nii.gz") for path in (folders.raw / name / "labelsTr").iterdir())
    plan = tmp_path / "plan.csv"
    rows = [f"{case},{z},{1 + z % 2}" for case in cases for z in range(5, 20)]
    plan.write_text("\n".join(["case,z,weight", *rows]))
    short = {"HARDSLICE_PLAN": str(plan), "HARDSLICE_EPOCHS": "1", "HARDSLICE_ITERATIONS": "3"}
    said = run(
        "nnUNetv2_train", 502, "2d", 0, "-tr", "nnUNetTrainerHardSlice", "-device", "cpu", "--npz",
        environment={**folders.environment, **short},
    )  # fmt: skip
    assert f"slices are drawn by {plan} (SHA-256" in said and "4 of 4 cases can be drawn" in said
    assert re.search(r"train_loss -?\d", said), said[-3000:]
    fold = folders.results / name / "nnUNetTrainerHardSlice__nnUNetPlans__2d" / "fold_0"
    assert (fold / "checkpoint_final.pth").exists()
    (npz,) = (fold / "validation").glob("*.npz")

    # And back: the predictions and probabilities of the fold are mined, with losses.
    experiment = tmp_path / "liver.toml"
    experiment.write_text(EXPERIMENT.format(cohort=folders.raw / name))
    store, mined = tmp_path / "store", tmp_path / "mined"
    run("hardslice", "prepare", experiment, "--out", store, environment={})
    said = run("hardslice", "mine", experiment, "--store", store, "--predictions", fold.parent, "--probabilities",
               "--tau", "hardest 20 %", "--arm", "all_emphasised", "--out", mined,
               environment={}, status=1)  # fmt: skip
    assert said.count("not scored") == 4, "the cases of the other folds"
    rows = pandas.read_parquet(mined / "mining" / "ledger.parquet")
    assert set(rows["case"]) == {npz.stem}
    liver = rows[rows["organ"] == "liver"]["loss"].to_numpy()
    # On the store's pixels, which are the scan's own: as NumPy has it from nnU-Net's arrays.
    labels = nibabel.as_closest_canonical(nibabel.load(folders.raw / name / "labelsTr" / f"{npz.stem}.nii.gz"))
    truth = np.asarray(labels.dataobj).T == 1
    probabilities = np.load(npz)["probabilities"].astype(np.float64)
    # nnU-Net reoriented to (z, y, x) of its own RAS, in which x and y may run the other way; a mean does not care
    # as long as truth and probabilities run alike.
    means = {
        way: [
            float(np.where(truth[z], -np.log(p[1, z]), -np.log(p[[0, 2, 3, 4], z].sum(axis=0))).mean())
            for z in range(len(truth))
        ]
        for way, p in (("as it is", probabilities), ("half a turn", probabilities[:, :, ::-1, ::-1]))
    }
    assert any(np.allclose(liver, mean, rtol=1e-4) for mean in means.values()), (liver, means)
