"""What `hardslice export --format fiftyone` writes, as FiftyOne's own importer reads it.

The importer needs no database as long as nothing is added to a data set of FiftyOne's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import hardslice
import numpy as np
import pytest

PROGRAM = Path(sysconfig.get_path("scripts")) / "hardslice"


def export(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [PROGRAM, "export", "--format", "fiftyone", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def exported(finished: hardslice.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fiftyone") / "slices"
    done = export("--in", finished.out, "--organ", "liver", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_every_slice_that_was_mined_has_its_pictures_and_what_the_ledger_says(
    exported: Path, finished: hardslice.Run
) -> None:
    samples = {(row["case"], row["z"]): row for row in json.loads((exported / "samples.json").read_text())["samples"]}
    hard = {(row.case, row.z): row for row in hardslice.triage(finished.out, "liver")}
    mined = {case for case, _ in samples}
    store = hardslice.Store(finished.out / "store")
    assert set(samples) == {(case.id, z) for case in store.cases if case.id in mined for z in range(case.n_slices)}
    for slice_, row in samples.items():
        assert ("hard" in row["tags"]) == (slice_ in hard) == (row["liver_decision"]["label"] == "hard")
        assert (exported / row["filepath"]).is_file() and (exported / row["truth"]["mask_path"]).is_file()
        if slice_ in hard:
            assert row["liver_dice"] == pytest.approx(hard[slice_].dice)
            assert row["liver_loss"] == pytest.approx(hard[slice_].loss)
            assert row["liver_reason"] == hard[slice_].reason and row["weight"] == hard[slice_].weight


def test_pictures_hang_as_radiologists_hang_them(exported: Path, finished: hardslice.Run) -> None:
    image_of = pytest.importorskip("PIL.Image", reason="Pillow is not installed: pictures are NOT COMPARED").open
    store = hardslice.Store(finished.out / "store")
    places = {place: at for at, place in enumerate(store.index)}
    low, high = store.window_hu
    for row in json.loads((exported / "samples.json").read_text())["samples"][::7]:
        stored = store[places[row["case"], row["z"]]]
        image, mask = (np.asarray(image_of(exported / path)) for path in (row["filepath"], row["truth"]["mask_path"]))
        assert image.dtype == mask.dtype == np.uint8 and image.ndim == mask.ndim == 2
        # Front up, and the patient's right on the left.
        assert (mask == stored.labels[::-1, ::-1]).all()
        grey = (stored.image[::-1, ::-1].astype(float) - low) / (high - low) * 255
        assert np.abs(image - grey).max() <= 0.51


def test_its_importer_reads_the_samples(exported: Path) -> None:
    os.environ.setdefault("FIFTYONE_DO_NOT_TRACK", "1")
    importers: Any = pytest.importorskip(
        "fiftyone.utils.data.importers", reason="FiftyOne is not installed: its importer is NOT TRIED"
    )
    importer = importers.LegacyFiftyOneDatasetImporter(str(exported))
    with importer:
        schema, info = importer.get_sample_field_schema(), importer.get_dataset_info()
        samples = list(importer)
    assert len(samples) == len(json.loads((exported / "samples.json").read_text())["samples"])
    assert info["mask_targets"]["truth"]["1"] == "liver"
    for sample in samples:
        assert Path(sample.filepath).is_file() and Path(sample.truth.mask_path).is_file()
        assert sample.truth.get_mask().ndim == 2
        assert sample.liver_decision.label in ("hard", "easy")
        assert set(schema) - {"id"} <= set(sample.field_names)


def test_what_is_no_ledger_of_the_cohort_is_refused(finished: hardslice.Run, exported: Path, tmp_path: Path) -> None:
    none = export("--in", tmp_path, "--organ", "liver", "--out", tmp_path / "out")
    assert none.returncode == 2 and "there is no ledger" in none.stderr
    other = export("--in", finished.out, "--organ", "spleen", "--ledger", finished.out / "liver/mining/ledger.parquet",
                   "--out", tmp_path / "out")  # fmt: skip
    assert other.returncode == 2 and "no slice that was scored for spleen" in other.stderr
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "metadata.json").write_text('{"name": "mine"}')
    theirs = export("--in", finished.out, "--organ", "liver", "--out", tmp_path / "theirs")
    assert theirs.returncode == 2 and "metadata.json" in theirs.stderr
    within = export("--in", finished.out, "--organ", "liver", "--out", finished.out / "store" / "pictures")
    assert within.returncode == 2
    again = export("--in", finished.out, "--organ", "liver", "--out", exported)
    assert again.returncode == 0, again.stderr
    plan = subprocess.run(
        [PROGRAM, "export", "--format", "csv", "--in", finished.out, "--organ", "liver", "--ledger", "x.parquet",
         "--out", tmp_path / "plan.csv"], capture_output=True, text=True)  # fmt: skip
    assert plan.returncode == 2 and "--ledger is for the format fiftyone" in plan.stderr
