"""A small experiment on phantoms, and what a command left, as hashes. Standard library only.

    left.py one_net=true seed=3    # prints the experiment for two builds of the program
"""

import hashlib
import os
import struct
import sys
from pathlib import Path

ARMS = ("baseline", "b_only", "hard", "random", "random_matched", "easy", "cross_fold", "probabilistic",
        "gradual", "rounds", "baseline_focal", "baseline_top_k", "all_emphasised", "all_random",
        "worst_patients", "random_patients", "cross_fold_random", "probabilistic_random", "gradual_random",
        "rounds_random", "annealed", "annealed_random")


def experiment(arms: tuple[str, ...], steps: int, organs: tuple[str, ...] = ("liver",), seed: int = 3,
               more: str = "", of_training: str = "") -> str:
    """TOML. `more` are keys before the first table, `of_training` some of [train]."""

    def listed(names: tuple[str, ...]) -> str:
        return ", ".join(f'"{name}"' for name in names)

    return f"""\
preset = "demo"
seed = {seed}
organs = [{listed(organs)}]
arms = [{listed(arms)}]
{more}
[cohort]
path = "phantoms/cohort.csv"
labels = {{ liver = [1], kidney_right = [2], kidney_left = [3], spleen = [4] }}

[prepare]
size = 32

[split]
rule = {{ random = {{ test = 2 }} }}
validation = 1

[net]
width = 4

[train]
steps = {steps}
batch = 4
n_validations = 2
checkpoint_minutes = 0.0
{of_training}
[mining]
tau = "hardest 20 %"
"""


def files_in(top: Path, within: Path) -> dict[str, str]:
    """The hash of each file below a folder, or of a file, by its name within another folder."""
    if top.is_file():
        return {generic(top.relative_to(within)): hashed(top)}
    found = {}
    for parent, _, names in os.walk(top):
        for name in names:
            path = Path(parent) / name
            found[generic(path.relative_to(within))] = hashed(path)
    return found


def generic(path: Path) -> str:
    """A name without the time that TensorBoard's files carry."""
    text = str(path)
    if "tfevents." in text:
        stem, _, rest = text.partition("tfevents.")
        return f"{stem}tfevents.TIME.{rest.partition('.')[2]}"
    return text


def hashed(path: Path) -> str:
    content = path.read_bytes()
    if "tfevents." in path.name:
        content = without_times(content)
    return hashlib.sha256(content).hexdigest()


def without_times(events: bytes) -> bytes:
    """TensorBoard's events without their wall times, the one thing in any file that holds a clock.

    A record is a length, its checksum, an `Event`, its checksum; an event begins with its time
    (field 1, a double), which is left out where it is zero. What is torn stays as it is, and so
    differs.
    """
    kept, at = b"", 0
    while at + 12 <= len(events):
        (length,) = struct.unpack_from("<Q", events, at)
        message = events[at + 12 : at + 12 + length]
        if len(message) < length:
            break
        kept += message[9:] if message[:1] == b"\x09" else message
        at += 16 + length
    return kept + events[at:]


def differences(wanted: dict[str, str], found: dict[str, str]) -> list[str]:
    """What is missing, new or different, a line each."""
    lines = [f"missing: {name}" for name in wanted.keys() - found.keys()]
    lines += [f"new: {name}" for name in found.keys() - wanted.keys()]
    lines += [
        f"differs: {name}" for name in wanted.keys() & found.keys() if wanted[name] != found[name]
    ]
    return sorted(lines)


def main() -> None:
    given = dict(argument.split("=") for argument in sys.argv[1:])
    text = experiment(
        ARMS,
        24,
        organs=("liver", "kidney_left", "spleen"),
        seed=int(given["seed"]),
        more=f"one_net = {given['one_net']}",
        of_training='loss = { kind = "dice_cross_entropy" }',
    )
    print(text)


if __name__ == "__main__":
    main()
