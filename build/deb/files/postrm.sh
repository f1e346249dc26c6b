#!/bin/sh
set -e

if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
fi
case $1 in
purge)
  # The state: keys, history, reports that wait. `remove` keeps all of it, and nothing removes what somebody wrote
  # into /etc/fleet-health. The account stays: files elsewhere may be its own.
  rm -rf /var/lib/PACKAGE
  INIT_PURGE
  ;;
esac
