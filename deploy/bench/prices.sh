#!/usr/bin/env bash
# What TLS and compression cost a comet: connections, memory, fan-out, each beside the same without. Results in
# benches/results/<date>-prices, in ten minutes.
#   prices.sh [FOLDER]
# OORT_BENCH_BIN names the folder with `oort` and `oort-bench` (default target/fast, built when missing).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

out=${1:-benches/results/$(date +%F)-prices}
bin=${OORT_BENCH_BIN:-target/fast}
[ -x "$bin/oort-bench" ] && [ -x "$bin/oort" ] || cargo build --workspace --bins --profile fast

failed=()
measure() { # SCENARIO OPTIONS...: a run that hangs is ended
  printf '\n== %s (%d s)\n' "$*" $SECONDS
  timeout 300 "$bin/oort-bench" "$@" --out "$out" || failed+=("$*")
}
fanout() { measure fanout --members 1000 --mode one,batch --body-bytes 300 --cycles 3 --seconds 1 "$@"; }
handshake() { measure handshake --dialect json --members 5000 --cycles 3 "$@"; }
idle() { measure idle --dialect json --connections 10000 --seconds 5 "$@"; }

fanout --dialect json,json-deflate --set OORT_COMET__DEFLATE__ENABLED=true
fanout --dialect json --tls full
handshake
handshake --tls full
handshake --tls resumed
idle
idle --tls full

printf '\n%s/report.html (%d s)\n' "$out" $SECONDS
if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAIL: %s\n' "${failed[@]}"
  exit 1
fi
