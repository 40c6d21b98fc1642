#!/bin/sh
# Tests the NEON level: all tests of igla-runtime, and the kernels of all specs against the interpreter.
#
#   scripts/test-neon.sh            CASES=25 SEED=1 scripts/test-neon.sh
#
# On 64-bit ARM everything runs as it is. Elsewhere code is compiled for ARM and runs under emulation, which shows that
# results are right and nothing about speed. That takes about 12 minutes and, on Debian and its derivatives,
#
#   - the packages gcc-aarch64-linux-gnu and qemu-user-static, which are installed if this runs as root;
#   - a Rust with a standard library for ARM: the pinned one if it has it (rustup target add
#     aarch64-unknown-linux-gnu), otherwise Debian's rustc-web (Debian 12 with its security updates), 130 MB. It is
#     unpacked, not installed: other compilers on the system, and apt's lists, stay as they are.
#
# Whatever is made or unpacked is in target/neon.
set -eu

cd "$(dirname "$0")/.."
cases=${CASES:-25}
seed=${SEED:-1}
target=aarch64-unknown-linux-gnu
place=$PWD/target/neon
rust=$place/rust

fail() {
    printf 'test-neon: %s\n' "$1" >&2
    exit 1
}

stage() {
    printf '\n== %s\n' "$1"
}

# apt-get with lists of its own, of both architectures.
apt_get() {
    apt-get -qq -o Dir::State="$place/apt/state" -o Dir::Cache="$place/apt/cache" -o Debug::NoLocking=1 \
        -o APT::Architectures::="$host" -o APT::Architectures::=arm64 -o APT::Sandbox::User=root "$@"
}

# Debian's Rust with libraries for both architectures, in $rust once it is complete.
unpack_rust() {
    command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
        fail "Rust has no library for ARM; try: rustup target add $target"
    host=$(dpkg --print-architecture)
    archives=$place/apt/cache/archives
    rm -rf "$rust.new" "$archives"
    mkdir -p "$rust.new" "$archives/partial" "$place/apt/state/lists/partial"
    apt_get update || fail "apt cannot fetch its lists; check the network"
    # What the compiler needs and this system lacks; then itself, which may be here already.
    apt_get install --download-only --no-install-recommends --yes "rustc-web:$host" ||
        fail "apt has no rustc-web that fits; Debian 12 has it among its security updates"
    version=$(apt_get --print-uris download "rustc-web:$host" | sed 's/.* rustc-web_\([0-9]*\.[0-9]*\).*/\1/')
    (
        cd "$archives"
        apt_get download "rustc-web:$host" "libstd-rust-web-$version:$host" "libstd-rust-web-dev:$host" \
            libstd-rust-web-dev:arm64
    ) || fail "apt cannot download Rust $version and its library for ARM"
    for archive in "$archives"/*.deb; do
        dpkg --extract "$archive" "$rust.new"
    done
    # Programs that find their libraries without being installed.
    libraries=$(cd "$rust.new/usr/lib" && echo *-linux-gnu)
    mkdir "$rust.new/bin"
    for program in rustc rustdoc; do
        printf '#!/bin/sh\nLD_LIBRARY_PATH=%s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec %s "$@"\n' \
            "$rust/usr/lib/$libraries" "$rust/usr/bin/$program" >"$rust.new/bin/$program"
        chmod +x "$rust.new/bin/$program"
    done
    rm -rf "$archives" "$rust"
    mv "$rust.new" "$rust"
}

# The crate's tests at the best level and with each forced; they go through the levels themselves where it matters.
test_runtime() {
    for level in '' scalar neon; do
        stage "tests of igla-runtime${level:+, IGLA_ISA=$level}"
        IGLA_ISA=$level cargo test --package igla-runtime "$@"
    done
}

if [ "$(uname -m)" = aarch64 ]; then
    test_runtime
    stage "kernels of all specs, $cases draws each"
    cargo vibee test specs/ --cases "$cases" --seed "$seed"
    exit
fi

needed=
command -v aarch64-linux-gnu-gcc >/dev/null || needed="$needed gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
command -v qemu-aarch64-static >/dev/null || needed="$needed qemu-user-static"
if [ -n "$needed" ]; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "install these packages and run this again:$needed"
    stage "packages:$needed"
    apt-get -qq update
    # shellcheck disable=SC2086
    apt-get -qq install --yes --no-install-recommends $needed
fi

mkdir -p "$place"
stage 'Rust for ARM'
if ls "$(rustc --print target-libdir --target $target)"/libstd-*.rlib >/dev/null 2>&1; then
    rustc --version
else
    [ -e "$rust/bin/rustc" ] || unpack_rust
    RUSTC=$rust/bin/rustc
    RUSTDOC=$rust/bin/rustdoc
    export RUSTC RUSTDOC
    "$RUSTC" --version
fi
runner='qemu-aarch64-static -L /usr/aarch64-linux-gnu'
CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=$runner
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER
test_runtime --target $target --target-dir "$place/build"
stage 'products of bytes on a CPU without instructions for them'
QEMU_CPU=cortex-a53 cargo test --package igla-runtime --target $target --target-dir "$place/build" --test blocks_int8

# The interpreter runs here and asks compiled kernels for their results. It has them compiled by $CARGO and starts
# what it finds where a program of this machine would be: a script that starts the emulator.
stage "kernels of all specs, $cases draws each"
(
    unset RUSTC RUSTDOC
    cargo build --package vibee-codegen --bin vibee
)
cat >"$place/cargo" <<END
#!/bin/sh
set -eu
cargo "\$@" --target $target
for program in "\$CARGO_TARGET_DIR"/$target/release/vibee-*; do
    case \$program in *.d) continue ;; esac
    script=\$CARGO_TARGET_DIR/release/\${program##*/}
    mkdir -p "\${script%/*}"
    printf '#!/bin/sh\nexec %s "%s" "\$@"\n' '$runner' "\$program" >"\$script.new"
    chmod +x "\$script.new"
    mv "\$script.new" "\$script"
done
END
chmod +x "$place/cargo"
CARGO=$place/cargo VIBEE_CACHE=$place/cache "${CARGO_TARGET_DIR:-target}/debug/vibee" \
    test specs/ --cases "$cases" --seed "$seed"

stage 'done'
