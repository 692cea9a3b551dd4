#!/usr/bin/env bash
# Makes sure that a build can start: a C toolchain, cargo and Node. Says how, where it cannot.
#   prerequisites.sh          what a build needs
#   prerequisites.sh faults   also what makes clocks jump
#   prerequisites.sh browser  also what the browser tests need: Chromium, and fonts for Chinese and emoji
set -euo pipefail

# Next.js needs this one.
node_major_min=20

die() { printf 'prerequisites: %s\n' "$*" >&2; exit 1; }

missing=()
command -v cc >/dev/null && command -v c++ >/dev/null && command -v make >/dev/null || missing+=(build-essential)
command -v column >/dev/null || missing+=(bsdextrautils)
if [ "${1:-}" = faults ]; then
  compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null || missing+=(libfaketime)
fi
if [ "${1:-}" = browser ]; then
  [ -x "${OORT_CHROMIUM:-/usr/bin/chromium-headless-shell}" ] || missing+=(chromium-headless-shell)
  [ -x "${OORT_CHROMIUM_WHOLE:-/usr/bin/chromium}" ] || missing+=(chromium)
  command -v fc-list >/dev/null || missing+=(fontconfig)
  has_font() { command -v fc-list >/dev/null && [ -n "$(fc-list "$1")" ]; }
  has_font :lang=zh-cn || missing+=(fonts-noto-cjk)
  has_font "Noto Color Emoji" || missing+=(fonts-noto-color-emoji)
fi
if [ ${#missing[@]} -gt 0 ]; then
  sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
  [ -z "$sudo" ] || command -v sudo >/dev/null || die "root is needed to install ${missing[*]}: run as root, or install sudo"
  $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 \
    || die "apt-get could not install ${missing[*]}"
fi
command -v cargo >/dev/null || die "cargo is missing: install Rust with rustup (its site has a one-line command), then repeat"

hint="install Node $node_major_min or newer (nodejs.org has packages; nvm and fnm are one line each), then repeat"
command -v node >/dev/null && command -v npm >/dev/null || die "node or npm is missing: $hint"
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge $node_major_min ] || die "node $(node --version) is too old: $hint"
