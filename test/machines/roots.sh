#!/bin/sh
# The files of fresh Debian systems: roots.sh CACHE makes once for their packages (as root) CACHE/root-SUITE.tar, for the
# tests of the packages, CACHE/root-managers.tar, which has the package managers of other systems, and CACHE/root-i386.tar.
set -eu
cache=$1
mkdir -p "$cache"
mirror=$(sh "$(dirname "$0")/../mirror.sh")
# make NAME SUITE PACKAGES [ARCHITECTURE]: makes CACHE/root-NAME.tar.
make() {
  [ "$3" != "$(cat "$cache/root-$1.packages" 2>/dev/null)" ] || return 0
  echo "making $cache/root-$1.tar"
  mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
    --architectures="${4:-$(dpkg --print-architecture)}" --include="$3" "$2" "$cache/.root-$1.tar" "deb $mirror $2 main"
  mv "$cache/.root-$1.tar" "$cache/root-$1.tar"
  echo "$3" >"$cache/root-$1.packages"
}
for suite in bookworm trixie; do
  make $suite $suite systemd,init-system-helpers,nodejs,openssh-client,logrotate,procps
done
make managers bookworm rpm,pacman-package-manager,makepkg,libarchive-tools,zstd,fakeroot,nodejs,procps
if [ -e "$cache/root-i386.tar" ] || arch-test i386 >/dev/null; then
  make i386 bookworm nodejs,procps i386
else
  echo 'this kernel runs no i386, so test/machines/as-they-are.test.ts is left out: make one once where i386 runs, or' \
    'register qemu-i386-static of qemu-user-static in /proc/sys/fs/binfmt_misc' >&2
fi
