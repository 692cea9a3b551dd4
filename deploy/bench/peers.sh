#!/usr/bin/env bash
# Oort beside its peers, in the same run on the same cores: results and report.html in benches/results/<date>-peers.
#   peers.sh [FOLDER]
#
# Centrifugo is installed by name with Go, into a cache outside the repository, and started on the server's core with its
# memory engine. CENTRIFUGO=/path/to/centrifugo takes that binary instead; CENTRIFUGO=none leaves it out.
# goim's comet is measured too when it runs already: GOIM_PID=<its process>, and where it differs from the example
# configuration GOIM_WS, GOIM_TCP, GOIM_GRPC (host:port).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

out=${1:-benches/results/$(date +%F)-peers}
bin=${OORT_BENCH_BIN:-target/fast}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/oort-bench
members=${OORT_BENCH_MEMBERS:-1000,10000}
cycles=${OORT_BENCH_CYCLES:-5}
[ -x "$bin/oort-bench" ] && [ -x "$bin/oort" ] || cargo build --workspace --bins --profile fast

say() { printf '%s\n' "$*" >&2; }

# ---- Centrifugo -------------------------------------------------------------------------------

# By name, newest first. A module proxy may lack a library version that one of them asks for.
by_name=(v6@v6.9.1)
# The same with the library of its time named: 5.4.9 asks for the commit that is tag v0.33.5 by its hash, which not
# every proxy has; the tag is the same code.
pinned_version=v5.4.9
pinned_library=v0.33.5

install_by_name() { # VERSION
  local folder=$cache/${1##*@}
  [ -x "$folder/centrifugo" ] || GOBIN=$folder timeout 900 go install "github.com/centrifugal/centrifugo/$1" >"$cache/install.log" 2>&1 || return 1
  printf '%s\n' "$folder/centrifugo"
}

install_pinned() {
  local folder=$cache/$pinned_version
  if [ ! -x "$folder/centrifugo" ]; then
    mkdir -p "$folder/module"
    cat >"$folder/module/go.mod" <<M
module bench
go 1.24
require github.com/centrifugal/centrifugo/v5 $pinned_version
replace github.com/centrifugal/centrifuge => github.com/centrifugal/centrifuge $pinned_library
M
    printf '//go:build tools\n\npackage bench\n\nimport _ "github.com/centrifugal/centrifugo/v5"\n' >"$folder/module/tools.go"
    (cd "$folder/module" && timeout 900 go build -mod=mod -o ../centrifugo github.com/centrifugal/centrifugo/v5) >"$cache/install.log" 2>&1 || return 1
  fi
  printf '%s\n' "$folder/centrifugo"
}

find_centrifugo() {
  case ${CENTRIFUGO:-} in
    none) return 0 ;;
    ?*) [ -x "$CENTRIFUGO" ] || { say "peers: $CENTRIFUGO is no program"; return 1; }; printf '%s\n' "$CENTRIFUGO"; return 0 ;;
  esac
  command -v go >/dev/null || { say "peers: no go, so no Centrifugo: install Go, or name a binary with CENTRIFUGO=/path"; return 0; }
  mkdir -p "$cache"
  local version
  for version in "${by_name[@]}"; do
    say "installing Centrifugo ${version##*@} (once)"
    install_by_name "$version" && return 0
    say "  it cannot be installed by name here: $(tail -n 1 "$cache/install.log")"
  done
  say "installing Centrifugo $pinned_version with its library $pinned_library (once)"
  install_pinned && return 0
  say "  nor can this one: $(tail -n 1 "$cache/install.log")"
  say "peers: no Centrifugo; name a binary with CENTRIFUGO=/path"
}

# Both generations of its settings; each refuses the other's.
settings() { # BINARY FILE
  cat >"$2" <<J
{ "http_server": { "address": "127.0.0.1", "port": $port }, "log": { "level": "error" }, "http_api": { "key": "bench" },
  "client": { "allow_anonymous_connect_without_token": true },
  "channel": { "without_namespace": { "allow_subscribe_for_client": true, "allow_subscribe_for_anonymous": true } } }
J
  case $("$1" --help 2>&1) in
    *client_insecure*) cat >"$2" <<J ;;
{ "address": "127.0.0.1", "port": $port, "log_level": "error", "api_key": "bench", "allow_anonymous_connect_without_token": true,
  "allow_subscribe_for_client": true, "allow_subscribe_for_anonymous": true }
J
  esac
}

pid=
scratch=$(mktemp -d "${TMPDIR:-/tmp}/oort-peers-XXXXXX")
cleanup() {
  [ -z "$pid" ] || { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

targets=oort
options=()
centrifugo=$(find_centrifugo)
if [ -n "$centrifugo" ]; then
  port=${CENTRIFUGO_PORT:-18000}
  settings "$centrifugo" "$scratch/config.json"
  # One core, as Oort's comet and the floor have it.
  GOMAXPROCS=1 taskset -c 0 "$centrifugo" -c "$scratch/config.json" >"$scratch/log" 2>&1 &
  pid=$!
  deadline=$((SECONDS + 20))
  until (exec 9<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $deadline ] || { say "peers: Centrifugo does not start:"; tail -n 5 "$scratch/log" >&2; exit 1; }
    sleep 0.1
  done
  targets+=,centrifugo
  options+=(--centrifugo "127.0.0.1:$port" --centrifugo-api "127.0.0.1:$port" --centrifugo-key bench --centrifugo-pid "$pid")
  say "Centrifugo: $("$centrifugo" version) from $centrifugo"
fi
if [ -n "${GOIM_PID:-}" ]; then
  targets+=,goim-ws,goim-tcp
  options+=(--goim-pid "$GOIM_PID")
  [ -z "${GOIM_WS:-}" ] || options+=(--goim-ws "$GOIM_WS")
  [ -z "${GOIM_TCP:-}" ] || options+=(--goim-tcp "$GOIM_TCP")
  [ -z "${GOIM_GRPC:-}" ] || options+=(--goim-grpc "$GOIM_GRPC")
fi
[ "$targets" != oort ] || { say "peers: there is nobody to compare with"; exit 1; }

# ---- the runs ---------------------------------------------------------------------------------

failed=()
measure() { # SCENARIO OPTIONS...
  printf '\n== %s (%d s)\n' "$*" $SECONDS
  timeout 1800 "$bin/oort-bench" "$@" --target "$targets" "${options[@]}" --out "$out" || failed+=("$*")
}
# Packets for goim, JSON for Centrifugo: Oort and the floor speak both.
measure fanout --dialect packet-ws,json --members "$members" --mode one,burst,batch,rate --cycles "$cycles"
measure push --dialect packet-ws,json --cycles "$cycles"
measure handshake --dialect packet-ws,json --cycles "$cycles"
# Memory last: what the others left in a peer's heap is there already, so its growth is the least that it can be.
measure idle --dialect packet-ws,json --connections 5000

printf '\n%s/report.html (%d s)\n' "$out" $SECONDS
if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAIL: %s\n' "${failed[@]}"
  exit 1
fi
