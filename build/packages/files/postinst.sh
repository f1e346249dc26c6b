#!/bin/sh
set -e

case $1 in
configure)
  systemd-sysusers PACKAGE.conf
  if command -v systemd-tmpfiles >/dev/null; then
    systemd-tmpfiles --create PACKAGE.conf || true
  else
    [ -d /var/lib/PACKAGE ] || install -d -m 0700 -o PACKAGE -g PACKAGE /var/lib/PACKAGE
  fi
  # No unit is enabled: config.xml, or agent.json, has to be written first.
  if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
    for unit in LONG_RUNNING; do
      deb-systemd-invoke try-restart "$unit" >/dev/null || true
    done
  fi
  INIT_CONFIGURE
  ;;
esac
