#!/bin/sh
set -e

case $1 in
purge)
  # The state: keys, history, waiting reports. `remove` keeps all of it, and nothing removes the files that people wrote
  # to /etc/fleet-health. The account stays, because files elsewhere may belong to it.
  rm -rf /var/lib/PACKAGE
  # The units that `crontab --systemd` has written for the program of this package.
  for unit in UNITS; do
    name=${unit%.*}
    grep -qs '^ExecStart=.*/usr/lib/PACKAGE/' "/etc/systemd/system/$name.service" || continue
    for file in "$name.service" "$name.timer" "$name.socket"; do
      rm -f "/etc/systemd/system/$file" /etc/systemd/system/*.wants/"$file"
    done
  done
  INIT_PURGE
  ;;
esac
if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
fi
