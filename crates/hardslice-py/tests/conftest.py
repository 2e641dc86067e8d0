"""A cohort of phantoms and a finished run on it, made once."""

from __future__ import annotations

import warnings
from pathlib import Path

import hardslice
import pytest

EXPERIMENT = """
preset = "demo"
organs = ["liver"]
[cohort]
path = "{cohort}"
labels = {{ liver = [1], kidney_right = [2], kidney_left = [3], spleen = [4] }}
[split]
rule = {{ random = {{ test = 2 }} }}
validation = 1
[train]
steps = 12
batch = 4
n_validations = 2
[mining]
tau = "hardest 20 %"
"""


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms")
    return hardslice.phantom(folder, 7, size=48, seed=3).parent


@pytest.fixture(scope="session")
def experiment(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("experiment") / "liver.toml"
    path.write_text(EXPERIMENT.format(cohort=cohort / "cohort.csv"))
    return path


@pytest.fixture(scope="session")
def finished(experiment: Path, tmp_path_factory: pytest.TempPathFactory) -> hardslice.Run:
    with warnings.catch_warnings():
        # Nets of twelve steps have learnt nothing, and phantoms of 48 pixels are coarse.
        warnings.simplefilter("ignore", RuntimeWarning)
        return hardslice.run(experiment, tmp_path_factory.mktemp("run") / "out")
