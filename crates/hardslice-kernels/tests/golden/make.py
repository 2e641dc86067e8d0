#!/usr/bin/env python3
"""Makes operations.json: results and gradients of the operations in PyTorch, in double precision.

usage: make.py > operations.json

The numbers that go in come from `numbers` (xorshift64), which the test has, too; each gradient is
that of sum(output * numbers(99)).
"""
import json
import torch
import torch.nn.functional as F


def numbers(seed, shape):
    mask = (1 << 64) - 1
    state = (seed * 0x9E3779B97F4A7C15 & mask) | 1
    out = []
    for _ in range(torch.Size(shape).numel()):
        state ^= state << 13 & mask
        state ^= state >> 7
        state ^= state << 17 & mask
        out.append((state >> 40) / (1 << 24) - 0.5)
    return torch.tensor(out, dtype=torch.float64).reshape(shape).requires_grad_()


def case(output, inputs):
    output.backward(numbers(99, output.shape).detach())
    tensors = {"output": output.detach(), **{"d_" + k: v.grad for k, v in inputs.items()}}
    return {k: [float(f"{x:.7g}") for x in v.flatten().tolist()] for k, v in tensors.items()}


def conv_norm_relu():
    skip, x, w = numbers(1, (2, 1, 4, 5)), numbers(2, (2, 17, 4, 5)), numbers(3, (3, 18, 3, 3))
    gamma, beta = numbers(4, (3,)), numbers(5, (3,))
    y = F.conv2d(torch.cat([skip, x], 1), w, padding=1)
    mean, var = y.mean((0, 2, 3)), y.var((0, 2, 3), unbiased=False)
    out = F.relu(F.batch_norm(y, None, None, gamma, beta, training=True, eps=1e-5))
    made = case(out, dict(skip=skip, x=x, weight=w, gamma=gamma, beta=beta))
    return made | {"mean": mean.tolist(), "var_biased": var.tolist()}


def conv3x3_bias():
    x, w, b = numbers(1, (2, 1, 9, 5)), numbers(2, (16, 1, 3, 3)), numbers(3, (16,))
    return case(F.relu(F.conv2d(x, w, b, padding=1)), dict(x=x, weight=w, bias=b))


def conv_bias_7x7():
    x, w, b = numbers(1, (1, 4, 5, 6)), numbers(2, (3, 4, 7, 7)), numbers(3, (3,))
    return case(F.relu(F.conv2d(x, w, b, padding=3)), dict(x=x, weight=w, bias=b))


def max_pool2x2():
    x = numbers(1, (2, 3, 7, 9))
    return case(F.max_pool2d(x, 2), dict(x=x))


def conv_transpose2x2():
    x, w, b = numbers(1, (2, 18, 3, 5)), numbers(2, (18, 4, 2, 2)), numbers(3, (4,))
    return case(F.conv_transpose2d(x, w, b, stride=2), dict(x=x, weight=w, bias=b))


def conv1x1():
    x, w, b = numbers(1, (2, 18, 3, 5)), numbers(2, (3, 18, 1, 1)), numbers(3, (3,))
    return case(F.conv2d(x, w, b), dict(x=x, weight=w, bias=b))


def conv_transpose_bilinear(stride):
    x, w = numbers(1, (2, 2, 3, 4)), numbers(2, (2, 3, 2 * stride, 2 * stride))
    out = F.conv_transpose2d(x, w, stride=stride, padding=stride // 2)
    return case(out, dict(x=x, weight=w))


made = {f.__name__: f() for f in (conv_norm_relu, conv3x3_bias, conv_bias_7x7, max_pool2x2,
                                  conv_transpose2x2, conv1x1)}
made["conv_transpose_bilinear_2"] = conv_transpose_bilinear(2)
made["conv_transpose_bilinear_8"] = conv_transpose_bilinear(8)
print(json.dumps({"torch": torch.__version__, "cases": made}))
