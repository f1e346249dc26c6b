#!/bin/sh
# The files of fresh Debian systems: roots.sh CACHE makes once (as root) CACHE/root-SUITE.tar, for the tests of the
# packages, and CACHE/root-managers.tar, which has the package managers of other systems.
set -eu
cache=$1
mkdir -p "$cache"
mirror=$(sh "$(dirname "$0")/../mirror.sh")
# make NAME SUITE PACKAGES: makes CACHE/root-NAME.tar.
make() {
  [ ! -f "$cache/root-$1.tar" ] || return 0
  echo "making $cache/root-$1.tar"
  mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
    --include="$3" "$2" "$cache/.root-$1.tar" "deb $mirror $2 main"
  mv "$cache/.root-$1.tar" "$cache/root-$1.tar"
}
for suite in bookworm trixie; do
  make $suite $suite systemd,init-system-helpers,nodejs,openssh-client,logrotate,procps
done
make managers bookworm rpm,pacman-package-manager,makepkg,libarchive-tools,zstd,fakeroot
