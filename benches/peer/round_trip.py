#!/usr/bin/env python3
"""Takes a run's plan into nnU-Net and MONAI, as their users would, and checks what arrives.

    hardslice demo --out demo
    python benches/peer/round_trip.py target/release/hardslice demo --organ liver

nnU-Net: its own integrity check, planning and preprocessing of the exported dataset; its trainer's
split and data loader, whose draws must come as often as the plan weighs; one training step.
MONAI: `load_decathlon_datalist`, `LoadImaged`, `WeightedRandomSampler`. Each slice of the datalist is
compared, voxel by voxel, with the one exported for nnU-Net, which nibabel places in the patient.
Needs nnunetv2, monai, nibabel and pandas.
"""
import argparse
import collections
import importlib.metadata
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

ID, NAME = 500, "Dataset500_Exported"


def export(program, run, organ, form, out):
    command = [program, "export", "--in", run, "--organ", organ, "--format", form, "--out", out]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def check_draws(drawn, weights, what):
    """Compares how often slices were drawn with how much they weigh."""
    n, total = sum(drawn.values()), sum(weights.values())
    assert set(drawn) <= set(weights), f"{what} drew what is not in the plan"
    groups = collections.defaultdict(lambda: [0, 0.0])
    for name, weight in weights.items():
        groups[weight][0] += drawn[name]
        groups[weight][1] += weight / total * n
    for weight, (found, expected) in sorted(groups.items()):
        sigma = (expected * (1 - expected / n)) ** 0.5
        assert abs(found - expected) <= 4 * sigma + 1, (what, weight, found, expected)
        print(f"{what}: slices of weight {weight:g} drawn {found} times of {n}, expected {expected:.0f}")


def check_nnunet(folder, plan):
    os.environ.update(
        nnUNet_raw=str(folder / "raw"),
        nnUNet_preprocessed=str(folder / "preprocessed"),
        nnUNet_results=str(folder / "results"),
        nnUNet_compile="f",
        nnUNet_n_proc_DA="2",
    )
    subprocess.run(
        ["nnUNetv2_plan_and_preprocess", "-d", str(ID), "-c", "2d", "--verify_dataset_integrity", "-np", "2"],
        check=True, stdout=subprocess.DEVNULL,
    )
    preprocessed = folder / "preprocessed" / NAME
    shutil.copy(folder / "raw" / NAME / "splits_final.json", preprocessed)

    import numpy
    import torch
    from nnunetv2.training.dataloading.data_loader import nnUNetDataLoader
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    torch.set_num_threads(2)
    plans = json.loads((preprocessed / "nnUNetPlans.json").read_text())
    plans["configurations"]["2d"]["batch_size"] = 4
    dataset = json.loads((preprocessed / "dataset.json").read_text())
    plans["continue_training"] = False
    trainer = nnUNetTrainer(plans, "2d", 0, dataset, device=torch.device("cpu"))
    trainer.initialize()
    train, validation = trainer.get_tr_and_val_datasets()
    print(f"nnU-Net's split: {len(train.identifiers)} training and {len(validation.identifiers)} validation slices")
    patch = trainer.configuration_manager.patch_size
    loader = nnUNetDataLoader(train, 4, patch, patch, trainer.label_manager, sampling_probabilities=None)
    numpy.random.seed(0)
    drawn = collections.Counter(str(name) for _ in range(10_000) for name in loader.get_indices())
    check_draws(drawn, {f"{case}_z{z:04d}": w for (case, z), w in plan.items()}, "nnU-Net")
    batch = loader.generate_train_batch()
    data, target = torch.as_tensor(batch["data"]), batch["target"]
    target = target[0] if isinstance(target, list) else target
    trainer.network.train()
    output = trainer.network(data)
    output = output[0] if isinstance(output, (list, tuple)) else output
    loss = trainer._build_loss()
    loss = loss.loss if hasattr(loss, "loss") else loss
    # What nnU-Net pads with is -1; its transforms make it background.
    value = loss(output, torch.as_tensor(target).clamp(min=0))
    value.backward()
    print(f"nnU-Net's loss of one batch, and backward: {float(value):.4f}")


def check_monai(datalist, slices, plan):
    import nibabel
    import numpy
    import torch
    from monai.data import load_decathlon_datalist
    from monai.transforms import LoadImaged

    items = load_decathlon_datalist(str(datalist), True, "training")
    assert {(item["case"], item["z"]): item["weight"] for item in items} == plan
    load = LoadImaged(keys=["image", "label"], image_only=True)
    by_case = collections.defaultdict(list)
    for item in items:
        by_case[item["case"]].append(item)
    n_compared = 0
    for case_items in by_case.values():
        volumes = load({key: case_items[0][key] for key in ("image", "label")})
        files = {key: nibabel.load(case_items[0][key]) for key in ("image", "label")}
        for item in case_items:
            name = f"{item['case']}_z{item['z']:04d}"
            for key, path in (("image", f"imagesTr/{name}_0000.nii.gz"), ("label", f"labelsTr/{name}.nii.gz")):
                axis, index = item["axis"], item["index"]
                monai = numpy.take(numpy.asarray(volumes[key]), [index], axis)
                cut = [slice(None)] * 3
                cut[axis] = slice(index, index + 1)
                place = files[key].slicer[tuple(cut)]
                placed = nibabel.Nifti1Image(monai.astype(numpy.float32), place.affine)
                ours = nibabel.load(slices / path)
                wanted = nibabel.as_closest_canonical(placed)
                assert numpy.allclose(wanted.affine, ours.affine, atol=1e-3), (name, key)
                wanted, ours = wanted.get_fdata(), ours.get_fdata()
                if key == "label":
                    wanted, ours = numpy.isin(wanted, LABELS), ours > 0
                assert numpy.array_equal(numpy.round(wanted), ours), (name, key)
            n_compared += 1
    print(f"MONAI: {n_compared} slices are those exported for nnU-Net, voxel by voxel, labels too")
    sampler = torch.utils.data.WeightedRandomSampler(
        [item["weight"] for item in items], 40_000, generator=torch.Generator().manual_seed(0)
    )
    drawn = collections.Counter((items[i]["case"], items[i]["z"]) for i in sampler)
    check_draws(drawn, plan, "MONAI")
    for part in ("validation", "test"):
        print(f"MONAI: {len(load_decathlon_datalist(str(datalist), True, part))} scans in {part}")


def main():
    global LABELS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("run", type=Path)
    parser.add_argument("--organ", default="liver")
    arguments = parser.parse_args()
    for name in ("nnunetv2", "monai", "torch", "nibabel", "pandas"):
        print(name, importlib.metadata.version(name))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        files = {form: folder / name for form, name in
                 (("csv", "weights.csv"), ("monai", "datalist.json"), ("nnunet", f"raw/{NAME}"))}
        for form, out in files.items():
            export(arguments.program, arguments.run, arguments.organ, form, out)

        import pandas
        table = pandas.read_csv(files["csv"])
        plan = {(row.case, row.z): row.weight for row in table.itertuples()}
        ledger = pandas.read_parquet(arguments.run / arguments.organ / "mining/ledger.parquet")
        hard = ledger[(ledger.decision == "hard") & (ledger.weight > 0)]
        assert set(zip(hard.case, hard.z)) == set(zip(*table[table.reason == "hard"][["case", "z"]].values.T))
        print(f"pandas: {len(plan)} slices, total weight {sum(plan.values()):g}; {len(ledger)} rows of the ledger,"
              f" columns {' '.join(ledger.columns)}")
        LABELS = [int(v) for v, name in json.loads(files["monai"].read_text())["labels"].items()
                  if name == arguments.organ]
        check_monai(files["monai"], files["nnunet"], plan)
        check_nnunet(folder, plan)


if __name__ == "__main__":
    main()
