#!/bin/sh
# Everything that must hold: set-up, build, types, tests. Arguments are test files; default: those of
# test/first-tier.sh.
set -eu
cd "$(dirname "$0")/.."
sh test/setup.sh
# Tests make files for other accounts; the programs that they start run under FLEET_HEALTH_TEST_UMASK.
umask 022
# What Node would load at every start costs time and may fail; the tests measure and run without.
unset NODE_OPTIONS NODE_EXTRA_CA_CERTS
[ $# -gt 0 ] || set -- --share $(sh test/first-tier.sh)
[ $# -gt 0 ] || { echo "no test files found" >&2; exit 1; }

npm run --silent build
compiled=$(node test/compile.mjs "$@")
# shellcheck disable=SC2086
node test/run-files.mjs --first-tier $compiled
