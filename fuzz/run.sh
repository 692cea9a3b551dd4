#!/bin/sh
# Fuzzes with libFuzzer on stable Rust, without cargo-fuzz.
#
#   fuzz/run.sh SECONDS_PER_TARGET [TARGET...]
#
# Builds into target/fuzz (or $OORT_FUZZ_TARGET_DIR) and runs each target for the given time: from its seeds
# (fuzz/seeds/TARGET) and from what earlier runs found (the folder corpus/TARGET there), as many at once as there are
# cores. Exits with 1 and names the input when a target crashes. To replay one: BINARY INPUT, both as printed.
set -eu

targets_known="ws_reader goim_packet json_envelope inflate comet_session access_token login_cookie list_cursor bus_record"

if [ $# -lt 1 ] || ! [ "$1" -gt 0 ] 2>/dev/null; then
    echo "usage: fuzz/run.sh SECONDS_PER_TARGET [TARGET...]   targets: $targets_known" >&2
    exit 2
fi
seconds=$1
shift
targets=${*:-$targets_known}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target_dir=${OORT_FUZZ_TARGET_DIR:-$here/../target/fuzz}
mkdir -p "$target_dir"
target_dir=$(CDPATH='' cd -- "$target_dir" && pwd)
triple=$(rustc -vV | sed -n 's/^host: //p')

bins=
for target in $targets; do
    case " $targets_known " in
    *" $target "*) bins="$bins --bin $target" ;;
    *)
        echo "no target $target; there are: $targets_known" >&2
        exit 2
        ;;
    esac
done

# The flags that cargo-fuzz would set, less the sanitizers, which need nightly. With --target they leave
# build scripts alone.
coverage="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-trace-compares"
# For a few seconds of fuzzing, optimising takes longer than it saves.
[ "$seconds" -ge 60 ] || export CARGO_PROFILE_DEV_OPT_LEVEL=0
# shellcheck disable=SC2086 # a list of arguments
RUSTFLAGS=$coverage CARGO_TARGET_DIR=$target_dir \
    cargo build --manifest-path "$here/Cargo.toml" --target "$triple" $bins

rm -rf "$target_dir/crashed"
mkdir -p "$target_dir/crashed"
export target_dir triple seconds
# shellcheck disable=SC2086 # a list of words
printf '%s\n' $targets | xargs -n 1 -P "$(nproc)" "$here/one.sh" && ended=0 || ended=$?
if [ "$ended" != 0 ]; then
    echo "== crashed:" $(ls "$target_dir/crashed") >&2
    exit 1
fi
echo "== no crash"
