#!/bin/sh
# Makes onnxruntime and the model in its form, for `cargo run --release -- --onnxruntime target/onnxruntime`.
#
# Needs python3 with venv and pip, and the model (scripts/fetch-minilm.sh). Everything goes to bench/target/onnxruntime.
set -eu

cd "$(dirname "$0")/.."
home=target/onnxruntime
python3 -m venv "$home"
"$home/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.23.2 safetensors==0.8.0 numpy==2.4.6
"$home/bin/python" onnxruntime/export.py ../models/all-MiniLM-L6-v2 "$home/models"
cp "$home"/lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so.* "$home/libonnxruntime.so"
echo "made $home"
