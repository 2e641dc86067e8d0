"""A tiny cohort, the commands that are disturbed, and what they leave, as hashes.

Standard library only.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from left import experiment, files_in

EXPERIMENT = experiment(("baseline", "b_only", "hard", "random", "cross_fold", "rounds"), 8)

PHANTOMS = "phantom --patients 6 --size 32 --out"


@dataclass(frozen=True)
class Work:
    """A command that is disturbed."""

    # Its arguments, split at spaces.
    line: str
    # What it leaves: files and folders, which are removed before it begins anew.
    leaves: tuple[str, ...]
    # Its share of the kills, and of what is done with it.
    share: int = 1


WORKS = {
    "phantom": Work(f"{PHANTOMS} more --label-errors 0.1 --nnunet", ("more",)),
    "prepare": Work("prepare experiment.toml --out prepared", ("prepared",), 2),
    "split": Work(
        "split experiment.toml --store store --out folds.json",
        ("folds.json", "folds.json.provenance.json"),
    ),
    "train": Work(
        "train experiment.toml --store store --split split.json --half first --out trained",
        ("trained", "trained.provenance.json"),
    ),
    "mine": Work(
        "mine experiment.toml --store store --split split.json"
        " --model whole/liver/pretrained/model --out mined",
        ("mined", "mined.provenance.json"),
    ),
    "predict": Work(
        "predict --model whole/liver/hard/model --input phantoms/images --out predicted",
        ("predicted", "predicted.provenance.json"),
    ),
    "evaluate": Work(
        "evaluate --truth phantoms/labels --predictions predictions --label liver=1"
        " --out scores.csv",
        ("scores.csv", "scores.csv.provenance.json"),
    ),
    "audit": Work(
        "audit phantoms/cohort.csv --label liver=1 --out found.csv",
        ("found.csv", "found.csv.provenance.json"),
    ),
    "export-csv": Work("export --in whole --organ liver --format csv --out plan.csv", ("plan.csv",)),
    "export-monai": Work(
        "export --in whole --organ liver --format monai --out datalist.json", ("datalist.json",)
    ),
    "export-nnunet": Work(
        "export --in whole --organ liver --format nnunet --out Dataset001_Liver", ("Dataset001_Liver",)
    ),
    "triage": Work("triage --in whole --out suspects.csv", ("suspects.csv",)),
    "report": Work("report whole", ("whole/report.html", "whole/report")),
    "run": Work("run experiment.toml --out ran", ("ran",), 8),
    "compare": Work("compare experiment.toml --seeds 2 --jobs 2 --out compared", ("compared",), 8),
    "sweep": Work("sweep experiment.toml --net unet --jobs 2 --out swept", ("swept",), 3),
}


class Workplace:
    """A folder with a cohort and a finished run; every command works in it, so that the absolute
    paths in what it leaves are the same."""

    def __init__(self, program: Path, folder: Path, threads: int = 2):
        self.program = program.resolve()
        self.folder = folder.resolve()
        self.threads = threads
        self._calm: dict[str, dict[str, str]] = {}
        # A workplace that was built before is used as it is: it is the same.
        done = self.folder / ".ready"
        if not done.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            (self.folder / "experiment.toml").write_text(EXPERIMENT)
            self.expect(f"{PHANTOMS} phantoms")
            self.expect("run experiment.toml --out whole")
            shutil.copytree(self.folder / "whole/store", self.folder / "store")
            shutil.copy(self.folder / "whole/split.json", self.folder / "split.json")
            self.expect(
                "predict --model whole/liver/hard/model --input phantoms/images --out predictions"
            )
            done.touch()

    def command(self, line: str) -> list[str]:
        return [str(self.program), *line.split(), "--threads", str(self.threads)]

    def start(self, line: str, env: dict[str, str] | None = None) -> subprocess.Popen:
        return subprocess.Popen(
            self.command(line),
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ended(self, line: str, env: dict[str, str] | None = None) -> tuple[int, str]:
        child = self.start(line, env)
        said = child.communicate()[1]
        return child.returncode, said

    def expect(self, line: str) -> str:
        code, said = self.ended(line)
        if code != 0:
            raise SystemExit(f"undisturbed, `{line}` ends with {code}:\n{said}")
        return said

    def clear(self, work: Work) -> None:
        for name in work.leaves:
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def left(self, work: Work) -> dict[str, str]:
        """Every file that a command has left, by its name in the workplace."""
        files: dict[str, str] = {}
        for name in work.leaves:
            path = self.folder / name
            # What is written beside a file or a folder belongs to it.
            beside = path.with_name(f".{path.name}.partial")
            for top in (path, beside):
                files |= files_in(top, self.folder)
        return files

    def calm(self, name: str) -> dict[str, str]:
        """What a command leaves undisturbed."""
        if name not in self._calm:
            work = WORKS[name]
            self.clear(work)
            self.expect(work.line)
            self._calm[name] = self.left(work)
            if not self._calm[name]:
                raise SystemExit(f"`{work.line}` leaves nothing in {work.leaves}")
        return self._calm[name]
