#!/usr/bin/env python3
"""Trains nnU-Net's 2D configuration on the patients that `hardslice train` was given, on the CPU, for a
given wall time, and scores the validation patients of the same split.

    python nnunet.py prepare COHORT.csv SPLIT.json WORK --label 3 --organ parotid_right
    python nnunet.py train WORK --minutes 15 [--batch 12] [--threads 2] [--bf16] [--mirroring]

`prepare` writes nnU-Net's raw folder with the training (A and B) and validation patients alone: the test
patients stay closed. Scans in which the organ is not annotated are left out. It then runs nnU-Net's
own planning and preprocessing.

`train` runs nnU-Net's own trainer: its network, loss, deep supervision, augmentation, optimiser and
batch size (or --batch: the planned one is made for a graphics card). Two things differ from
`nnUNetv2_train`, because a budget of minutes is asked for: the poly schedule runs over the wall time
in place of 1000 epochs, and there are no validations in between. The trainer is
`nnUNetTrainerNoMirroring`, because an organ of one side cannot be told from its twin by a net that is
trained with mirrored slices; --mirroring takes nnU-Net's default. Preprocessing, and the prediction of
the validation patients in the end, are not counted. With `--threads 1` the minutes are those of the
processor, augmentation in the same process, so that two trainings side by side are told apart. Prints
a line of JSON: minutes, iterations, seconds an iteration, peak memory, Dice of each validation patient.

nnunetv2 2.x, torch, nibabel.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import time

from folds import cases_of

DATASET = "Dataset001_Organ"


def folders(work):
    names = {"nnUNet_raw": "raw", "nnUNet_preprocessed": "preprocessed", "nnUNet_results": "results"}
    for variable, name in names.items():
        os.environ[variable] = str(work / name)
        (work / name).mkdir(parents=True, exist_ok=True)


def prepare(options):
    import nibabel

    folds = cases_of(options.cohort, options.split, options.organ)
    cases = {**folds["train"], **folds["validation"]}
    raw = options.work / "raw" / DATASET
    for folder in ("imagesTr", "labelsTr"):
        (raw / folder).mkdir(parents=True, exist_ok=True)
    for name, row in cases.items():
        shutil.copy(options.cohort.parent / row["image"], raw / "imagesTr" / f"{name}_0000.nii.gz")
        labels = nibabel.load(options.cohort.parent / row["labels"])
        mask = (labels.get_fdata() == options.label).astype("uint8")
        nibabel.save(nibabel.Nifti1Image(mask, labels.affine), raw / "labelsTr" / f"{name}.nii.gz")
    dataset = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, options.organ: 1},
        "numTraining": len(cases),
        "file_ending": ".nii.gz",
    }
    (raw / "dataset.json").write_text(json.dumps(dataset, indent=1))
    command = ["nnUNetv2_plan_and_preprocess", "-d", "1", "-c", "2d", "-np", "2", "-npfp", "2"]
    subprocess.run([pathlib.Path(sys.executable).parent / command[0], *command[1:]], check=True)
    fold = {"train": sorted(folds["train"]), "val": sorted(folds["validation"])}
    (options.work / "preprocessed" / DATASET / "splits_final.json").write_text(json.dumps([fold]))
    print(f"{len(fold['train'])} training, {len(fold['val'])} validation scans")


def train(options):
    import torch
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
    from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainerNoMirroring import (
        nnUNetTrainerNoMirroring,
    )

    torch.set_num_threads(options.threads)
    clock = time.monotonic
    if options.threads == 1:
        clock = time.process_time
        os.environ["nnUNet_n_proc_DA"] = "0"
    preprocessed = options.work / "preprocessed" / DATASET
    plans = json.loads((preprocessed / "nnUNetPlans.json").read_text())
    configuration = plans["configurations"]["2d"]
    planned = configuration["batch_size"]
    configuration["batch_size"] = options.batch or planned
    # What `nnUNetv2_train` adds.
    plans["continue_training"] = False
    # The trainer's results go by the plans' name.
    plans["plans_name"] = f"minutes{options.minutes:g}_batch{configuration['batch_size']}"

    class Timed(nnUNetTrainer if options.mirroring else nnUNetTrainerNoMirroring):
        def run_training(self):
            self.on_train_start()
            self.network.train()
            began = clock()
            budget = options.minutes * 60
            self.n_iterations = 0
            while (elapsed := clock() - began) < budget:
                for group in self.optimizer.param_groups:
                    group["lr"] = self.initial_lr * (1 - elapsed / budget) ** 0.9
                batch = next(self.dataloader_train)
                with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
                    loss = self.train_step(batch)["loss"]
                self.n_iterations += 1
                if self.n_iterations % 20 == 0:
                    print(f"{elapsed:.0f} s, {self.n_iterations} iterations, loss {loss:.3f}", file=sys.stderr)
            self.seconds = clock() - began
            self.save_checkpoint(os.path.join(self.output_folder, "checkpoint_final.pth"))

    trainer = Timed(
        plans=plans, configuration="2d", fold=0,
        dataset_json=json.loads((preprocessed / "dataset.json").read_text()), device=torch.device("cpu"),
    )
    trainer.run_training()
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    trainer.perform_actual_validation(False)
    predicting = time.monotonic() - began
    summary = json.loads((pathlib.Path(trainer.output_folder) / "validation" / "summary.json").read_text())
    dice = {
        pathlib.Path(case["prediction_file"]).name.split(".")[0]: case["metrics"]["1"]["Dice"]
        for case in summary["metric_per_case"]
    }
    print(json.dumps({
        "minutes": options.minutes, "batch": configuration["batch_size"], "planned_batch": planned,
        "bf16": options.bf16, "mirroring": options.mirroring, "threads": options.threads, "iterations": trainer.n_iterations,
        "seconds_an_iteration": trainer.seconds / trainer.n_iterations,
        "prediction_seconds": predicting, "peak_mib": peak_kib / 1024,
        "mean_dice": sum(dice.values()) / len(dice), "min_dice": min(dice.values()), "dice": dice,
    }))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("prepare")
    command.add_argument("cohort", type=pathlib.Path)
    command.add_argument("split", type=pathlib.Path)
    command.add_argument("work", type=pathlib.Path)
    command.add_argument("--label", type=int, required=True)
    command.add_argument("--organ", required=True)
    command.set_defaults(do=prepare)
    command = commands.add_parser("train")
    command.add_argument("work", type=pathlib.Path)
    command.add_argument("--minutes", type=float, required=True)
    command.add_argument("--batch", type=int)
    command.add_argument("--threads", type=int, default=os.cpu_count())
    command.add_argument("--bf16", action="store_true")
    command.add_argument("--mirroring", action="store_true")
    command.set_defaults(do=train)
    options = parser.parse_args()
    folders(options.work)
    options.do(options)


if __name__ == "__main__":
    main()
