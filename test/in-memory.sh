# shellcheck shell=sh
# Begins the script that reads this again with a /tmp of its own in memory: the tests' databases and locks write through
# to the disk thousands of times. `. test/in-memory.sh`, in the checkout, before anything is made. Does nothing without
# the right to mount, with less than 8 GB of free memory, and if /tmp has files that the tests run.
case "$(stat -f -c %T /tmp):$PWD:${HOME:-}:$PATH" in
tmpfs:* | *:/tmp/*) ;;
*)
  if [ "$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)" -ge 8000000 ] &&
    unshare -m mount -t tmpfs tmpfs /tmp 2>/dev/null; then
    exec unshare -m sh -c 'mount -t tmpfs -o size=4g,mode=1777 tmpfs /tmp; exec "$@"' in-memory sh "$PWD/test/${0##*/}" "$@"
  fi
  ;;
esac
