#!/usr/bin/env bash
# A loaded cluster and, beside it, a loaded single process, for an hour: every minute something breaks. The ledger proves that
# nothing acknowledged was lost, and the memory of every process has to stay flat. Tables, figures and plots in
# benches/results/<date>-soak.
#   soak.sh [--minutes N] [--shape cluster|standalone] [FOLDER]
# SEED=7 repeats a run: order, targets and lengths follow from it. OORT_BENCH_BIN names the folder with `oort` and
# `oort-bench` (default target/fast, built when missing). HERD=1000 is how many idle clients there are beside the crowd of the
# cluster, HERD_STANDALONE=300 beside that of the single process.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

minutes=60 shapes=(cluster standalone)
[ "${1:-}" != --minutes ] || { minutes=$2; shift 2; }
[ "${1:-}" != --shape ] || { shapes=("$2"); shift 2; }
out=${1:-benches/results/$(date +%F)-soak}
bin=${OORT_BENCH_BIN:-target/fast}
seed=${SEED:-$(date +%s)}
[ -x "$bin/oort-bench" ] && [ -x "$bin/oort" ] || cargo build --workspace --bins --profile fast

# shellcheck source=deploy/bench/faults.sh
. deploy/bench/faults.sh

crowd=(--minutes "$minutes" --users 40 --accounts 10 --groups 12 --sends 40 --departures 0 --patience 300)
soak() { # SHAPE OPTIONS...: in the background, both at the same time
  exec timeout $((minutes * 60 + 900)) "$bin/oort-bench" chaos --shape "$@" --seed "$seed" "${crowd[@]}" --out "$out" \
    > >(sed -u "s/^/$1: /") 2> >(sed -u "s/^/$1: /" >&2)
}
printf '== soak, %s minutes, seed %s\n' "$minutes" "$seed"
for shape in "${shapes[@]}"; do
  case $shape in
    cluster) soak cluster "${cluster[@]}" --herd "${HERD:-1000}" & pids+=($!) ;;
    standalone) soak standalone "${standalone[@]}" --herd "${HERD_STANDALONE:-300}" & pids+=($!) ;;
    *) echo "soak: there is no shape $shape" >&2; exit 2 ;;
  esac
done
failed=()
for index in "${!shapes[@]}"; do
  wait "${pids[$index]}" || failed+=("${shapes[$index]}")
done
pids=()

if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAIL: %s. Repeat it with SEED=%s deploy/bench/soak.sh --minutes %s\n' "${failed[*]}" "$seed" "$minutes" >&2
  exit 1
fi
printf '%s\n' "$out"
