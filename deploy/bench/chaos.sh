#!/usr/bin/env bash
# Breaks one part after the other while a crowd chats, in both shapes; the ledger of what its devices saw proves that nothing
# acknowledged was lost. Tables and figures in benches/results/<date>-chaos.
#   chaos.sh [FOLDER]            every fault
#   chaos.sh --short FOLDER      those that matter most, for the tests: about two minutes
# SEED=7 repeats a run: order, targets and lengths follow from it. OORT_BENCH_BIN names the folder with `oort` and
# `oort-bench` (default target/fast, built when missing).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

short=
[ "${1:-}" != --short ] || { short=1; shift; }
out=${1:-benches/results/$(date +%F)-chaos}
bin=${OORT_BENCH_BIN:-target/fast}
seed=${SEED:-$(date +%s)}
[ -x "$bin/oort-bench" ] && [ -x "$bin/oort" ] || cargo build --workspace --bins --profile fast

# Services of their own: they are killed.
services=$(mktemp -d "${TMPDIR:-/tmp}/oort-chaos-XXXXXX")
cleanup() {
  deploy/local/services.sh down "$services"
  rm -rf "$services"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
deploy/local/services.sh up "$services"

failed=()
# Nobody goes away by themselves: what is slow is slow because of the fault.
crowd=(--users 40 --accounts 10 --groups 12 --sends 60 --departures 0 --patience 120)
standalone=() cluster=()
if [ -n "$short" ]; then
  crowd=(--users 20 --accounts 6 --groups 8 --sends 40 --departures 0 --patience 120 --hold 1.5 --calm 1)
  standalone=(--faults kill-oort,clients-cut)
  cluster=(--faults kill-comet,pause-comet,kill-logic,kill-job,restart-comet,kill-kafka,pause-kafka,kill-redis,redis-flushall,kill-mysql,mysql-connections-cut,mysql-link-cut,redis-half-closed,clients-half-closed)
fi
chaos() { # SHAPE OPTIONS...
  printf '\n== chaos, %s, seed %s (%d s)\n' "$1" "$seed" $SECONDS
  timeout 1800 "$bin/oort-bench" chaos --shape "$@" --seed "$seed" "${crowd[@]}" --out "$out" || failed+=("$1")
}
chaos standalone "${standalone[@]}"
chaos cluster --services "$services" "${cluster[@]}"

if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAIL: %s. Repeat it with SEED=%s %s\n' "${failed[*]}" "$seed" "${short:+--short }$out" >&2
  exit 1
fi
