#!/usr/bin/env bash
# Runs real MariaDB, Redis and Kafka on loopback for development and tests.
#
#   services.sh install            install what is missing (apt, Maven; needs root or sudo)
#   services.sh up DIR [NAME...]   install, then start all three (or those named) in DIR on free ports; DIR/env holds their
#                                  addresses. `mysql replica`: a replica of MariaDB as well, from the first `up` of DIR on
#   services.sh down DIR           stop what runs
#   services.sh start|stop|kill|pause|resume DIR mysql|replica|redis|kafka
#                                  one of them: kill is SIGKILL, pause and resume are SIGSTOP and SIGCONT
#   services.sh status DIR         what runs, and where
#
# OORT_MYSQL_FLUSH=0 lets MariaDB answer before it has written: a broken store, to see that the ledger finds it.
# Data, logs, ports and pid files live in DIR; started again, a DIR keeps its data and its ports.
# Idempotent: what runs is left running. Each server is found by pid *and* start time, so that a
# recycled pid is never signalled.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${OORT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/oort}
kafka_libs=$cache/kafka-4.3.1
usual=(mysql redis kafka)
# In the order of their starts.
services=(mysql replica redis kafka)

say() { printf '%s\n' "$*" >&2; }
die() { say "services: $*"; exit 1; }

# ---- installing -------------------------------------------------------------------------------

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "root is needed for: $* (run as root, or install sudo)"; fi
}

# Debian's packages start their daemons when installed; a policy file keeps them from it.
apt_install() {
  local policy=/usr/sbin/policy-rc.d placed=
  if [ ! -e $policy ]; then
    placed=1
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod +x $policy
  fi
  say "installing: $*"
  local status=0
  { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >&2 || status=$?
  [ -z "$placed" ] || as_root rm -f $policy
  [ $status = 0 ] || die "apt-get could not install $*: see its message above"
}

install_all() {
  local missing=()
  [ -x /usr/sbin/mariadbd ] || missing+=(mariadb-server mariadb-client)
  command -v redis-server >/dev/null || missing+=(redis-server redis-tools)
  command -v java >/dev/null || missing+=(openjdk-17-jre-headless)
  [ -e "$kafka_libs/.ok" ] || command -v mvn >/dev/null || missing+=(maven)
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
  if [ ! -e "$kafka_libs/.ok" ]; then
    say "fetching Kafka (44 MB, once)"
    mkdir -p "$kafka_libs"
    mvn -q -B -f "$here/kafka-pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$kafka_libs" >&2 \
      || die "Maven could not fetch Kafka: see its message above; is the registry reachable?"
    # Written last, so that an interrupted fetch is repeated.
    touch "$kafka_libs/.ok"
  fi
}

# ---- processes --------------------------------------------------------------------------------

state_of() { awk '{ sub(/^.*\) /, ""); print $1 }' "/proc/$1/stat" 2>/dev/null; }
started_at() { awk '{ sub(/^.*\) /, ""); print $20 }' "/proc/$1/stat" 2>/dev/null; }

# Prints the pid of a service that runs. A zombie that nobody has reaped yet holds nothing any more.
pid_of() {
  local pid start
  [ -r "$dir/$1.pid" ] && read -r pid start <"$dir/$1.pid" || return 1
  [ -n "${start:-}" ] && [ "$(started_at "$pid")" = "$start" ] && [ "$(state_of "$pid")" != Z ] && printf '%s\n' "$pid"
}

# launch NAME COMMAND...: in a session of its own, output to NAME.log.
launch() {
  local name=$1; shift
  setsid "$@" >>"$dir/$name.log" 2>&1 </dev/null &
  local pid=$!
  printf '%s %s\n' "$pid" "$(started_at "$pid")" >"$dir/$name.pid"
  disown
}

wait_until() { # NAME WHAT COMMAND...: at most 300 s
  local name=$1 what=$2; shift 2
  local deadline=$((SECONDS + 300))
  until "$@" >/dev/null 2>&1; do
    pid_of "$name" >/dev/null || { tail -n 20 "$dir/$name.log" >&2; die "$name ended while starting (log: $dir/$name.log)"; }
    [ $SECONDS -lt $deadline ] || { tail -n 20 "$dir/$name.log" >&2; die "$name: no $what within 300 s (log: $dir/$name.log)"; }
    sleep 0.1
  done
}

# A port below the ephemeral range: a stopped server's port must not be taken by some client's connection.
free_port() {
  perl -MIO::Socket::INET -e 'for (1..200) { my $p = 20000 + int(rand(12000));
    my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $p, Listen => 1) or next; print $p; exit 0 } exit 1' \
    || die "no free port between 20000 and 32000 on 127.0.0.1"
}

# Ports are drawn once per DIR, so that a restarted server is where its clients look for it.
port() {
  local file=$dir/$1.port
  [ -s "$file" ] || free_port >"$file"
  cat "$file"
}

# ---- the servers --------------------------------------------------------------------------------

make_data() { # NAME
  [ ! -d "$dir/$1/mysql" ] || return 0
  # A folder of its own for temporary tables: a server that starts removes what lies in the one it is given.
  mkdir -p "$dir/$1.tmp"
  TMPDIR=$dir/$1.tmp mariadb-install-db --no-defaults --datadir="$dir/$1" --user="$(id -un)" --skip-test-db --auth-root-authentication-method=normal >>"$dir/$1.log" 2>&1 \
    || { tail -n 20 "$dir/$1.log" >&2; die "mariadb-install-db failed (log: $dir/$1.log)"; }
}

launch_mariadb() { # NAME OPTION...
  local name=$1; shift
  # A socket path has at most 107 characters.
  local sock=$dir/$name.sock; [ ${#sock} -le 100 ] || sock=$(mktemp -u /tmp/oort-mysql-XXXXXX.sock)
  mkdir -p "$dir/$name.tmp"
  launch "$name" /usr/sbin/mariadbd --no-defaults --datadir="$dir/$name" --tmpdir="$dir/$name.tmp" --user="$(id -un)" --socket="$sock" --pid-file="$dir/$name.mariadbd.pid" \
    --bind-address=127.0.0.1 --port="$(port "$name")" --skip-name-resolve --character-set-server=utf8mb4 \
    --innodb-flush-log-at-trx-commit="${OORT_MYSQL_FLUSH:-1}" --max-connections=500 --performance-schema=OFF "$@"
}

mariadb_of() { # NAME OPTION...
  local name=$1; shift
  mariadb --no-defaults --host=127.0.0.1 --port="$(port "$name")" --user=root --connect-timeout=2 "$@"
}

start_mysql() {
  local log=()
  # What a replica reads; without one it would only cost.
  [ ! -e "$dir/replicated" ] || log=(--log-bin=log --server-id=1 --sync-binlog=1)
  make_data mysql
  launch_mariadb mysql --innodb-buffer-pool-size=256M "${log[@]}"
}
ready_mysql() { mariadb-admin --no-defaults --host=127.0.0.1 --port="$(port mysql)" --user=root --connect-timeout=2 ping; }

start_replica() {
  [ -e "$dir/replicated" ] || die "$dir was made without a replica: name it in the first \`up\`"
  make_data replica
  launch_mariadb replica --innodb-buffer-pool-size=64M --server-id=2 --read-only=1 --relay-log=relay
}
ready_replica() {
  local follows
  follows=$(mariadb_of replica --execute 'SHOW REPLICA STATUS') || return 1
  # It remembers whom it follows.
  [ -n "$follows" ] || mariadb_of replica --execute "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = $(port mysql),
    MASTER_USER = 'root', MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1; START REPLICA"
}

start_redis() {
  mkdir -p "$dir/redis"
  launch redis redis-server --bind 127.0.0.1 --port "$(port redis)" --dir "$dir/redis" --save "" --appendonly no
}
ready_redis() { [ "$(redis-cli -h 127.0.0.1 -p "$(port redis)" ping)" = PONG ]; }

# FRONT is for whoever puts a proxy in front: it listens at kafka-behind.port and sends clients to kafka-front.port.
start_kafka() {
  local conf=$dir/kafka.properties broker controller behind front id
  broker=$(port kafka); controller=$(port kafka-controller); behind=$(port kafka-behind); front=$(port kafka-front)
  cat >"$conf" <<C
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$broker,FRONT://127.0.0.1:$behind,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$broker,FRONT://127.0.0.1:$front
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,FRONT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/kafka
auto.create.topics.enable=false
num.partitions=4
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=250
C
  local java=(java -Xms256m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$kafka_libs/*")
  if [ ! -e "$dir/kafka/meta.properties" ]; then
    # 22 characters; the first is a letter, because an id that begins with "-" reads as an option.
    id=O$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=' | cut -c 2-)
    "${java[@]}" kafka.tools.StorageTool format --ignore-formatted -t "$id" -c "$conf" >>"$dir/kafka.log" 2>&1 \
      || { tail -n 20 "$dir/kafka.log" >&2; die "Kafka could not format its folder (log: $dir/kafka.log)"; }
  fi
  launch kafka "${java[@]}" kafka.Kafka "$conf"
}
# The port opens before the broker serves: ask for ApiVersions and read the correlation id back.
ready_kafka() {
  local reply
  exec 9<>"/dev/tcp/127.0.0.1/$(port kafka)" || return 1
  printf '\x00\x00\x00\x0e\x00\x12\x00\x00\x00\x00\x00\x07\x00\x04oort' >&9
  reply=$(timeout 2 head -c 8 <&9 | od -An -tx1 | tr -d ' \n')
  exec 9>&-
  [ "${reply:8:8}" = 00000007 ]
}

start_one() { pid_of "$1" >/dev/null || { "start_$1"; say "starting $1"; }; }

signal_one() { # NAME SIGNAL
  local pid
  pid=$(pid_of "$1") || return 0
  kill "-$2" "$pid" 2>/dev/null || true
}

stop_one() {
  local pid
  pid=$(pid_of "$1") || return 0
  kill -CONT "$pid" 2>/dev/null || true
  kill -TERM "$pid" 2>/dev/null || true
  wait_gone "$1" 20 || { kill -KILL "$pid" 2>/dev/null || true; wait_gone "$1" 5 || die "$1 (pid $pid) does not end"; }
}

wait_gone() { # NAME SECONDS
  local deadline=$((SECONDS + $2))
  while pid_of "$1" >/dev/null; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.05
  done
}

write_env() {
  cat >"$dir/env" <<V
export OORT_TEST_MYSQL_URL=mysql://root@127.0.0.1:$(port mysql)
export OORT_TEST_REDIS_URL=redis://127.0.0.1:$(port redis)
export OORT_TEST_KAFKA_BROKERS=127.0.0.1:$(port kafka)
V
  [ ! -e "$dir/replicated" ] || echo "export OORT_TEST_REPLICA_URL=mysql://root@127.0.0.1:$(port replica)" >>"$dir/env"
}

# ---- commands ---------------------------------------------------------------------------------

usage() { sed -n '2,15s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

command=${1:-}; [ -n "$command" ] || usage
[ "$command" = install ] && { install_all; exit; }
[ -n "${2:-}" ] || usage
case $command in up|start) mkdir -p "$2" ;; esac
[ -d "$2" ] || die "there is no folder $2"
dir=$(cd "$2" && pwd)
for name in "${@:3}"; do
  case $name in mysql|replica|redis|kafka) ;; *) usage ;; esac
done

case $command in
  up)
    wanted=("${@:3}")
    [ ${#wanted[@]} -gt 0 ] || wanted=("${usual[@]}")
    [[ " ${wanted[*]} " != *" replica "* ]] || [ -d "$dir/mysql" ] || touch "$dir/replicated"
    install_all
    for s in "${wanted[@]}"; do start_one "$s"; done
    for s in "${wanted[@]}"; do wait_until "$s" answer "ready_$s"; done
    write_env
    where=
    for s in "${wanted[@]}"; do where+="$s 127.0.0.1:$(port "$s")  "; done
    say "$where(addresses: $dir/env)" ;;
  down) for s in "${services[@]}"; do stop_one "$s"; done ;;
  start) [ -n "${3:-}" ] || usage; start_one "$3"; wait_until "$3" answer "ready_$3" ;;
  stop) [ -n "${3:-}" ] || usage; stop_one "$3" ;;
  kill) [ -n "${3:-}" ] || usage; signal_one "$3" KILL; wait_gone "$3" 10 || die "$3 does not end" ;;
  pause) [ -n "${3:-}" ] || usage; signal_one "$3" STOP ;;
  resume) [ -n "${3:-}" ] || usage; signal_one "$3" CONT ;;
  status) for s in "${services[@]}"; do [ "$s" != replica ] || [ -e "$dir/replicated" ] || continue; if pid=$(pid_of "$s"); then echo "$s runs (pid $pid, port $(port "$s"))"; else echo "$s is down"; fi; done ;;
  *) usage ;;
esac
