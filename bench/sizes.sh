#!/usr/bin/env bash
# Makes the zips of all functions for both architectures and writes how large they are into SIZES.md beside this script.
# Arguments: the functions.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$here/..
declare -A bytes
for arch in arm64 x86_64; do
    make -C "$root" build ARCH="$arch"
    for function in "$@"; do
        bytes[$function,$arch]=$(wc -c <"${CARGO_TARGET_DIR:-$root/target}/lambda/$function/bootstrap.zip")
    done
done
{
    echo "# What \`make sizes\` made"
    echo
    echo "The zips that are deployed, in bytes, at commit $(git -C "$root" describe --always --dirty --exclude='*')."
    echo
    echo "| function | arm64 | x86_64 |"
    echo "|---|---|---|"
    for function in "$@"; do
        echo "| \`$function\` | ${bytes[$function,arm64]} | ${bytes[$function,x86_64]} |"
    done
} >"$here/SIZES.md"
