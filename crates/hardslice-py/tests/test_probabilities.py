"""`hardslice mine --probabilities`: archives that NumPy writes, of phantoms stored along all kinds of axes."""

from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import hardslice
import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

PROGRAM = Path(sysconfig.get_path("scripts")) / "hardslice"
EXPERIMENT = """
preset = "demo"
organs = ["liver"]
[cohort]
path = "{cohort}"
labels = {{ liver = [1], kidney_right = [2], kidney_left = [3], spleen = [4] }}
[prepare]
size = 48
"""
SURE, OTHER = 0.9, 0.025


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def prepared(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("probabilities")
    (folder / "liver.toml").write_text(EXPERIMENT.format(cohort=cohort / "cohort.csv"))
    assert run("prepare", folder / "liver.toml", "--out", folder / "store").returncode == 0
    return folder


def predict(cohort: Path, out: Path, lay: Callable[[nibabel.Nifti1Image], NDArray[np.uint8]]) -> dict[str, NDArray[np.uint8]]:
    """Predictions that miss the liver in every third slice; on canonical axes, as they are expected."""
    out.mkdir()
    predicted = {}
    for path in sorted((cohort / "labels").glob("*.nii.gz")):
        image = nibabel.load(path)
        canonical = nibabel.as_closest_canonical(image)
        voxels = np.asarray(canonical.dataobj).astype(np.uint8)
        voxels[:, :, ::3][voxels[:, :, ::3] == 1] = 0
        back = nibabel.orientations.ornt_transform(nibabel.io_orientation(canonical.affine), nibabel.io_orientation(image.affine))
        stored = nibabel.Nifti1Image(voxels, canonical.affine).as_reoriented(back)
        nibabel.save(stored, out / path.name)
        laid = lay(stored)
        classes = np.where(laid == np.arange(5)[:, None, None, None], np.float32(SURE), np.float32(OTHER))
        np.savez_compressed(out / path.name.replace(".nii.gz", ".npz"), probabilities=classes)
        predicted[path.name.removesuffix(".nii.gz")] = voxels
    return predicted


# As nnU-Net's readers hand voxels over: in the file's order, or reoriented, the last axis first.
def as_stored(image: nibabel.Nifti1Image) -> NDArray[np.uint8]:
    return np.asarray(image.dataobj).T


def reoriented(image: nibabel.Nifti1Image) -> NDArray[np.uint8]:
    return np.asarray(nibabel.as_closest_canonical(image).dataobj).T


@pytest.mark.parametrize("lay", [as_stored, reoriented])
def test_the_ledger_has_the_losses_of_numpy(
    lay: Callable[[nibabel.Nifti1Image], NDArray[np.uint8]], prepared: Path, cohort: Path, tmp_path: Path
) -> None:
    predicted = predict(cohort, tmp_path / "predictions", lay)
    mine = ("mine", prepared / "liver.toml", "--store", prepared / "store", "--predictions", tmp_path / "predictions")
    done = run(*mine, "--tau", "0.5", "--probabilities", "--out", tmp_path / "mined")
    assert done.returncode == 0, done.stderr
    hard = hardslice.triage(tmp_path / "mined", "liver")
    assert len({row.case for row in hard}) == 7 and len(hard) > 50
    for row in hard:
        labels = nibabel.as_closest_canonical(nibabel.load(cohort / "labels" / f"{row.case}.nii.gz"))
        true, found = np.asarray(labels.dataobj)[:, :, row.z] == 1, predicted[row.case][:, :, row.z] == 1
        right = np.select([true & found, true, found], [SURE, OTHER, 1 - SURE], 1 - OTHER)
        assert right.size <= 48 * 48, "a store of as many pixels"
        # Beyond the field of view of a scan that is no square all is background, and surely so.
        loss = -np.log(right).sum() / (48 * 48)
        assert row.loss == pytest.approx(loss, rel=1e-4), (row.case, row.z)
    without = run(*mine, "--tau", "0.5", "--out", tmp_path / "without")
    assert without.returncode == 0
    assert {row.loss for row in hardslice.triage(tmp_path / "without", "liver")} == {None}


def test_what_is_missing_or_broken_is_said_case_by_case(prepared: Path, cohort: Path, tmp_path: Path) -> None:
    folder = tmp_path / "predictions"
    predict(cohort, folder, as_stored)
    (folder / "phantom_000.npz").unlink()
    whole = (folder / "phantom_001.npz").read_bytes()
    (folder / "phantom_001.npz").write_bytes(whole[: len(whole) // 2])
    np.savez(folder / "phantom_002.npz", logits=np.zeros(3))
    mine = ("mine", prepared / "liver.toml", "--store", prepared / "store", "--predictions", folder, "--tau", "0.5")
    done = run(*mine, "--probabilities", "--out", tmp_path / "mined")
    assert done.returncode == 1
    for said in (
        "not scored: phantom_000: there are no probabilities phantom_000.npz",
        "not scored: phantom_001: it is no archive that numpy.savez",
        "not scored: phantom_002: it holds logits.npy",
    ):
        assert said in done.stderr, done.stderr
    assert len({row.case for row in hardslice.triage(tmp_path / "mined")}) == 4
    alone = run("mine", prepared / "liver.toml", "--store", prepared / "store", "--probabilities", "--out", tmp_path / "x")
    assert alone.returncode == 2
