#!/usr/bin/env bash
# The web client and its tests.
#   web.sh build           web/out, which the next build of the server embeds; nothing is done when nothing changed
#   web.sh checks          formatting, types, unit tests, known holes in what it depends on; expects a build
#   web.sh browser BINARY  real browsers against real servers, standalone and cluster (services: the environment)
set -euo pipefail
command=${1:-} argument=${2:-}
[ -z "$argument" ] || argument=$(realpath "$argument")
usage() { sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
die() { printf 'web: %s\n' "$*" >&2; exit 1; }
say() { printf 'web: %s\n' "$*" >&2; }
cd "$(dirname "${BASH_SOURCE[0]}")/../../web"
export NEXT_TELEMETRY_DISABLED=1 PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1

# install FOLDER: what its lock file names, once per content of that file.
install() {
  local wanted stamp=$1/node_modules/.installed
  wanted=$(cat "$1/package-lock.json" "$1/package.json" | sha256sum)
  [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
  say "installing what $1/package-lock.json names"
  npm --prefix "$1" ci --prefer-offline --no-audit --loglevel=error >&2 \
    || die "npm ci failed: see its message above; is the registry reachable (npm ping)?"
  # Written last, so that an interrupted installation is repeated.
  printf '%s\n' "$wanted" >"$stamp"
}

# A file, or a folder from which one was removed, is newer than what was built last.
is_stale() {
  [ -e out/manifest.json ] || return 0
  # What builds and checks write themselves says nothing.
  [ -n "$(find . \( -name node_modules -o -name .next -o -name out -o -name dist -o -path ./e2e -o -path ./page \
    -o -path ./messages/compiled -o -name next-env.d.ts -o -name '*.tsbuildinfo' \) -prune \
    -o ! -path . ! -path ./sdk -newer out/manifest.json -print -quit)" ]
}

# audit FOLDER: known holes fail. A mirror of the registry may not answer audits; then nothing is known, which is said.
audit() {
  local answer
  answer=$(npm --prefix "$1" audit --audit-level=low 2>&1) && return 0
  case $answer in
    *"audit endpoint returned an error"*) say "NOT AUDITED: the registry answers no audits, so known holes in $1/package-lock.json were not looked for" ;;
    *) die "npm audit: $answer" ;;
  esac
}

case $command in
  build)
    install .
    is_stale || exit 0
    say "building the client"
    npm run build >&2 || die "the client does not build: see above" ;;
  checks)
    install .
    install e2e
    npm run check
    npm --workspace sdk run check
    npm --prefix e2e run check
    node --test tools/
    npm test
    npm --workspace sdk test
    audit .
    audit e2e ;;
  browser)
    [ -n "$argument" ] || usage
    install e2e
    OORT_BIN=$argument npm --prefix e2e test ;;
  *) usage ;;
esac
