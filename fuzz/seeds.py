"""Lays the seeds of the fuzzers out as `corpus/TARGET/`: the golden files of this repository, the test
files that pydicom and nibabel ship, and the files that a run of the program leaves.

    pip install pydicom==3.0.2 nibabel==5.4.2
    hardslice phantom --patients 8 --size 64 --nnunet --out run/phantoms
    hardslice compare experiment.toml --seeds 2 --out run/out
    python seeds.py [--golden-only] [run]

Files beyond 64 KiB are left out: a fuzzer changes small files more often in the places that count.
"""

import hashlib
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent
CRATES = ROOT.parent / "crates"
GOLDEN = CRATES / "hardslice-volume/tests/golden"
LONGEST = 1 << 16

TABLES = [
    "case,patient,image,labels,organs\na,p1,a.nii.gz,a_seg.nii.gz,liver; kidney\nb,p2,b.nii.gz,,\n",
    "\ufeffid;image;fold\r\na;a.nii.gz;test\r\nb;b.nii.gz;train\r\n",
    "sep=\t\nname\timage\n\"a b\"\ta.nii.gz\n# remark\nc\tc\n",
    "case,patient,fold\na,p1,validation\nb,p2,A\n",
    "case,patient\na,p1\nb,p1\n",
]
TOMLS = [
    '[organs]\nliver = [1]\nkidney = [2, 3]\n\n[[case]]\nid = "a"\npatient = "p1"\n'
    'image = "a.nii.gz"\nlabels = "a_seg.nii.gz"\norgans = ["liver"]\n\n[[case]]\nimage = "b.nii.gz"\n',
]
DATASETS = [
    {"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1, "kidney": [2, 3], "ignore": 4},
     "numTraining": 2, "file_ending": ".nii.gz"},
    {"modality": {"0": "CT"}, "labels": {"0": "background", "1": "liver"}, "numTraining": "2",
     "training": [{"image": "./imagesTr/a_0000.nii.gz", "label": "./labelsTr/a.nii.gz"}],
     "test": ["./imagesTs/c_0000.nii.gz"]},
    {"channel_names": ["CT", "PET"], "labels": ["background", "liver"], "file_ending": ".nii.gz",
     "dataset": {"a": {"images": ["imagesTr/a_0000.nii.gz"], "label": "labelsTr/a.nii.gz"}}},
    {"labels": {"liver": 1}, "validation": [{"image": ["imagesTr/b_0000.nii.gz"], "label": "labelsTr/b.nii.gz"}],
     "training": ["imagesTr/a_0000.nii.gz"]},
]
SPLITS_FINAL = [[{"train": ["a", "b"], "val": ["c"]}, {"train": ["b", "c"], "val": ["a"]}]]
PLANS = [
    "case,z,weight,reason\na,0,1,base\na,3,2,hard\nb,9,0.5,random\n",
    "case;z;weight;reason;LEAKY\na;0;1,5;base;LEAKY\n",
]


def add(target, content):
    content = content.encode() if isinstance(content, str) else content
    if len(content) > LONGEST:
        return
    folder = ROOT / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(content).hexdigest()).write_bytes(content)


def add_text(target, text):
    """In the encodings that people's programs write."""
    for encoding in ("utf-8", "utf-16", "utf-16-be", "cp1252"):
        add(target, text.encode(encoding, errors="replace"))


def golden():
    for name, target in (("nifti", "nifti"), ("nrrd", "nrrd"), ("meta_image", "meta_image")):
        for case in json.loads((GOLDEN / f"{name}.json").read_text())["cases"]:
            for file, content in case["files"].items():
                content = bytes.fromhex(content)
                add(target, content)
                if file.endswith(".gz"):
                    add("gzip", content)
    # The scan of the target `gzip`: 9 voxels in two members, with zeros and garbage behind.
    add("gzip", b"m\x09\x02\xff\x01\x10\x00\0\0")
    add("gzip", b"m\x09\x01\x20\x02garbage")
    for folder in sorted(p for p in (GOLDEN / "dicom").iterdir() if p.is_dir()):
        files = [p.read_bytes() for p in sorted(folder.iterdir())]
        if folder.name.startswith(("seg", "rtstruct")):
            add("dicom_seg", files[0])
            continue
        add("dicom_file", files[0])
        add("dicom_series", b"NEXTFILE".join(files))
    for path in sorted((GOLDEN / "rtstruct").glob("*.dcm")):
        add("dicom_seg", path.read_bytes())
    for text in TABLES:
        add_text("table", text)
    for text in TOMLS:
        add_text("manifest_toml", text)
    for dataset in DATASETS:
        add_text("dataset_json", json.dumps(dataset, indent=1))
    for splits in SPLITS_FINAL:
        add_text("splits_final", json.dumps(splits))
    for text in PLANS:
        add_text("plan", text)
    for path in (ROOT.parent / "benches/experiments").glob("*.toml"):
        add("experiment", path.read_text())
    for path in (CRATES / "hardslice-data/tests/golden").glob("*.npy"):
        add("npy", path.read_bytes())
    for path in (CRATES / "hardslice-data/tests/golden/probabilities").glob("*/*.npz"):
        add("npz", path.read_bytes())
    for path in sorted((CRATES / "hardslice-train/tests/golden").rglob("*.safetensors")):
        add("weights", path.read_bytes())
    # What is replayed in the tests, and what once broke a parser.
    for path in sorted(CRATES.glob("*/tests/corpus/*/*")):
        add(path.parent.name, path.read_bytes())


def public():
    import nibabel
    import pydicom

    data = pathlib.Path(pydicom.__file__).parent / "data"
    for path in sorted(p for p in data.rglob("*") if p.is_file()):
        if path.suffix.lower() in (".dcm", "") and path.name != "README":
            content = path.read_bytes()
            add("dicom_file", content)
            # A reader of CT goes further in a file that says CT.
            for modality in (b"MR", b"NM", b"OT", b"US"):
                add("dicom_file", content.replace(b"CS\x02\0" + modality, b"CS\x02\0CT", 1))
            add("dicom_series", content)
            add("dicom_seg", content)
    data = pathlib.Path(nibabel.__file__).parent
    for path in sorted(p for p in data.rglob("*") if p.is_file() and "data" in p.parts[-2:-1]):
        if path.name.endswith((".nii", ".hdr", ".img", ".nii.gz")):
            add("gzip" if path.suffix == ".gz" else "nifti", path.read_bytes())
        elif path.suffix == ".dcm":
            add("dicom_file", path.read_bytes())


def of_run(run):
    of_name = {
        "ledger.parquet": "ledger",
        "split.json": "split_json",
        "store.json": "store_json",
        "model.json": "model_json",
        "experiment.toml": "experiment",
        "evaluation.json": "evaluation",
        "comparison.json": "comparison",
        "plan.csv": "plan",
        "dataset.json": "dataset_json",
        "cohort.csv": "table",
        "weights.safetensors": "weights",
    }
    for path in sorted(run.rglob("*")):
        if path.name in of_name:
            add(of_name[path.name], path.read_bytes())
        if path.name == "comparison_plan.json":
            add("comparison", json.dumps(json.loads(path.read_text())["plan"]))
        if path.name == "position.json":
            weights = (path.parent / "weights.safetensors").read_bytes()
            add("checkpoint", path.read_bytes() + bytes(32) + weights)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--golden-only"]
    golden()
    if "--golden-only" not in sys.argv:
        public()
    for run in arguments:
        of_run(pathlib.Path(run))
    for folder in sorted((ROOT / "corpus").iterdir()):
        print(f"{folder.name}: {sum(1 for _ in folder.iterdir())} seeds")


main()
