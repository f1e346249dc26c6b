#!/bin/sh
# Records the files that probes read on this machine, for test/testdata/recorded. Run as root on a machine in that
# state: `sh record.sh KIND [PACKAGE...] >FILE`. The first line names kernel, system and packages; each file follows a
# line with its path.
#
#   md, bond, btrfs   devices        kernel   kills, pressure, open files, connection tracking
#   container         cgroups (version 2) of containers below system.slice
# shellcheck disable=SC1091,SC2086,SC2125 # the patterns are expanded where they are words
set -eu
kind=$1
shift
md=/sys/block/md*/md
cgroup=/sys/fs/cgroup/system.slice/docker-*.scope
case $kind in
md)
  set -- "$@" -- $md/array_state $md/metadata_version $md/level $md/raid_disks $md/degraded $md/sync_action \
    $md/sync_completed $md/mismatch_cnt ;;
bond) set -- "$@" -- /proc/net/bonding/* ;;
btrfs) set -- "$@" -- /sys/fs/btrfs/*/label /sys/fs/btrfs/*/devinfo/*/missing /sys/fs/btrfs/*/devinfo/*/error_stats ;;
kernel)
  set -- "$@" -- /proc/vmstat /proc/pressure/* /proc/sys/fs/file-nr /proc/sys/net/netfilter/nf_conntrack_count \
    /proc/sys/net/netfilter/nf_conntrack_max ;;
container)
  set -- "$@" -- /sys/fs/cgroup/cgroup.controllers $cgroup/memory.events $cgroup/memory.current $cgroup/memory.max \
    $cgroup/cpu.stat ;;
*) echo "record.sh: there is no kind $kind" >&2; exit 2 ;;
esac
. /etc/os-release
printf '# recorded on Linux %s, %s' "$(uname -rm)" "$PRETTY_NAME"
while [ "$1" != -- ]; do
  printf ', %s' "$(dpkg-query -W -f '${Package} ${Version}' "$1")"
  shift
done
shift
echo
for file; do
  [ -f "$file" ] || continue
  echo "== ${file#/}"
  cat "$file" 2>/dev/null || true
done
