"""all-MiniLM-L6-v2 as ONNX, as f32 and with weights in 8 bits.

The graph is written straight from the checkpoint with the nodes that onnxruntime's own optimiser for BERT makes of
an exported one (com.microsoft: EmbedLayerNormalization, Attention, SkipLayerNormalization, BiasGelu), so that it runs as
its users run it. Pooling and normalisation are part of it. The 8 bits are those of `quantize_dynamic`, a scale a channel.

    export.py MODEL_DIRECTORY OUT_DIRECTORY
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file


def build(directory: Path) -> onnx.ModelProto:
    config = json.loads((directory / "config.json").read_text())
    weights = load_file(directory / "model.safetensors")
    heads, eps = config["num_attention_heads"], config["layer_norm_eps"]
    assert config["hidden_act"] == "gelu"
    nodes, initializers = [], []

    def constant(name: str, value: np.ndarray) -> str:
        initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(name: str) -> str:
        return constant(name, weights[name].astype(np.float32))

    def matrix(name: str) -> str:
        return constant(name, weights[name].astype(np.float32).T)

    def node(kind: str, inputs: list, output: str, domain: str = "", **attributes) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], domain=domain, name=output, **attributes))
        return output

    microsoft = "com.microsoft"
    embeddings = "embeddings."
    nodes.append(
        helper.make_node(
            "EmbedLayerNormalization",
            [
                "tokens", "",
                weight(embeddings + "word_embeddings.weight"),
                weight(embeddings + "position_embeddings.weight"),
                "",
                weight(embeddings + "LayerNorm.weight"), weight(embeddings + "LayerNorm.bias"),
                "mask",
            ],
            ["x0", "lengths"],
            domain=microsoft, name="x0", epsilon=eps,
        )
    )
    # Without segments the first row of their table is added to the positions.
    positions = next(i for i in initializers if i.name == embeddings + "position_embeddings.weight")
    segments = weights[embeddings + "token_type_embeddings.weight"].astype(np.float32)
    positions.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(positions) + segments[0], positions.name))
    x = "x0"
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}."
        own = at + "attention.self."
        qkv = [weights[own + f"{part}.weight"].astype(np.float32).T for part in ("query", "key", "value")]
        bias = [weights[own + f"{part}.bias"].astype(np.float32) for part in ("query", "key", "value")]
        mixed = node(
            "Attention",
            [x, constant(own + "qkv", np.concatenate(qkv, 1)), constant(own + "bias", np.concatenate(bias)), "mask"],
            own + "mixed", microsoft, num_heads=heads,
        )
        out = at + "attention.output."
        dense = node("MatMul", [mixed, matrix(out + "dense.weight")], out + "product")
        norm = [weight(out + "LayerNorm.weight"), weight(out + "LayerNorm.bias")]
        a = node("SkipLayerNormalization", [dense, x, *norm, weight(out + "dense.bias")], out + "y", microsoft, epsilon=eps)
        inner = at + "intermediate.dense."
        up = node("MatMul", [a, matrix(inner + "weight")], inner + "product")
        gelu = node("BiasGelu", [up, weight(inner + "bias")], inner + "gelu", microsoft)
        out = at + "output."
        down = node("MatMul", [gelu, matrix(out + "dense.weight")], out + "product")
        norm = [weight(out + "LayerNorm.weight"), weight(out + "LayerNorm.bias")]
        x = node("SkipLayerNormalization", [down, a, *norm, weight(out + "dense.bias")], out + "y", microsoft, epsilon=eps)
    # The mean over tokens, not over padding; its length cancels in the norm.
    wide = node("Cast", ["mask"], "mask_f32", to=TensorProto.FLOAT)
    wide = node("Unsqueeze", [wide, constant("one", np.array([1], np.int64))], "mask_row")
    total = node("MatMul", [wide, x], "total")
    total = node("Squeeze", [total, "one"], "sum")
    length = node("ReduceL2", [total, "one"], "length", keepdims=1)
    node("Div", [total, length], "embedding")

    ids = [helper.make_tensor_value_info(n, TensorProto.INT32, ["B", "T"]) for n in ("tokens", "mask")]
    out = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", config["hidden_size"]])
    graph = helper.make_graph(nodes, "minilm", ids, [out], initializers)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(microsoft, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def main() -> None:
    directory, out = map(Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    model = build(directory)
    onnx.save(model, out / "f32.onnx")
    quantize_dynamic(
        out / "f32.onnx", out / "int8.onnx", weight_type=QuantType.QInt8, per_channel=True,
        # Shapes are not inferred through nodes of com.microsoft.
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )


if __name__ == "__main__":
    main()
