"""Whether an installed nnU-Net takes what `hardslice export --format nnunet` wrote.

    python3 nnunet_export.py nnUNet_raw/Dataset501_Liver      # packages: nnunetv2 (2.6 or newer)

Runs nnU-Net's own check of the dataset, its fingerprint, planning and 2d preprocessing, and then asks
its data set, built as its trainer builds it, how often each slice is drawn from: as often as
`splits_final.json` lists it.
"""

import collections
import importlib.metadata
import json
import os
import pathlib
import re
import sys
import tempfile

raw = pathlib.Path(sys.argv[1]).resolve()
number = int(re.match(r"Dataset(\d{3})_", raw.name).group(1))
work = tempfile.mkdtemp()
os.environ["nnUNet_raw"] = str(raw.parent)
os.environ["nnUNet_preprocessed"] = f"{work}/preprocessed"
os.environ["nnUNet_results"] = f"{work}/results"

from nnunetv2.experiment_planning.plan_and_preprocess_api import (  # noqa: E402
    extract_fingerprints,
    plan_experiments,
    preprocess,
)
from nnunetv2.experiment_planning.verify_dataset_integrity import (  # noqa: E402
    verify_dataset_integrity,
)
from nnunetv2.training.dataloading.nnunet_dataset import infer_dataset_class  # noqa: E402


def main():
    print("nnunetv2", importlib.metadata.version("nnunetv2"))
    verify_dataset_integrity(str(raw), 2)
    extract_fingerprints([number], num_processes=2, check_dataset_integrity=False)
    plans = plan_experiments([number])
    preprocess([number], plans, configurations=("2d",), num_processes=(2,))
    folder = f"{work}/preprocessed/{raw.name}"
    fingerprint = json.load(open(f"{folder}/dataset_fingerprint.json"))
    print("slices in the fingerprint:", len(fingerprint["spacings"]))
    train = json.load(open(raw / "splits_final.json"))[0]["train"]
    (data,) = [entry for entry in os.scandir(folder) if entry.is_dir() and "2d" in entry.name]
    dataset = infer_dataset_class(data.path)(data.path, list(train))
    wanted, found = collections.Counter(train), collections.Counter(dataset.identifiers)
    assert found == wanted, "slices are not drawn as often as they are listed"
    print(f"{len(wanted)} slices, {sum(wanted.values())} in the list:", dict(collections.Counter(wanted.values())))
    loaded = dataset.load_case(train[0])
    print("the first one, preprocessed:", loaded[0].shape, loaded[1].shape)


if __name__ == "__main__":
    main()
