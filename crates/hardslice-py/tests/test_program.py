"""The program, long calls that are stopped, and the types."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import hardslice
import pytest

PROGRAM = Path(sysconfig.get_path("scripts")) / "hardslice"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)


def test_the_program_comes_with_the_package_and_gives_its_status(cohort: Path, tmp_path: Path) -> None:
    assert run("--version").stdout.strip() == f"hardslice {hardslice.__version__}"
    labels = cohort / "labels"
    scored = run("evaluate", "--truth", labels, "--predictions", labels, "--label", "liver=1", "--out", tmp_path / "s.csv")
    assert scored.returncode == 0 and (tmp_path / "s.csv").read_text().startswith("case,organ,dice")
    table = hardslice.evaluate_folder(labels, labels, {"liver": 1})
    assert len((tmp_path / "s.csv").read_text().splitlines()) == len(table) + 1
    one = tmp_path / "one"
    one.mkdir()
    name = "phantom_000.nii.gz"
    (one / name).write_bytes((labels / name).read_bytes())
    missing = run("evaluate", "--truth", labels, "--predictions", one, "--label", "liver=1", "--out", tmp_path / "t.csv")
    assert missing.returncode == 1, "findings"
    assert run("evaluate", "--truth", "nowhere", "--predictions", labels, "--out", tmp_path / "u.csv").returncode == 2
    assert run("no-such-command").returncode == 2
    module = subprocess.run([sys.executable, "-m", "hardslice", "--version"], capture_output=True, text=True)
    assert module.stdout == run("--version").stdout


@pytest.mark.skipif(os.name == "nt", reason="signals are other ones there")
def test_ctrl_c_ends_the_program(tmp_path: Path) -> None:
    program = subprocess.Popen(
        [PROGRAM, "phantom", "--patients", "500", "--out", tmp_path / "p"], stderr=subprocess.DEVNULL
    )
    time.sleep(2)
    program.send_signal(signal.SIGINT)
    assert program.wait(timeout=10) == -signal.SIGINT


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Raises, as in a terminal; what a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_stops_a_long_call_which_goes_on_from_there(experiment: Path, tmp_path: Path) -> None:
    # Long enough for a caller that looks now and then, on a machine that does other things as well.
    short = experiment.read_text()
    assert "steps = 12\n" in short
    experiment = tmp_path / "long.toml"
    experiment.write_text(short.replace("steps = 12\n", "steps = 2000\n"))
    steps: list[tuple[str, int, int]] = []

    def progress(stage: str, done: int, n: int) -> None:
        steps.append((stage, done, n))
        if stage.startswith("train") and done > 3 and len(steps) < 10_000:
            signal.raise_signal(signal.SIGINT)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(KeyboardInterrupt):
            hardslice.run(experiment, tmp_path / "out", progress=progress)
        assert steps[-1][0].startswith("train") and not (tmp_path / "out" / "summary.json").exists()
        # The lock on the folder is gone, and what was prepared stands.
        with pytest.raises(ZeroDivisionError):
            hardslice.run(experiment, tmp_path / "out", progress=lambda stage, done, n: 1 // 0)
    assert (tmp_path / "out" / "store" / "store.json").exists()


def test_other_threads_run_meanwhile(tmp_path: Path) -> None:
    counted = 0
    is_over = threading.Event()

    def count() -> None:
        nonlocal counted
        while not is_over.is_set():
            counted += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    before = counted
    hardslice.phantom(tmp_path / "phantoms", 3, size=96)
    is_over.set()
    thread.join()
    assert counted > before + 20


def test_whole_experiments_leave_what_the_commands_leave(finished: hardslice.Run) -> None:
    assert set(finished.summary["arms"]) >= {"baseline", "hard", "random"}
    page = hardslice.report(finished.out)
    assert page == finished.out / "report.html" and page.stat().st_size > 10_000
    with pytest.raises(FileNotFoundError):
        hardslice.report(finished.out / "nowhere")


def test_a_comparison_gives_its_verdict(experiment: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        compared = hardslice.compare(experiment, tmp_path / "out", seeds=[0, 1], organs=["liver"])
    assert list(compared.verdicts) == ["liver"]
    assert "With 2 patients nothing can be concluded" in compared.verdicts["liver"]
    assert {row["n_trainings"] for row in compared.comparisons["liver"]["estimates"]} == {2}


def test_a_setting_that_the_command_does_not_know_is_refused_in_a_line(experiment: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no device `tpu`") as refused:
        hardslice.run(experiment, tmp_path, device="tpu")
    assert "Usage" not in str(refused.value) and "\n" not in str(refused.value)
    with pytest.raises(ValueError, match="difficulty_share"):
        hardslice.phantom(tmp_path / "p", difficulty=3)


def test_an_audit_says_what_is_wrong(cohort: Path) -> None:
    found = hardslice.audit(cohort / "cohort.csv", {"liver": 1, "kidney_right": 2, "kidney_left": 3, "spleen": 4})
    assert found.n_errors == 0 and len(found.cases) == 7
    assert all(finding.fix for finding in found.findings)
    assert found.to_pandas().shape == (len(found.findings), 6)


def test_the_examples_of_the_documentation_run() -> None:
    attempted = 0
    for module in pkgutil.iter_modules(hardslice.__path__, "hardslice."):
        if not module.name.endswith(("_hardslice", "_torch", "__main__")):
            done = doctest.testmod(importlib.import_module(module.name))
            assert done.failed == 0, module.name
            attempted += done.attempted
    assert attempted > 20


USER = """
from pathlib import Path

import numpy as np
import hardslice

truth = np.zeros((2, 3, 4), np.uint8)
scores = hardslice.evaluate(truth, truth, (1.0, 1.0, 1.0), {"liver": [1], "kidney": 2})
dice: float | None = scores["liver"].dice
table: hardslice.FolderScores = hardslice.evaluate_folder("a", "b", progress=lambda stage, done, n: None)
row: hardslice.Row = table[0]
mined: hardslice.Mined = hardslice.mine(hardslice.score_slices(truth, truth, axis=0, case="a"))
weights = mined.weights_for(hardslice.Store("store").index)
weights.astype(np.float32)
labels = hardslice.Model("model").predict(truth, np.eye(4))
verdict: str = hardslice.compare("liver.toml", "out", seeds=5).verdicts["liver"]
store: hardslice.Store = hardslice.prepare("liver.toml", "store")
folder: Path = hardslice.sweep("liver.toml", "sweep", organs=["liver"]).out
"""


def test_a_users_file_passes_a_strict_type_checker_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    pytest.importorskip("mypy")

    def checked(text: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "user.py").write_text(text)
        command = [sys.executable, "-m", "mypy", "--strict", "user.py"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    passed = checked(USER)
    assert passed.returncode == 0, passed.stdout
    wrong = checked(USER + 'hardslice.evaluate(truth, truth, (1.0, 1.0, 1.0), convention="itk")\n')
    assert wrong.returncode == 1 and "convention" in wrong.stdout
