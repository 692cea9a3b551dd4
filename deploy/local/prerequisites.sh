#!/usr/bin/env bash
# Makes sure that a build can start: a C toolchain and cargo. Says how, where it cannot.
set -euo pipefail

die() { printf 'prerequisites: %s\n' "$*" >&2; exit 1; }

missing=()
command -v cc >/dev/null && command -v c++ >/dev/null && command -v make >/dev/null || missing+=(build-essential)
command -v column >/dev/null || missing+=(bsdextrautils)
if [ ${#missing[@]} -gt 0 ]; then
  sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
  [ -z "$sudo" ] || command -v sudo >/dev/null || die "root is needed to install ${missing[*]}: run as root, or install sudo"
  $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 \
    || die "apt-get could not install ${missing[*]}"
fi
command -v cargo >/dev/null || die "cargo is missing: install Rust with rustup (its site has a one-line command), then repeat"
