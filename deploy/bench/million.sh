#!/usr/bin/env bash
# A million connections on this machine, both ends: memory of each, and one message to all. Results in
# benches/results/<date>-million.
#   million.sh [FOLDER]
# COUNT=57000 COMETS=3 million.sh rehearses it. OORT_BENCH_BIN names the folder with `oort` and `oort-bench` (default
# target/fast, built when missing). OORT_BENCH_SECONDS is the time of rest before memory is read.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

count=${COUNT:-1000000}
comets=${COMETS:-$(((count + 18518) / 18519))}
name=million
[ "$count" = 1000000 ] || name=$count-connections
out=${1:-benches/results/$(date +%F)-$name}
bin=${OORT_BENCH_BIN:-target/fast}
[ -x "$bin/oort-bench" ] && [ -x "$bin/oort" ] || cargo build --workspace --bins --profile fast

# ---- can this machine hold them? --------------------------------------------------------------

# Of both ends, kernel included; and of each server and each process of clients before the first connection.
connection_bytes=11000
process_mib=30
# What else a process has open.
spare_files=500
# Connections that share a source address.
per_address=12000

share=$(((count + comets - 1) / comets))
wanting=()
want() { # WHAT HAVE NEED FIX
  [ "$2" -ge "$3" ] || wanting+=("$1: $2, and $3 are needed. $4")
}
number() { tr -s '\t ' '\n' </proc/sys/"$1" | sed -n "${2:-1}p"; }

available_mib=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
needed_mib=$((count * connection_bytes / 1048576 + 2 * comets * process_mib))
want "available memory, MiB" "$available_mib" "$needed_mib" "End other programs, or take a smaller COUNT"

files=$(ulimit -Hn)
[ "$files" = unlimited ] && files=$(number fs/nr_open)
want "open files of a process (ulimit -Hn)" "$files" $((share + spare_files)) \
  "Raise it (limits.conf, LimitNOFILE), or take more COMETS (now $comets, with $share connections each)"
used=$(number fs/file-nr)
want "open files of the system (fs.file-max - used)" $(($(number fs/file-max) - used)) $((2 * count + 2 * comets * spare_files)) \
  "sysctl -w fs.file-max=$((2 * count + 200000))"

first=$(number net/ipv4/ip_local_port_range 1)
last=$(number net/ipv4/ip_local_port_range 2)
want "local ports (net.ipv4.ip_local_port_range)" $((last - first + 1)) "$per_address" "sysctl -w net.ipv4.ip_local_port_range='10000 65000'"

# Only a firewall with states makes the kernel track connections; then each takes a place in the table.
if [ -r /proc/sys/net/netfilter/nf_conntrack_max ] && [ "$(number net/netfilter/nf_conntrack_count)" -gt 0 ]; then
  want "tracked connections (net.netfilter.nf_conntrack_max)" "$(number net/netfilter/nf_conntrack_max)" $((count + 1000)) \
    "Switch tracking off for loopback, or sysctl -w net.netfilter.nf_conntrack_max=$((count + count / 10))"
fi

if [ ${#wanting[@]} -gt 0 ]; then
  printf 'million: this machine cannot hold %s connections:\n' "$count" >&2
  printf '  - %s\n' "${wanting[@]}" >&2
  printf 'A rehearsal: COUNT=57000 COMETS=3 %s\n' "$0" >&2
  exit 1
fi
printf '%s connections to %s comets: about %s MiB of %s MiB\n' "$count" "$comets" "$needed_mib" "$available_mib"

# ---- the run ----------------------------------------------------------------------------------

exec timeout 3600 "$bin/oort-bench" idle --connections "$count" --comets "$comets" --no-floor --opening 4 \
  --seconds "${OORT_BENCH_SECONDS:-15}" --oort "$bin/oort" --out "$out"
