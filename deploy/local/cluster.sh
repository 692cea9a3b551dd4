#!/usr/bin/env bash
# Runs a whole cluster on this machine: MariaDB, Redis, Kafka, and 2 comet, 2 logic and 2 job of the given binary.
# Ctrl-C stops all of it. Data and logs stay in data/cluster.
set -euo pipefail
oort=${1:?usage: cluster.sh PATH-TO-OORT}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=$(mkdir -p data/cluster && cd data/cluster && pwd)

"$here/services.sh" up "$dir/services"
# shellcheck disable=SC1091
. "$dir/services/env"

export OORT_LOGIC__STORE__URL=$OORT_TEST_MYSQL_URL/oort
export OORT_DIRECTORY__URLS=$OORT_TEST_REDIS_URL
export OORT_BUS__BROKERS=$OORT_TEST_KAFKA_BROKERS
export OORT_CLUSTER__TRUSTED_PROXIES=127.0.0.1
export OORT_CLUSTER__LOGIC_GRPC=http://127.0.0.1:50061,http://127.0.0.1:50062
export OORT_CLUSTER__LOGIC_HTTP=http://127.0.0.1:8091,http://127.0.0.1:8092

pids=()
cleanup() {
  trap - EXIT INT TERM
  echo "stopping"
  # In the order they were started, comets first, so that clients are told while logic still answers.
  for pid in "${pids[@]}"; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  "$here/services.sh" down "$dir/services"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

start() { # NAME COMMAND VARIABLE=VALUE...
  local name=$1 command=$2; shift 2
  env OORT_NODE__NAME="$name" "$@" "$oort" "$command" >"$dir/$name.log" 2>&1 &
  pids+=($!)
}
ready() { # NAME ADMIN-PORT
  local deadline=$((SECONDS + 30))
  until curl -fsS "http://127.0.0.1:$2/readyz" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || { tail -n 20 "$dir/$1.log"; echo "$1 is not ready within 30 s (log: $dir/$1.log)"; exit 1; }
    sleep 0.1
  done
}

"$oort" migrate
for n in 1 2; do
  start "comet-$n" comet OORT_ADMIN__LISTEN=127.0.0.1:912$n OORT_COMET__HTTP_LISTEN=127.0.0.1:808$n \
    OORT_COMET__TCP_LISTEN=127.0.0.1:310$n OORT_COMET__GRPC_LISTEN=127.0.0.1:5007$n
done
for n in 1 2; do
  start "logic-$n" logic OORT_ADMIN__LISTEN=127.0.0.1:911$n OORT_LOGIC__HTTP_LISTEN=127.0.0.1:809$n OORT_LOGIC__GRPC_LISTEN=127.0.0.1:5006$n
  start "job-$n" job OORT_ADMIN__LISTEN=127.0.0.1:913$n
done
for n in 1 2; do ready "logic-$n" 911$n; ready "comet-$n" 912$n; ready "job-$n" 913$n; done

cat <<T

The cluster runs. Open one window on each comet and chat:
  comet 1  http://127.0.0.1:8081
  comet 2  http://127.0.0.1:8082
API of logic   http://127.0.0.1:8091/api   http://127.0.0.1:8092/api
Health         http://127.0.0.1:9111 … 9132, /readyz and /metrics
Logs           $dir/*.log
Ctrl-C stops everything.
T
# The first of them to end ends the cluster.
wait -n "${pids[@]}"
echo "a process ended by itself: see $dir/*.log"
exit 1
