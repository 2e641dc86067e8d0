#!/usr/bin/env python3
"""Second halves by two plans that no arm of the program makes, after a comparison on the same patients.

    hardslice compare open-kbp-disagreement.toml --seeds 3 --out compared
    pip install numpy nibabel
    python open-kbp-disagreement.py open-kbp-disagreement.toml compared work

`disagreement`: emphasised are as many slices of all patients as are hard by Dice, those on whose worse
organ the predictions of two nets have the lowest Dice, whatever the labels say. A is predicted by the
nets that were trained on B with this seed and with the next one, B by two that were trained on A.
`without_suspects`: the plan of `all_emphasised` without the slices that `triage` calls suspect.

Leaves work/scores.csv and work/comparison_plan.json with all five arms, for
`tools/verdict_from_scores.py`. Stopped, it goes on.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np

SEEDS = range(3)
EMPHASIS = 4
VALUES = {"parotid_right": 3, "parotid_left": 4}
ROUND = "parotid_left+parotid_right"


def hardslice(*args):
    done = subprocess.run(["hardslice", *map(str, args)], check=False)
    if done.returncode not in (0, 1):  # 1: something was found, as suspects are
        sys.exit(f"hardslice {args[0]} failed")


def read_rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


class Work:
    def __init__(self, experiment, compared, out):
        self.compared, self.out = compared.resolve(), out.resolve()
        self.out.mkdir(parents=True, exist_ok=True)
        self.split = json.loads((compared / "split.json").read_text())
        self.cohort = experiment.parent / "open-kbp"
        # Beside the experiment, from whose folder it takes its paths.
        self.experiments = [experiment.with_name(f"{experiment.stem}-{seed}.toml") for seed in SEEDS]
        for seed, path in zip(SEEDS, self.experiments):
            path.write_text(f"seed = {seed}\n{experiment.read_text()}")

    def round(self, seed):
        return self.compared / f"seed-{seed}" / ROUND

    def links(self, name, cases, suffix):
        folder = self.out / name
        folder.mkdir(exist_ok=True)
        for case in cases:
            link = folder / f"{case}.nii.gz"
            if not link.exists():
                link.symlink_to((self.cohort / f"{case}_{suffix}.nii.gz").resolve())
        return folder

    def train(self, seed, half, plan, name, *more):
        out = self.out / f"{name}-{seed}"
        known = ["--store", self.compared / "store", "--split", self.compared / "split.json"]
        what = ["--half", half, "--plan", plan, *more]
        hardslice("train", self.experiments[seed], *known, *what, "--out", out)
        return out

    def predict(self, training, scans, out):
        if not (out / "done").exists():
            hardslice("predict", "--model", training / "model", "--input", scans, "--out", out)
            (out / "done").touch()
        found = {}
        for path in sorted(out.glob("*.nii.gz")):
            image = nib.as_closest_canonical(nib.load(path))
            found[path.name.removesuffix(".nii.gz")] = np.asarray(image.dataobj)
        return found

    def predictions(self, seed):
        """Of every training patient, by a net that was not trained on it."""
        baseline = read_rows(self.round(seed) / "baseline/plan.csv")
        of_a = self.out / f"plan-a-{seed}.csv"
        write_rows(of_a, [row for row in baseline if row["case"] in self.split["a"]])
        on_b = self.round(seed) / "pretrained"
        on_a = self.train(seed, "first", of_a, "on-a")
        found = {}
        for net, fold in ((on_b, "a"), (on_a, "b")):
            scans = self.links(f"scans-{fold}", self.split[fold], "ct")
            found |= self.predict(net, scans, self.out / f"predicted-{seed}-{fold}")
        return found

    def plans(self, seed, predictions):
        """The two plans, by name."""
        plan = read_rows(self.round(seed) / "all_emphasised/plan.csv")
        n_hard = sum(row["reason"] == "hard" for row in plan)
        agreement = least_agreement(predictions[seed], predictions[(seed + 1) % len(SEEDS)])
        slices = [(row["case"], int(row["z"])) for row in plan]
        chosen = set(sorted(slices, key=lambda at: (agreement[at], at))[:n_hard])
        by_agreement = []
        for row in plan:
            weight = float(row["weight"]) / (EMPHASIS if row["reason"] == "hard" else 1)
            is_chosen = (row["case"], int(row["z"])) in chosen
            weight *= EMPHASIS if is_chosen else 1
            reason = "hard" if is_chosen else "base"
            by_agreement.append({**row, "weight": weight, "reason": reason})
        triage = self.out / f"triage-{seed}.csv"
        hardslice("triage", "--in", self.round(seed), "--out", triage)
        found = [row for row in read_rows(triage) if row["triage"] == "suspect"]
        suspects = {(row["case"], int(row["z"])) for row in found}
        kept = [row for row, at in zip(plan, slices) if at not in suspects]
        n_both = len(chosen & suspects)
        print(f"seed {seed}: {n_hard} emphasised, {len(suspects)} suspects, {n_both} of them chosen")
        return {"disagreement": by_agreement, "without_suspects": kept}

    def scored(self, arm, seed, training, fields):
        test = self.split["test"]
        predicted = self.out / f"{arm}-{seed}-predicted"
        self.predict(training, self.links("scans-test", test, "ct"), predicted)
        table = self.out / f"{arm}-{seed}.csv"
        labels = [f"--label={organ}={value}" for organ, value in VALUES.items()]
        truth = self.links("truth", test, "seg")
        hardslice("evaluate", "--truth", truth, "--predictions", predicted, *labels, "--out", table)
        cohort = read_rows(self.cohort / "cohort.csv")
        annotated = {row["case"]: row["organs"].split() for row in cohort}
        known = {"arm": arm, "seed": seed, "net": "unet", "ratio": 0.5, "division": 0}
        for row in read_rows(table):
            if row["organ"] in annotated[row["case"]]:
                row |= known | {"patient": row["case"]}
                yield {field: row[field] for field in fields}


def least_agreement(predictions, others):
    """Dice of two predictions on each slice, of the organ on which they agree least."""
    found = {}
    for case, one in predictions.items():
        for z in range(one.shape[2]):
            a, b = one[:, :, z], others[case][:, :, z]
            found[case, z] = 1.0
            for value in VALUES.values():
                n = (a == value).sum() + (b == value).sum()
                if n:
                    dice = 2 * ((a == value) & (b == value)).sum() / n
                    found[case, z] = min(found[case, z], dice)
    return found


def main(experiment, compared, out):
    work = Work(experiment, compared, out)
    predictions = [work.predictions(seed) for seed in SEEDS]
    rows = read_rows(compared / "scores.csv")
    for seed in SEEDS:
        first = work.train(seed, "first", work.round(seed) / "baseline/plan.csv", "first")
        for arm, plan in work.plans(seed, predictions).items():
            path = work.out / f"plan-{arm}-{seed}.csv"
            write_rows(path, plan)
            training = work.train(seed, "second", path, arm, "--from", first)
            rows += work.scored(arm, seed, training, list(rows[0]))
    write_rows(work.out / "scores.csv", rows)
    plan = json.loads((compared / "comparison_plan.json").read_text())
    arms = ("all_emphasised", "disagreement", "without_suspects")
    arms = [{"arm": arm, "chooses_slices": True, "control": "all_random"} for arm in arms]
    plan["plan"]["arms"] = arms
    (work.out / "comparison_plan.json").write_text(json.dumps(plan, indent=1))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
