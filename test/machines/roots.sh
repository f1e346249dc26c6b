#!/bin/sh
# The files of fresh Debian systems, for the tests of the packages: roots.sh CACHE makes CACHE/root-SUITE.tar once (as
# root).
set -eu
cache=$1
mkdir -p "$cache"
mirror=$(sh "$(dirname "$0")/../mirror.sh")
for suite in bookworm trixie; do
  [ ! -f "$cache/root-$suite.tar" ] || continue
  echo "making $cache/root-$suite.tar"
  mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
    --include=systemd,init-system-helpers,nodejs,openssh-client,logrotate,procps "$suite" "$cache/.root-$suite.tar" \
    "deb $mirror $suite main"
  mv "$cache/.root-$suite.tar" "$cache/root-$suite.tar"
done
