"""Writes the vectors of this folder: numbers, their bytes and what these decode to.

The reference is the package gguf 0.19.0 (with numpy 2.4), whose quantisers agree byte for byte with
those of GGML. Where it has none, as for the encoders of Q4_K and Q6_K, a plain one stands below.

    pip install gguf==0.19.0 numpy && python3 make.py
"""

import json
import pathlib

import numpy as np
from gguf import GGMLQuantizationType as Kind
from gguf import quants

HERE = pathlib.Path(__file__).parent


def numbers(rng, blocks, block):
    """Blocks of every sort: random ones, zeros, ties, one large number, tiny and huge ones."""
    x = rng.standard_normal((blocks, block)).astype(np.float32)
    x *= (2.0 ** rng.integers(-8, 8, (blocks, 1))).astype(np.float32)
    x[1] = 0
    x[2] = rng.integers(-8, 9, block) / 8
    x[3] = 1
    x[4] = -1
    x[5, 1:] = 0
    x[6] = np.round(x[6] * 4) / 4
    x[7] = np.abs(x[7])
    x[8] = np.linspace(-1, 1, block)
    x[9] = np.where(np.arange(block) % 2, 0.75, -0.75)
    return x


def write(name, block, x, coded, decoded):
    out = {
        "numbers": [float(v) for v in x.reshape(-1)] if x is not None else [],
        "bytes": [int(v) for v in coded.reshape(-1)],
        "decoded": [float(v) for v in decoded.reshape(-1)],
    }
    assert np.isfinite(decoded).all() and decoded.size % block == 0
    (HERE / f"{name}.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")


def both(name, kind, blocks=24):
    """Encoded and decoded by the reference."""
    rng = np.random.default_rng(sum(map(ord, name)))
    block = {Kind.TQ1_0: 256, Kind.TQ2_0: 256}.get(kind, 32)
    x = numbers(rng, blocks, block)
    coded = quants.quantize(x, kind)
    write(name, block, x, coded, quants.dequantize(coded, kind))


def decoding(name, kind, halves, blocks=4):
    """Any bytes, but for the scales at the offsets `halves`, decoded by the reference."""
    rng = np.random.default_rng(sum(map(ord, name)))
    size = {Kind.Q4_K: 144, Kind.Q6_K: 210}[kind]
    coded = rng.integers(0, 256, (blocks, size), dtype=np.uint8)
    for at in halves:
        scale = rng.standard_normal(blocks).astype(np.float16)
        coded[:, at : at + 2] = scale.view(np.uint8).reshape(blocks, 2)
    write(name, 256, None, coded, quants.dequantize(coded, kind))


def plain_q4_k(x):
    """Scales and minima straight from the least and the largest number of each group."""
    g = x.reshape(-1, 8, 32)
    least, most = np.minimum(g.min(-1), 0), np.maximum(g.max(-1), 0)
    step = (most - least) / 15
    d, m = step.max(-1, keepdims=True) / 63, (-least).max(-1, keepdims=True) / 63
    inverse = lambda v: np.divide(1, v, out=np.zeros_like(v), where=v != 0)
    s = d * np.clip(np.round(step * inverse(d)), 0, 63)
    z = m * np.clip(np.round(-least * inverse(m)), 0, 63)
    q = np.clip(np.round((g + z[..., None]) * inverse(s)[..., None]), 0, 15)
    return (s[..., None] * q - z[..., None]).reshape(x.shape)


def plain_q6_k(x):
    """Scales straight from the number of the largest magnitude of each group."""
    g = x.reshape(-1, 16, 16)
    at = np.abs(g).argmax(-1)[..., None]
    step = np.take_along_axis(g, at, -1)[..., 0] / -32
    d = np.take_along_axis(step, np.abs(step).argmax(-1)[..., None], -1) / -128
    inverse = lambda v: np.divide(1, v, out=np.zeros_like(v), where=v != 0)
    s = d * np.clip(np.round(step * inverse(d)), -128, 127)
    q = np.clip(np.round(g * inverse(s)[..., None]), -32, 31)
    return (s[..., None] * q).reshape(x.shape)


def errors():
    """Root mean square errors that the encoders of Q4_K and Q6_K must not exceed, and the numbers."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal((8, 256)).astype(np.float32)
    rmse = lambda y: float(np.sqrt(np.mean((x - y) ** 2)))
    out = {"numbers": [float(v) for v in x.reshape(-1)], "q4_k": rmse(plain_q4_k(x)), "q6_k": rmse(plain_q6_k(x))}
    (HERE / "errors.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")


with np.errstate(all="ignore"):
    both("q8_0", Kind.Q8_0)
    both("q4_0", Kind.Q4_0)
    both("q4_1", Kind.Q4_1)
    both("q5_0", Kind.Q5_0)
    both("tq1_0", Kind.TQ1_0, 10)
    both("tq2_0", Kind.TQ2_0, 10)
    decoding("q4_k", Kind.Q4_K, [0, 2])
    decoding("q6_k", Kind.Q6_K, [208])
    errors()
