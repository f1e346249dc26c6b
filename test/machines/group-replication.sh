#!/bin/sh
# Runs the cycles of shared collectors on three nodes of MySQL's group replication, with one primary and with many.
# Needs root, Debian's packages, and 0.7 GB in ${XDG_CACHE_HOME:-~/.cache}/fleet-health-tests.
set -eu
cd "$(dirname "$0")/../.."
sh test/setup.sh --machines
mysql="${XDG_CACHE_HOME:-$HOME/.cache}/fleet-health-tests/mysql"
sh test/machines/mysql-image.sh "$mysql"
unset NODE_OPTIONS NODE_EXTRA_CA_CERTS
npm run --silent build
for kind in one-primary many-primaries; do
  FLEET_HEALTH_GALERA=1 FLEET_HEALTH_MYSQL="$mysql" FLEET_HEALTH_CLUSTER="$kind" \
    node --import tsx --test --test-timeout=7200000 test/end-to-end/shared-cluster.test.ts
done
