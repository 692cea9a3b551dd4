#!/usr/bin/env bash
# Runs every test against real services with throwaway data, and stops them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

services=deploy/local/services.sh
scratch=$(mktemp -d "${TMPDIR:-/tmp}/oort-test-XXXXXX")
export OORT_TEST_SCRATCH=$scratch

cleanup() {
  local status=$? folder
  for folder in "$scratch"/services "$scratch"/faults-*; do
    [ -d "$folder" ] && "$services" down "$folder" || true
  done
  if [ $status = 0 ]; then rm -rf "$scratch"; else echo "logs are kept in $scratch" >&2; fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

started=$SECONDS
step() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - started)); }

deploy/local/prerequisites.sh browser

step "building the web client and checking it"
deploy/local/web.sh build
deploy/local/web.sh checks

step "building"
cargo test --workspace --all-features --no-run --quiet

step "starting MariaDB, Redis and Kafka"
"$services" up "$scratch/services"
# shellcheck disable=SC1091
. "$scratch/services/env"

step "testing"
# They wait for services and for one another more than they compute.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((2 * $(nproc)))}
# Each test binary runs even when another fails; cargo's exit code tells.
cargo test --workspace --all-features --no-fail-fast --quiet

step "browsers"
deploy/local/web.sh browser "${CARGO_TARGET_DIR:-target}/debug/oort"

step "breaking one part after the other under load"
OORT_BENCH_BIN=target/debug deploy/bench/chaos.sh --short "$scratch/chaos"

step "fuzzing every decoder for a few seconds"
fuzz/run.sh "${OORT_FUZZ_SECONDS:-7}"

step "done"
