#!/bin/sh
set -e

if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
fi
case $1 in
purge)
  # The state: keys, history, waiting reports. `remove` keeps all of it, and nothing removes the files that people wrote
  # to /etc/fleet-health. The account stays, because files elsewhere may belong to it.
  rm -rf /var/lib/PACKAGE
  INIT_PURGE
  ;;
esac
