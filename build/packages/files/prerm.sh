#!/bin/sh
set -e

if [ "$1" = remove ]; then
  if [ -d /run/systemd/system ]; then
    for unit in UNITS; do
      deb-systemd-invoke stop "$unit" >/dev/null || true
    done
  fi
  if command -v systemctl >/dev/null; then
    systemctl --system --quiet disable UNITS >/dev/null 2>&1 || true
  fi
  INIT_REMOVE
fi
