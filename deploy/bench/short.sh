#!/usr/bin/env bash
# The short set of measurements, in less than ten minutes: results and report.html in benches/results/<date>-short.
#   short.sh [FOLDER]
# OORT_BENCH_BIN names the folder with `oort` and `oort-bench` (default target/fast, built when missing).
# One scenario that fails does not keep the others from running; the exit code tells.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

out=${1:-benches/results/$(date +%F)-short}
bin=${OORT_BENCH_BIN:-target/fast}
services=${OORT_BENCH_SERVICES:-data/bench/services}
[ -x "$bin/oort-bench" ] && [ -x "$bin/oort" ] || cargo build --workspace --bins --profile fast

# Services that run already are used, and left running.
started=
if ! deploy/local/services.sh status "$services" 2>/dev/null | grep -q runs; then
  started=1
fi
deploy/local/services.sh up "$services"
cleanup() { [ -z "$started" ] || deploy/local/services.sh down "$services"; }
trap cleanup EXIT
trap 'exit 130' INT TERM

failed=()
measure() { # SCENARIO OPTIONS...: a run that hangs is ended
  printf '\n== %s (%d s)\n' "$*" $SECONDS
  timeout 180 "$bin/oort-bench" "$@" --out "$out" || failed+=("$*")
}

measure fanout --target oort --members 1000,10000 --mode one,burst,batch --cycles 3 --seconds 1
measure fanout --target oort --members 1000 --mode rate --cycles 3
measure push --target oort --cycles 3 --seconds 3
measure idle --target oort --connections 5000 --seconds 3
measure handshake --target oort --members 5000 --cycles 3
for batch in 1 16; do
  measure pushes --batch "$batch" --seconds 5
done
# One sender shows the latency of an idle machine, many show how much it takes.
for via in http ws; do
  for senders in 1 256; do
    measure send --shape standalone --via "$via" --senders "$senders" --seconds 5
    measure send --shape cluster --via "$via" --senders "$senders" --seconds 8 --services "$services"
  done
done

printf '\n%s/report.html (%d s)\n' "$out" $SECONDS
if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAIL: %s\n' "${failed[@]}"
  exit 1
fi
