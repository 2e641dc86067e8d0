"""Writes the golden values of the nets, losses, SGD and upsampling with PyTorch on the CPU.

    python make.py          writes *.safetensors beside this script

Weights and data come from names (hashed.py), so that only results are stored. All of it runs in
float64 on float32 inputs: the values are PyTorch's, free of its float32 rounding. The same is run in
float32 too, and how far that is from float64 is printed and kept in each file: it is the error
that a float32 program may have, and what the tolerances of the Rust tests are measured against.

The seed of the data is the first for which no ReLU and no max pool comes close to its kink and no
ReLU turns over in float32: a jump there would say nothing about a program.

Arrays up to FULL values, and all logits, are stored whole. Of longer ones a digest is kept, in
float64: sum, sum of absolute values, Euclidean norm, largest absolute value, four projections on
hashed vectors (two elements that change places show there), and 16 elements at hashed places.

Metadata: "about" (JSON: "case", what was run, and "made_with", versions and float32 errors).
"""

import json
import pathlib
import platform

import monai
import numpy as np
import safetensors
import safetensors.torch
import torch
from torch.nn import functional as F

import hashed
import losses
import twins

HERE = pathlib.Path(__file__).parent
FULL = 1024
N_PROJECTIONS = 4
N_ELEMENTS = 16
VERSIONS = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "numpy": np.__version__,
    "monai": monai.__version__,
    "safetensors": safetensors.__version__,
}


def digest(values):
    flat = values.double().flatten()
    n = flat.numel()
    projections = [
        torch.from_numpy(2 * hashed.uniform(f"projection/{k}", n) - 1) @ flat
        for k in range(N_PROJECTIONS)
    ]
    places = torch.from_numpy((hashed.uniform("element", N_ELEMENTS) * n).astype(np.int64))
    head = [flat.sum(), flat.abs().sum(), flat.norm(), flat.abs().max(), *projections]
    return torch.cat([torch.stack(head), flat[places]])


def save(name, arrays, case, errors):
    """Arrays of float64 into NAME.safetensors, whole in float32 or as a digest in float64."""
    out = {}
    for key, values in arrays.items():
        values = values.detach().contiguous()
        if values.numel() <= FULL or key.startswith("logits"):
            out[key] = values.float().contiguous()
        else:
            out[key + "#digest"] = digest(values)
    about = {"case": case, "made_with": {**VERSIONS, "float32_errors": errors}}
    # One entry: safetensors writes several in any order.
    path = HERE / f"{name}.safetensors"
    safetensors.torch.save_file(out, path, {"about": json.dumps(about)})
    print(f"{name}: {path.stat().st_size} bytes, case {case}, float32 errors {errors}")


def float32_errors(exact, rough):
    """The worst element of any array, relative to the array's largest, by the first word of the
    arrays' names (logits: whole names)."""
    worst = {}
    for key, want in exact.items():
        group = key if key.startswith("logits") else key.split(".")[0]
        scale = want.abs().max().item()
        error = (rough[key].double() - want).abs().max().item()
        if scale > 0:
            worst[group] = max(worst.get(group, 0.0), float(f"{error / scale:.1e}"))
    return worst


def data(case, seed, dtype):
    n, c = case["n"], 1 + 2 * case["config"]["context"]
    size = (case["height"], case["width"])
    x = hashed.between(f"input/{seed}", (n, c, *size), 0.0, 1.0)
    targets = hashed.between(f"targets/{seed}", (n, case["n_organs"], *size), 0.0, 1.0) < 0.25
    # The first slice's patient lacks the annotation of the last organ.
    annotated = torch.ones(n, case["n_organs"])
    annotated[0, -1] = 0
    return x.to(dtype), targets.to(dtype), annotated.to(dtype)


def build(case, dtype):
    net = twins.build(case["config"], case["n_organs"]).to(dtype)
    hashed.fill(net)
    return net


def one_pass(case, seed, dtype):
    """A training pass with its loss, gradients and running statistics, then a prediction."""
    net, kinks = build(case, dtype), twins.Kinks()
    x, targets, annotated = data(case, seed, dtype)
    logits = net.train()(x, kinks)
    logits.retain_grad()
    loss = losses.dice_batch(logits, targets, annotated)
    loss.backward()
    arrays = {"logits.train": logits, "loss": loss.reshape(1), "logits.gradient": logits.grad}
    arrays |= {f"gradient.{name}": p.grad for name, p in net.named_parameters()}
    arrays |= {f"after.{name}": b for name, b in net.named_buffers() if "running" in name}
    with torch.no_grad():
        arrays["logits.predict"] = net.eval()(x, kinks)
    return {key: value.detach() for key, value in arrays.items()}, kinks


def many_steps(case, seed, dtype):
    """Some SGD steps on one batch: the loss of each, then weights and velocities."""
    net, kinks = build(case, dtype).train(), twins.Kinks()
    x, targets, annotated = data(case, seed, dtype)
    optimiser = torch.optim.SGD(net.parameters(), lr=case["lr0"], momentum=case["momentum"])
    seen = []
    for step in range(case["n_steps"]):
        rate = case["lr0"] * (1 - step / case["schedule_steps"]) ** case["power"]
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        loss = losses.dice_batch(net(x, kinks), targets, annotated)
        loss.backward()
        if case["clip_grad_norm"]:
            norm = torch.nn.utils.clip_grad_norm_(net.parameters(), case["clip_grad_norm"])
            print(f"  norm {norm.item():.3f}")
        optimiser.step()
        seen.append(loss.detach())
    print("  losses", *[f"{loss.item():.4f}" for loss in seen])
    arrays = {"losses": torch.stack(seen)}
    for name, p in net.named_parameters():
        arrays[f"after.{name}"] = p.detach()
        # Without momentum PyTorch keeps no buffer; the velocity is the last gradient.
        buffer = optimiser.state[p].get("momentum_buffer") if case["momentum"] else p.grad
        arrays[f"velocity.{name}"] = buffer
    arrays |= {f"after.{name}": b for name, b in net.named_buffers() if "running" in name}
    return arrays, kinks


def from_first_calm_seed(name, case, run, margin):
    for seed in range(200):
        arrays, kinks = run(case, seed, torch.float64)
        if kinks.margin < margin:
            continue
        rough, rough_kinks = run(case, seed, torch.float32)
        if all(torch.equal(a, b) for a, b in zip(kinks.active, rough_kinks.active)):
            break
    else:
        raise SystemExit(f"{name}: no seed keeps {margin} from every kink")
    print(f"  {name}: seed {seed}, margin {kinks.margin:.1e}")
    for key, values in arrays.items():
        assert values.abs().max() > 0, f"{name}: {key} is all zeros and would test nothing"
    save(name, arrays, {**case, "seed": seed}, float32_errors(arrays, rough))


def net_case(kind, width, norm, context, size, n=2):
    config = {"kind": kind, "width": width, "norm": norm, "context": context, "dropout": 0.0}
    return {"config": config, "n": n, "n_organs": 2, "height": size[0], "width": size[1]}


def make_nets():
    for name, case, margin in [
        ("unet_3_batch", net_case("unet", 3, "batch", 0, (21, 37)), 3e-6),
        ("unet_3_none", net_case("unet", 3, "none", 1, (21, 37)), 3e-6),
        ("unet_4_batch", net_case("unet", 4, "batch", 1, (21, 37), n=3), 3e-6),
        ("unet_4_none", net_case("unet", 4, "none", 0, (32, 48), n=1), 3e-6),
        ("unet_16_batch", net_case("unet", 16, "batch", 0, (18, 31)), 2e-6),
        ("fcn8s_2_batch", net_case("fcn8s", 2, "batch", 0, (40, 33)), 3e-6),
        ("fcn8s_2_none", net_case("fcn8s", 2, "none", 1, (40, 33)), 3e-6),
    ]:
        from_first_calm_seed(name, case, one_pass, margin)


def make_sgd():
    for name, momentum, lr0, clip in [
        ("sgd_momentum", 0.9, 0.05, 0.0),
        ("sgd_plain", 0.0, 0.1, 0.0),
        ("sgd_clipped", 0.9, 0.05, 0.25),
    ]:
        case = net_case("unet", 3, "batch", 0, (32, 32))
        case |= {"lr0": lr0, "power": 0.9, "momentum": momentum, "clip_grad_norm": clip}
        case |= {"n_steps": 10, "schedule_steps": 20}
        from_first_calm_seed(name, case, many_steps, 4e-6)


def make_losses():
    n, n_organs, height, width = shape = (3, 3, 6, 7)
    targets = (hashed.between("loss/targets", shape, 0.0, 1.0) < 0.4).double()
    targets[:, 1] = 0  # an organ that is annotated and absent
    masks = {
        "all": [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
        "some": [[1, 1, 0], [1, 0, 0], [0, 1, 0]],
        "none": [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
    }
    arrays, rough = {}, {}
    for spread in (4, 60):  # 60: probabilities that float32 rounds to 0 and 1
        logits = hashed.between("loss/logits", shape, -float(spread), float(spread))
        print(f"  losses: worst difference to MONAI {losses.check_against_monai(logits, targets)}")
        for mask_name, mask in masks.items():
            for loss_name, loss in losses.LOSSES.items():
                for out, dtype in ((arrays, torch.float64), (rough, torch.float32)):
                    z = logits.to(dtype, copy=True).requires_grad_()
                    value = loss(z, targets.to(dtype), torch.tensor(mask, dtype=dtype))
                    value.backward()
                    key = f"{loss_name}.{mask_name}.{spread}"
                    out[key + ".value"] = value.detach().reshape(1)
                    out[key + ".gradient"] = z.grad
    save("losses", arrays, {"shape": shape, "masks": masks}, float32_errors(arrays, rough))


def make_upsampling():
    arrays, rough = {}, {}
    for stride in (2, 8):
        for out, dtype in ((arrays, torch.float64), (rough, torch.float32)):
            x = hashed.between(f"upsampling/x/{stride}", (2, 3, 3, 4), -1.0, 1.0)
            shape = (3, 2, 2 * stride, 2 * stride)
            weight = hashed.between(f"upsampling/weight/{stride}", shape, -1.0, 1.0)
            x, weight = (v.to(dtype, copy=True).requires_grad_() for v in (x, weight))
            y = F.conv_transpose2d(x, weight, stride=stride, padding=stride // 2)
            ramp = hashed.between(f"upsampling/ramp/{stride}", y.shape, -1.0, 1.0).to(dtype)
            (y * ramp).sum().backward()
            out[f"stride_{stride}.y"] = y.detach()
            out[f"stride_{stride}.x_gradient"] = x.grad
            out[f"stride_{stride}.weight_gradient"] = weight.grad
            # What a bilinear start must give: interpolation between pixel centres, zero outside.
            around = F.pad(x.detach(), (1, 1, 1, 1))
            smooth = F.interpolate(around, scale_factor=stride, mode="bilinear")
            out[f"stride_{stride}.bilinear"] = smooth[:, :, stride:-stride, stride:-stride]
    save("upsampling", arrays, {"strides": [2, 8]}, float32_errors(arrays, rough))


def make_state_dict():
    """A state dict as PyTorch users save it, with its counts of batches, for us to load."""
    net = twins.build(net_case("unet", 1, "batch", 0, (0, 0))["config"], 2)
    hashed.fill(net)
    about = {"about": json.dumps({"made_with": VERSIONS})}
    safetensors.torch.save_model(net, HERE / "state_dict.safetensors", about)


if __name__ == "__main__":
    torch.set_num_threads(1)
    make_nets()
    make_sgd()
    make_losses()
    make_upsampling()
    make_state_dict()
    total = sum(path.stat().st_size for path in HERE.glob("*.safetensors"))
    print(f"{total} bytes in all")
