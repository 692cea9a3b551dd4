#!/usr/bin/env bash
# What a message costs as a system grows: members, connections, rooms, comets. Results, and plots in report.html, in
# benches/results/<date>-growth, in half an hour.
#   growth.sh [FOLDER]
# OORT_BENCH_BIN names the folder with `oort` and `oort-bench` (default target/fast, built when missing);
# OORT_BENCH_SERVICES that of the services (services.sh). One run that fails does not keep the others from running.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

out=${1:-benches/results/$(date +%F)-growth}
bin=${OORT_BENCH_BIN:-target/fast}
services=${OORT_BENCH_SERVICES:-data/bench/services}
[ -x "$bin/oort-bench" ] && [ -x "$bin/oort" ] || cargo build --workspace --bins --profile fast

# Services that run already are used, and left running.
started=
deploy/local/services.sh status "$services" 2>/dev/null | grep -q runs || started=1
deploy/local/services.sh up "$services"
cleanup() { [ -z "$started" ] || deploy/local/services.sh down "$services"; }
trap cleanup EXIT
trap 'exit 130' INT TERM

failed=()
measure() { # SCENARIO OPTIONS...: a run that hangs is ended
  printf '\n== %s (%d s)\n' "$*" $SECONDS
  timeout 900 "$bin/oort-bench" "$@" --out "$out" || failed+=("$*")
}

# Members of one room, then connections of which one is meant.
measure fanout --dialect json --members 10,100,1000,4000,16000 --mode one,batch --cycles 3 --seconds 1
for members in 100 1000 4000 16000; do
  measure push --dialect json --members "$members" --cycles 3 --seconds 3
done
# Connections of six comets, all of which are meant: more than one process may have.
measure idle --connections 1000,6000,24000,100000 --comets 6 --opening 2 --seconds 1 --messages 20
# Conversations, as many messages a second over all of them; each of four people has a connection in a quarter of them.
for rooms in 4 100 1000 10000; do
  measure send --shape standalone --kind group --rooms "$rooms" --rate 1000 --seconds 10 \
    --set comet.rooms_per_connection_max=20000
done
# More people, who are in thousands each: all of that is read before one is greeted.
for rooms in 1000 10000 100000; do
  measure send --shape standalone --kind group --rooms "$rooms" --rate 1000 --seconds 10 --senders 64 \
    --set comet.rooms_per_connection_max=200000 --set comet.rpc_timeout_ms=60000 --set comet.handshake_timeout_ms=90000
done
# Comets, of which each has a part of the members of every conversation.
for comets in 1 3 5 8; do
  measure send --shape cluster --comets "$comets" --members 1600 --rate 40 --seconds 10 --services "$services"
done

printf '\n%s/report.html (%d s)\n' "$out" $SECONDS
if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAIL: %s\n' "${failed[@]}"
  exit 1
fi
