#!/usr/bin/env bash
# Breaks one part after the other while a crowd chats, in both shapes; the ledger of what its devices saw proves that nothing
# acknowledged was lost. Tables and figures in benches/results/<date>-chaos.
#   chaos.sh [FOLDER]                        every fault, and what failed once
#   chaos.sh --short FOLDER                  those that matter most, and what failed once: for the tests, about two minutes
#   chaos.sh --only SHAPE FAULTS [FOLDER]    these (comma-separated): cluster kill-job,redis-flushall
# SERVERS=2: clusters have a store over two MariaDBs.
# SEED=7 repeats a run: order, targets and lengths follow from it. A run that fails prints its line for deploy/bench/failed-once.txt,
# whose lines are run again each time. OORT_BENCH_BIN names the folder with `oort` and `oort-bench` (default target/fast, built
# when missing).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

short= only_shape= only_faults=
case ${1:-} in
  --short) short=1; shift ;;
  --only) only_shape=$2 only_faults=$3; shift 3 ;;
esac
out=${1:-benches/results/$(date +%F)-chaos}
bin=${OORT_BENCH_BIN:-target/fast}
# Of the tests always the same.
seed=${SEED:-${short:+7}}
seed=${seed:-$(date +%s)}
[ -x "$bin/oort-bench" ] && [ -x "$bin/oort" ] || cargo build --workspace --bins --profile fast

# shellcheck source=deploy/bench/faults.sh
. deploy/bench/faults.sh

failed=()
# Nobody goes away by themselves: what is slow is slow because of the fault.
crowd=(--users 40 --accounts 10 --groups 12 --sends 60 --departures 0 --patience 300 --wait 300 --herd 300)
standalone_faults=all cluster_faults=all
if [ -n "$short" ]; then
  crowd=(--users 20 --accounts 6 --groups 8 --sends 40 --departures 0 --patience 300 --wait 300 --hold 1.5 --calm 1)
  standalone_faults=kill-oort,clients-cut
  [ ${#mounted[@]} = 0 ] || standalone_faults+=,disk-full
  [ -z "$faketime" ] || standalone_faults+=,clock-jumps-back
  cluster_faults=kill-comet,pause-comet,kill-logic,kill-job,kill-kafka,kill-redis,redis-flushall,kill-mysql,replica-stands-still,mysql-connections-cut,mysql-rows-locked,comet-to-logic-cut,job-to-comet-half-closed,clients-half-closed
fi
chaos() { # SEED SHAPE FAULTS: "all" = those above
  local options=()
  case $2 in
    standalone) options=("${standalone[@]}") ;;
    cluster)
      options=("${cluster[@]}")
      # A database of its own for each run.
      [ -z "$further" ] || options+=(--set "logic.store.shards.urls=$further/oort_further_$RANDOM")
      ;;
    *) echo "chaos: there is no shape $2" >&2; exit 2 ;;
  esac
  [ "$3" = all ] || options+=(--faults "$3")
  printf '\n== chaos, %s, seed %s, %s (%d s)\n' "$2" "$1" "$3" $SECONDS
  timeout 3600 "$bin/oort-bench" chaos --shape "$2" --seed "$1" "${options[@]}" "${crowd[@]}" --out "$out" || failed+=("$1 $2 $3")
}
if [ -n "$only_shape" ]; then
  chaos "$seed" "$only_shape" "$only_faults"
else
  chaos "$seed" standalone "$standalone_faults"
  chaos "$seed" cluster "$cluster_faults"
  while read -r once_seed once_shape once_faults _; do
    [ -z "$once_seed" ] || chaos "$once_seed" "$once_shape" "$once_faults"
  done < <(sed 's/#.*//' deploy/bench/failed-once.txt)
fi

if [ ${#failed[@]} -gt 0 ]; then
  for run in "${failed[@]}"; do
    read -r run_seed run_shape run_faults <<<"$run"
    printf 'FAIL. Again: SEED=%s deploy/bench/chaos.sh %s. For deploy/bench/failed-once.txt, with its faults named:\n%s\n' \
      "$run_seed" "$([ "$run_faults" = all ] && echo "$out" || echo "--only $run_shape $run_faults $out")" "$run" >&2
  done
  exit 1
fi
