#!/usr/bin/env python3
"""Runs the nets of `hardslice bench` in PyTorch: the same weights, slices, loss and optimiser, on as
many threads, taking turns with hardslice; prints speeds, memory and losses as Markdown.

    cargo build --release
    python benches/peer/net.py target/release/hardslice --net unet fcn --size a b --mode train infer

PyTorch runs in three ways, each in a process of its own that lives over all rounds: eager with
planar images, eager with channels last, and torch.compile with channels last (whose constants are
folded in prediction). Needs torch, safetensors and, for torch.compile, a C++ compiler.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WAYS = ["eager", "channels_last", "compile"]


def worker(way, folder, mode, dtype, threads):
    """Answers each line of standard input (`losses N` or a number of steps to time) with JSON."""
    import torch
    from safetensors.torch import load_file

    from peer_nets import build, soft_dice

    torch.set_num_threads(threads)
    settings = json.loads((folder / "workload.json").read_text())
    net = build(settings["net"])
    net.load_state_dict(load_file(folder / "weights.safetensors"), strict=False)
    batch = load_file(folder / "batch.safetensors")
    images, targets = batch["images"], batch["targets"]
    if way != "eager":
        net = net.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    train = settings["train"]
    optimizer = torch.optim.SGD(net.parameters(), lr=train["lr0"], momentum=train["momentum"])
    net.train(mode == "train")

    def logits(x):
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
            return net(x)

    def objective(x, truth):
        return soft_dice(logits(x).float(), truth)

    if way == "compile":
        torch._inductor.config.freezing = mode == "infer"
        logits, objective = torch.compile(logits), torch.compile(objective)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = objective(images, targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    def predict():
        with torch.inference_mode():
            return logits(images)

    for line in sys.stdin:
        if line.startswith("losses"):
            if mode == "train":
                answer = [step() for _ in range(int(line.split()[1]))]
            else:
                answer = [soft_dice(predict().float(), targets).item()]
                predict()
            forget_peak()
        else:
            answer = {"seconds": []}
            for _ in range(int(line)):
                begun = time.perf_counter()
                step() if mode == "train" else predict()
                answer["seconds"].append(time.perf_counter() - begun)
            answer["peak_mb"] = peak_mb()
        print(json.dumps(answer), flush=True)


def forget_peak():
    """From here on the peak is that of the steps alone, not of what compiled them."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_mb():
    status = Path("/proc/self/status").read_text()
    return next(int(l.split()[1]) for l in status.splitlines() if l.startswith("VmHWM")) * 1024 / 1e6


class Worker:
    def __init__(self, way, folder, mode, dtype, threads):
        command = [sys.executable, __file__, "--worker", way, str(folder), mode, dtype, str(threads)]
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)

    def ask(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def hardslice(arguments, workload, steps, warmup, *more):
    net, size, mode, dtype = workload
    command = [arguments.program, "bench", "--json", "--net", net, "--size", size, "--mode", mode]
    command += ["--dtype", dtype, "--threads", arguments.threads, "--seed", arguments.seed]
    command += ["--steps", steps, "--warmup", warmup, *more]
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stderr)
    return json.loads(run.stdout)


def measure(arguments, workload):
    """Runs one workload everywhere, taking turns."""
    _, _, mode, dtype = workload
    run = lambda *rest: hardslice(arguments, workload, *rest)
    with tempfile.TemporaryDirectory() as folder:
        n_losses = arguments.losses if mode == "train" else 1
        first = run(n_losses, 0, "--export", folder)
        start = lambda way, dtype: Worker(way, folder, mode, dtype, arguments.threads)
        workers = {way: start(way, dtype) for way in arguments.ways}
        losses = {"hardslice": first["losses"]}
        losses |= {f"{way} {dtype}": worker.ask(f"losses {n_losses}") for way, worker in workers.items()}
        if dtype == "bf16":
            exact = start("eager", "f32")
            losses["eager f32"] = exact.ask(f"losses {n_losses}")
            exact.end()
        rounds = {name: [] for name in ["hardslice", *workers]}
        for _ in range(arguments.rounds):
            ours = run(arguments.steps, arguments.warmup)
            rounds["hardslice"].append((ours["median_s"], ours["peak_rss_mb"]))
            for way, worker in workers.items():
                for _ in range(arguments.warmup and 1):
                    worker.ask(arguments.warmup)
                theirs = worker.ask(arguments.steps)
                rounds[way].append((statistics.median(theirs["seconds"]), theirs["peak_mb"]))
        for worker in workers.values():
            worker.end()
    speeds = {name: [first["batch"] / s for s, _ in taken] for name, taken in rounds.items()}
    memory = {name: max(mb for _, mb in taken) for name, taken in rounds.items()}
    return {"workload": workload, "speeds": speeds, "memory": memory, "losses": losses, "first": first}


def print_speeds(results, ways):
    print(f"\n| | hardslice | {' | '.join(ways)} | hardslice / fastest | least and most in a round |")
    print("|---|" + "---:|" * (len(ways) + 3))
    for result in results:
        median = {name: statistics.median(speeds) for name, speeds in result["speeds"].items()}
        fastest = max(ways, key=median.get)
        pairs = zip(result["speeds"]["hardslice"], result["speeds"][fastest])
        ratios = [ours / theirs for ours, theirs in pairs]
        cells = [" ".join(result["workload"])] + [f"{median[n]:.2f}" for n in ["hardslice", *ways]]
        cells += [f"**{median['hardslice'] / median[fastest]:.2f}** ({fastest})"]
        cells += [f"{min(ratios):.2f} to {max(ratios):.2f}"]
        print("| " + " | ".join(cells) + " |")


def print_memory(results, ways):
    print(f"\n| peak memory, MB | hardslice | {' | '.join(ways)} | hardslice / least |")
    print("|---|" + "---:|" * (len(ways) + 2))
    for result in results:
        memory = result["memory"]
        cells = [" ".join(result["workload"])] + [f"{memory[n]:.0f}" for n in ["hardslice", *ways]]
        cells += [f"{memory['hardslice'] / min(memory[way] for way in ways):.2f}"]
        print("| " + " | ".join(cells) + " |")


def print_losses(result):
    losses = result["losses"]
    names = list(losses)
    print(f"\nLosses, {' '.join(result['workload'])}:\n\n| step | {' | '.join(names)} |")
    print("|---:|" + "---:|" * len(names))
    for step, row in enumerate(zip(*losses.values())):
        print(f"| {step + 1} | " + " | ".join(f"{loss:.6f}" for loss in row) + " |")
    exact = "eager f32"
    print(f"\nLargest |difference| from {exact}: " + ", ".join(
        f"{name} {max(abs(a - b) for a, b in zip(losses[name], losses[exact])):.1e}"
        for name in names if name != exact
    ))


def main():
    if sys.argv[1:2] == ["--worker"]:
        way, folder, mode, dtype, threads = sys.argv[2:]
        return worker(way, Path(folder), mode, dtype, int(threads))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("program", type=Path, help="the program hardslice")
    parser.add_argument("--net", nargs="+", choices=["unet", "fcn"], default=["unet", "fcn"])
    parser.add_argument("--size", nargs="+", choices=["a", "b", "c"], default=["a"])
    parser.add_argument("--mode", nargs="+", choices=["train", "infer"], default=["train", "infer"])
    parser.add_argument("--dtype", nargs="+", choices=["f32", "bf16"], default=["f32"])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0, help="of the weights and the slices")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5, help="steps of each in a round; the median counts")
    parser.add_argument("--warmup", type=int, default=2, help="steps before them")
    parser.add_argument("--losses", type=int, default=20, help="first training steps whose losses are compared, 20 at most")
    arguments = parser.parse_args()
    grid = [
        (net, size, mode, dtype)
        for net in arguments.net for size in arguments.size
        for mode in arguments.mode for dtype in arguments.dtype
        if (net, size) != ("fcn", "c")
    ]
    results = []
    for workload in grid:
        print(" ".join(workload), file=sys.stderr, flush=True)
        results.append(measure(arguments, workload))
    import torch

    first = results[0]["first"]
    print(f"hardslice {first['version']} ({first['instruction_set']}), torch {torch.__version__}, "
          f"{arguments.threads} threads; slices a second, medians of {arguments.rounds} rounds")
    print_speeds(results, arguments.ways)
    print_memory(results, arguments.ways)
    for result in results:
        print_losses(result)


if __name__ == "__main__":
    main()
