#!/bin/sh
# Runs the tests against real machines and servers, which `npm test` does not have. Needs Debian's packages, about 2 GB
# in ${XDG_CACHE_HOME:-~/.cache}/fleet-health-tests, and root to make the files there. Arguments are test files;
# default: all.
set -eu
cd "$(dirname "$0")/../.."
sh test/setup.sh --machines
cache="${XDG_CACHE_HOME:-$HOME/.cache}/fleet-health-tests"
mysql="$cache/mysql"
sh test/machines/mysql-image.sh "$mysql"
[ "$(id -u)" != 0 ] || { sh test/machines/guest.sh image "$cache" && sh test/machines/roots.sh "$cache"; }
unset NODE_OPTIONS NODE_EXTRA_CA_CERTS
npm run --silent build

status=0
[ $# -gt 0 ] || set -- $(find test/storage test/machines -name '*.test.ts' | sort)
FLEET_HEALTH_MYSQL="$mysql" FLEET_HEALTH_GUESTS="$cache" node --import tsx --test --test-concurrency=2 --test-timeout=1800000 "$@" || status=$?
exit "$status"
