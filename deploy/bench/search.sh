#!/usr/bin/env bash
# Searching in ten million messages: how long the index takes, how large it is, and how quickly words are found by HTTP.
# Writes benches/results/<date>-search/<store>-<count>.json and prints a table.
#   search.sh sqlite|mysql [FOLDER]
# COUNT=200000 search.sh sqlite rehearses it. QUERIES is how many of each kind are asked (200). Half of the messages are English,
# half Chinese, eight words each, by Zipf's law among 20,000; one in ten is in one large group, the rest in 9,999 others. Who
# asks is in the large one and in 999 of the others. OORT_BENCH_BIN names the folder with `oort` (default target/fast, built when
# missing); OORT_BENCH_SERVICES that of MariaDB (services.sh). The data stays in data/bench/search-<store> until the next run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

store=${1:-}
case $store in sqlite | mysql) ;; *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;; esac
count=${COUNT:-10000000} queries=${QUERIES:-200} groups=9999 member_of=999
out=${2:-benches/results/$(date +%F)-search}
bin=${OORT_BENCH_BIN:-target/fast}
[ -x "$bin/oort" ] || cargo build --bin oort --profile fast
[ "$count" -ge 20000 ] || { echo "search: COUNT is at least 20000" >&2; exit 2; }
data=$PWD/data/bench/search-$store
rm -rf "$data"
mkdir -p "$data" "$out"

started='' server='' role=()
services=${OORT_BENCH_SERVICES:-data/bench/services}
# `oort` takes what begins so for a setting.
unset OORT_BENCH_BIN OORT_BENCH_SERVICES
export OORT_NODE__DATA_DIR=$data OORT_RUN__ADDRESSES_FILE=$data/addresses OORT_ADMIN__LISTEN=127.0.0.1:0
export OORT_COMET__HTTP_LISTEN=127.0.0.1:0 OORT_COMET__TCP_LISTEN=127.0.0.1:0 OORT_COMET__GRPC_LISTEN=127.0.0.1:0
# The index alone has the machine, so that its own speed is seen. Sizes are those of a server meant for this much.
export OORT_LOGIC__SEARCH__DUTY_PERCENT=100 OORT_LOGIC__SEARCH__BATCH_MESSAGES_MAX=2000
export OORT_LOGIC__SEARCH__COMPARE_PAUSE_MS=1 OORT_LOGIC__SEARCH__COMPARE_REST_MS=1000
cleanup() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
  [ -z "$started" ] || deploy/local/services.sh down "$services"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

if [ "$store" = mysql ]; then
  deploy/local/services.sh status "$services" 2>/dev/null | grep -q runs || started=1
  deploy/local/services.sh up "$services" >/dev/null
  # shellcheck disable=SC1091
  . "$services/env"
  url=$OORT_TEST_MYSQL_URL
  # Of the cluster the logic tier is enough.
  role=(logic)
  export OORT_LOGIC__HTTP_LISTEN=127.0.0.1:0 OORT_LOGIC__GRPC_LISTEN=127.0.0.1:0
  export OORT_DIRECTORY__URLS=$OORT_TEST_REDIS_URL OORT_DIRECTORY__KEY_PREFIX=oort_search:
  export OORT_BUS__BROKERS=$OORT_TEST_KAFKA_BROKERS OORT_BUS__TOPIC=oort_search OORT_BUS__DEAD_LETTER_TOPIC=oort_search-dead
  unset OORT_TEST_MYSQL_URL OORT_TEST_REDIS_URL OORT_TEST_KAFKA_BROKERS
  address=${url#mysql://}
  login=${address%@*} host=${address#*@}
  password=${login#*:}
  [ "$password" != "$login" ] || password=''
  export MYSQL_PWD=$password OORT_LOGIC__STORE__URL=$url/oort_search
  client=(mariadb --protocol=tcp -u "${login%%:*}" -h "${host%%:*}" -P "${host##*:}")
  "${client[@]}" -e 'DROP DATABASE IF EXISTS oort_search'
  sql() { "${client[@]}" -N oort_search; }
  size() { # TABLE
    echo "SELECT ROUND((data_length + index_length) / 1048576) FROM information_schema.tables
          WHERE table_schema = 'oort_search' AND table_name = '$1'" | sql
  }
  analyse='ANALYZE TABLE messages; ANALYZE TABLE search_words;'
else
  sql() { sqlite3 "$data/oort.db"; }
  size() { echo "SELECT SUM(pgsize) / 1048576 FROM dbstat WHERE name = '$1' OR name LIKE 'sqlite_autoindex_$1%'" | sql; }
  analyse=''
fi

# ---- messages -----------------------------------------------------------------------------------

"$bin/oort" migrate
big=$((count / 10)) per=$((count * 9 / 10 / groups))
total=$((big + per * groups))
printf '== %s: %d messages in %d groups\n' "$store" "$total" $((groups + 1))

# A number in 0..1 that looks random: the same one for the same message and word, in every database.
u() { echo "(((n * 48271 + $1 * 6700417) % 2147483647) * ((n * 48271 + $1 * 6700417) % 2147483647) % 2147483647 / 2147483647.0)"; }
if [ "$store" = mysql ]; then
  integer() { echo "FLOOR($1)"; }
  text() { local IFS=,; echo "CONCAT($*)"; }
  han() { echo "CONVERT(CHAR(19968 + ($1) USING ucs2) USING utf8mb4)"; }
  div() { echo "($1) DIV ($2)"; }
  numbers() { echo "(SELECT seq n FROM seq_$1_to_$2)"; }
else
  integer() { echo "CAST($1 AS INTEGER)"; }
  text() { local first=$1; shift; printf '%s' "$first"; printf ' || %s' "$@"; }
  han() { echo "char(19968 + ($1))"; }
  div() { echo "($1) / ($2)"; }
  numbers() { echo "(SELECT value n FROM generate_series($1, $2))"; }
fi
rank() { integer "EXP($(u "$1") * LN(20000))"; }
english() { local parts=() k; for k in 1 2 3 4 5 6 7 8; do parts+=("'w'" "$(rank "$k")" "' '"); done; text "${parts[@]}"; }
chinese() {
  local parts=() k
  for k in 1 2 3 4 5 6 7 8; do parts+=("$(han "$(rank "$k") * 7 % 6007")" "$(han "$(rank "$k") * 13 % 5003")"); done
  text "${parts[@]}"
}
content="CASE n % 2 WHEN 0 THEN $(english) ELSE $(chinese) END"
columns='(conversation_id, seq, sender_id, sender_name, kind, content, created_at_ms)'
began=$SECONDS
step=1000000
insert() { # FROM TO CONVERSATION SEQ AT
  echo "INSERT INTO messages $columns SELECT $3, $4, 2, 'gen', 0, $content, $5 FROM $(numbers "$1" "$2") numbers;"
}
{
  [ "$store" = mysql ] || echo 'PRAGMA synchronous = OFF; PRAGMA cache_size = -500000;'
  [ "$store" = sqlite ] || echo 'SET SESSION unique_checks = 0, foreign_key_checks = 0;'
  now_ms=$(($(date +%s) * 1000)) span=$((365 * 24 * 3600 * 1000))
  for ((from = 0; from < big; from += step)); do
    to=$((from + step < big ? from + step : big))
    insert $from $((to - 1)) 100000 'n + 1' "$((now_ms - span)) + $(div "n * $span" "$big")"
  done
  for ((from = 0; from < per * groups; from += step)); do
    to=$((from + step < per * groups ? from + step : per * groups))
    insert $from $((to - 1)) "100001 + $(div n $per)" "n % $per + 1" \
      "$((now_ms - span)) + $(div "(n % $per) * $span" "$per") + $(div n $per)"
  done
  echo "INSERT INTO conversations (id, kind, name, creator_id, last_seq, last_at_ms, created_at_ms)
        SELECT 100000 + n, 2, 'g', 2, CASE n WHEN 0 THEN $big ELSE $per END, $now_ms + n, 0 FROM $(numbers 0 $groups) numbers;"
} | sql
printf 'generated in %d s\n' $((SECONDS - began))

# ---- the index ----------------------------------------------------------------------------------

mkfifo "$data/open"
"$bin/oort" "${role[@]}" <"$data/open" >"$data/log" 2>&1 &
server=$!
exec 7>"$data/open"
until [ -s "$data/addresses" ]; do
  kill -0 "$server" || { cat "$data/log" >&2; exit 1; }
  sleep 0.1
done
api=http://$(jq -r .http "$data/addresses") admin=http://$(jq -r .admin "$data/addresses")
metric() { curl -sS "$admin/metrics" | awk -v name="$1" '$1 == name { print int($2) }'; }
began=$(date +%s)
while done_now=$(metric oort_logic_search_indexed_total) && [ "${done_now:-0}" -lt "$total" ]; do
  printf '\rindexed %d' "${done_now:-0}"
  sleep 2
done
index_s=$(($(date +%s) - began))
printf '\rindexed %d in %d s: %d messages/s\n' "$total" "$index_s" $((total / (index_s > 0 ? index_s : 1)))
[ -z "$analyse" ] || echo "$analyse" | sql >/dev/null
messages_mib=$(size messages) index_mib=$(size search_words)
printf 'messages %s MiB, index %s MiB\n' "$messages_mib" "$index_mib"

# ---- questions ----------------------------------------------------------------------------------

account=$(curl -sSf "$api/api/accounts" -H 'content-type: application/json' \
  -d "{\"username\":\"bench$RANDOM$RANDOM\",\"password\":\"a long password\"}")
token=$(jq -r .accessToken <<<"$account") user=$(jq -r .user.id <<<"$account")
echo "INSERT INTO members (conversation_id, user_id, joined_at_ms)
      SELECT 100000 + n * 10, $user, 0 FROM $(numbers 0 $member_of) numbers;" | sql

zh() { # RANK
  printf "%b" "$(printf '\\U%08x\\U%08x' $((19968 + $1 * 7 % 6007)) $((19968 + $1 * 13 % 5003)))"
}
between() { echo $(($1 + RANDOM * 32768 % ($2 - $1) + RANDOM % 3)); }
question() { # KIND
  case $1 in
    frequent) echo "w$((RANDOM % 5 + 1))" ;;
    medium) echo "w$(between 200 400)" ;;
    rare) echo "w$(between 15000 19900)" ;;
    'two frequent') echo "w$((RANDOM % 5 + 1)) w$((RANDOM % 5 + 6))" ;;
    'frequent and rare') echo "w$((RANDOM % 5 + 1)) w$(between 15000 19900)" ;;
    'three medium') echo "w$(between 200 400) w$(between 200 400) w$(between 200 400)" ;;
    'Chinese, frequent') zh $((RANDOM % 5 + 1)) ;;
    'Chinese, rare') zh "$(between 15000 19900)" ;;
    'one character') printf "%b" "$(printf '\\U%08x' $((19968 + $(between 1 5000))))" ;;
    nothing) echo "missing$RANDOM" ;;
  esac
}
ask() { # KIND MORE: the times of all questions, ms, sorted; on one connection
  local i q
  for ((i = 0; i < queries; i++)); do
    q=$(question "$1" | tr -d '\n' | jq -sRr @uri)
    [ "$i" = 0 ] || echo next
    printf 'url = "%s/api/search?limit=20&q=%s%s"\nheader = "authorization: Bearer %s"\noutput = "%s"\nwrite-out = "%%{http_code} %%{time_total}\\n"\nsilent\n' \
      "$api" "$q" "$2" "$token" "$data/answer"
  done | curl -K - | awk '$1 == 200 { print $2 * 1000 } $1 != 200 { print "refused: " $1 >"/dev/stderr"; print 1e9 }' | sort -n
}
kinds=(frequent medium rare 'two frequent' 'frequent and rare' 'three medium' 'Chinese, frequent' 'Chinese, rare' 'one character' nothing)
results=()
printf '%-20s %-8s %9s %9s %9s\n' kind where p50 p99 most
for where in all one; do
  more=''
  [ "$where" = all ] || more='&conversation=100000'
  for kind in "${kinds[@]}"; do
    times=$(ask "$kind" "$more")
    read -r p50 p99 most < <(awk '{ t[NR] = $1 } END { print t[int(NR * .5 + .5)], t[int(NR * .99 + .5)], t[NR] }' <<<"$times")
    printf '%-20s %-8s %9.1f %9.1f %9.1f\n' "$kind" "$where" "$p50" "$p99" "$most"
    results+=("$(jq -nc --arg kind "$kind" --arg where "$where" --argjson p50 "$p50" --argjson p99 "$p99" --argjson most "$most" \
      '{kind: $kind, where: $where, p50_ms: $p50, p99_ms: $p99, most_ms: $most}')")
  done
done
refused=$(curl -sS "$admin/metrics" | awk '/^oort_logic_searches_refused_total/ { sum += $2 } END { print sum + 0 }')
jq -n --arg store "$store" --argjson count "$total" --argjson index_s "$index_s" --argjson messages_mib "${messages_mib:-0}" \
  --argjson index_mib "${index_mib:-0}" --argjson refused "$refused" --slurpfile questions <(printf '%s\n' "${results[@]}") \
  '{store: $store, messages: $count, index_s: $index_s, messages_mib: $messages_mib, index_mib: $index_mib, refused: $refused,
    questions: $questions}' >"$out/$store-$total.json"
printf '%s\n' "$out/$store-$total.json"
[ "$refused" = 0 ] || { echo "FAIL: $refused questions were refused" >&2; exit 1; }
