#!/bin/sh
# Fuzzes one target, for run.sh, which says where and for how long by its variables; several of these run at once, so what
# the target says is shown when it is done. A file in $target_dir/crashed tells that it did not end well.
#
#   one.sh TARGET
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target=$1
binary=$target_dir/$triple/debug/$target
corpus=$target_dir/corpus/$target
crashes=$target_dir/crashes/$target
said=$target_dir/crashed/$target
mkdir -p "$corpus" "$crashes"
dictionary_option=
[ -f "$here/dictionaries/$target.dict" ] && dictionary_option=-dict=$here/dictionaries/$target.dict

{
    echo "== $target, $seconds s"
    "$binary" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
        ${dictionary_option:+"$dictionary_option"} -artifact_prefix="$crashes/" "$corpus" "$here/seeds/$target" && ended=0 || ended=$?
    if [ $ended != 0 ]; then
        newest=$(find "$crashes" -type f -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
        echo "== $target CRASHED. Replay: $binary ${newest:-(no input was written)}"
    fi
} >"$said" 2>&1
cat "$said" >&2
[ $ended != 0 ] || rm "$said"
exit $ended
