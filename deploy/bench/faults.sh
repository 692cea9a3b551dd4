# What runs that break things need, to be sourced: services of their own ($services), a small disk that may be filled, and the
# library by which clocks jump. `standalone` and `cluster` get the options that tell of them; what this machine does not allow is
# left out, and said. The caller names its processes in `pids`, if it has any in the background.

deploy/local/prerequisites.sh faults
services=$(mktemp -d "${TMPDIR:-/tmp}/oort-faults-XXXXXX")
disk=$(mktemp -d "${TMPDIR:-/tmp}/oort-disk-XXXXXX")
standalone=() cluster=(--services "$services") pids=() mounted=()

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# small_disk DIR MIB
small_disk() {
  mkdir -p "$1"
  as_root mount -t tmpfs -o "size=$2m,uid=$(id -u),mode=700" oort-faults "$1" 2>/dev/null || return 1
  mounted+=("$1")
}

cleanup() {
  local folder
  # They end what they started.
  [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait
  [ -z "${further:-}" ] || deploy/local/services.sh down "$services/further"
  deploy/local/services.sh down "$services"
  for folder in "${mounted[@]}"; do as_root umount "$folder" || true; done
  rm -rf "$services" "$disk"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Under MariaDB with FULL_MYSQL=1 only, as it has its data in memory then: FULL_MYSQL=1 chaos.sh --only cluster disk-full
if [ -n "${FULL_MYSQL:-}" ]; then
  small_disk "$services/mysql" 900
  touch "$services/replicated"
  cluster+=(--disk "$services/mysql")
fi
if small_disk "$disk" 512; then
  standalone+=(--disk "$disk")
else
  echo "no disk is filled: mounting a small one needs root" >&2
fi
faketime=$(compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' | head -n 1 || true)
if [ -n "$faketime" ]; then
  cluster+=(--faketime "$faketime")
  standalone+=(--faketime "$faketime")
else
  echo "no clock jumps: libfaketime lies elsewhere" >&2
fi
deploy/local/services.sh up "$services" mysql replica redis kafka
# SERVERS=2: half of the conversations are at a MariaDB of their own.
further=
if [ "${SERVERS:-1}" = 2 ]; then
  deploy/local/services.sh up "$services/further" mysql
  further=$(. "$services/further/env" && echo "$OORT_TEST_MYSQL_URL")
fi
