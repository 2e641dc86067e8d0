"""The example of a MONAI training, run on phantoms. Needs ``pip install monai``; without it all is skipped."""

from __future__ import annotations

import argparse
import collections
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import hardslice
import pytest

pytest.importorskip("monai", reason="MONAI is not installed: its example is NOT TESTED")

SCRIPT = Path(__file__).parents[3] / "examples" / "monai_hard_slices.py"


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("monai") / "phantoms"
    return hardslice.phantom(folder, 4, size=48, seed=3).parent


def test_the_example_trains_mines_its_own_predictions_and_trains_on_by_them(phantoms: Path, tmp_path: Path) -> None:
    command = [sys.executable, SCRIPT, phantoms, "--steps", "8", "--batch", "4", "--size", "32", "--out", tmp_path / "n.pt"]
    # Two threads of many processes wait for one another.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = re.search(r"(\d+) of (\d+) slices are hard\n.*of 32 shown", done.stdout)
    assert found and 0 < int(found[1]) < int(found[2]), done.stdout
    assert (tmp_path / "n.pt").stat().st_size > 10_000


def test_its_loader_draws_slices_as_they_weigh(phantoms: Path) -> None:
    from scipy.stats import chisquare

    spec = importlib.util.spec_from_file_location("example", SCRIPT)
    assert spec and spec.loader
    example: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    weights = {("phantom_000", 3): 1.0, ("phantom_000", 20): 3.0, ("phantom_002", 0): 4.0, ("phantom_003", 7): 2.0}
    mined = hardslice.Mined(weights, {place: "hard" for place in weights}, {}, ())
    example.set_determinism(1)
    options = argparse.Namespace(steps=50, batch=8, size=32, workers=0)
    drawn: collections.Counter[tuple[str, int]] = collections.Counter()
    for batch in example.training_loader(example.cases_of(phantoms), 1, mined, options):
        assert batch["image"].shape == batch["label"].shape == (8, 1, 32, 32)
        drawn.update(zip(batch["case"], (int(z) for z in batch["z"].flatten(1)[:, 0]), strict=True))
    assert set(drawn) == set(weights)
    p = chisquare([drawn[place] for place in weights], [400 * weight / 10 for weight in weights.values()]).pvalue
    assert p > 0.001, (p, drawn)
