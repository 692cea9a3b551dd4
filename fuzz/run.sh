#!/bin/sh
# Fuzzes with libFuzzer on stable Rust, without cargo-fuzz.
#
#   fuzz/run.sh SECONDS_PER_TARGET [TARGET...]
#
# Builds into target/fuzz (or $OORT_FUZZ_TARGET_DIR) and runs each target for the given time: from its seeds
# (fuzz/seeds/TARGET) and from what earlier runs found (the folder corpus/TARGET there). Exits with 1 and
# names the input when a target crashes. To replay one: BINARY INPUT, both as printed.
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
coverage="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-trace-compares"
# shellcheck disable=SC2086 # a list of arguments
RUSTFLAGS=$coverage CARGO_TARGET_DIR=$target_dir \
    cargo build --manifest-path "$here/Cargo.toml" --target "$triple" $bins

crashed=
for target in $targets; do
    binary=$target_dir/$triple/debug/$target
    corpus=$target_dir/corpus/$target
    crashes=$target_dir/crashes/$target
    dictionary_option=
    [ -f "$here/dictionaries/$target.dict" ] && dictionary_option=-dict=$here/dictionaries/$target.dict
    mkdir -p "$corpus" "$crashes"
    echo "== $target, $seconds s"
    if ! "$binary" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
        ${dictionary_option:+"$dictionary_option"} -artifact_prefix="$crashes/" "$corpus" "$here/seeds/$target"; then
        crashed="$crashed $target"
        newest=$(find "$crashes" -type f -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
        echo "== $target CRASHED. Replay: $binary ${newest:-(no input was written)}" >&2
    fi
done
if [ -n "$crashed" ]; then
    echo "== crashed:$crashed" >&2
    exit 1
fi
echo "== no crash"
