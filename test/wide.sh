#!/bin/sh
# The second tier: format, lint, and the recipes of CONTRIBUTING.md; on the first Node the test files that are left out
# of `npm test` (see test/first-tier.sh) and those of which it runs only some cases, with all cases; on every Node that
# is promised, as collector and as clients' Node, the demo and one end-to-end test a story; on the last of several Nodes
# with the programs of the Debian packages.
# `npm run test:wide [VERSION...]`; the binaries are npm packages, kept in /var/tmp. FLEET_HEALTH_HALF=0 or 1 runs half of
# the files, chosen by their names.
set -eu
cd "$(dirname "$0")/.."
sh test/setup.sh --wide
umask 022
unset NODE_OPTIONS NODE_EXTRA_CA_CERTS
export FLEET_HEALTH_WIDE_TESTS=1
case ${FLEET_HEALTH_HALF:-0} in
0 | 1) ;;
*) echo "test/wide.sh: FLEET_HEALTH_HALF is 0, 1 or not set" >&2; exit 1 ;;
esac
# Debian 13's, the newest of each even line, and what is to come.
[ $# -gt 0 ] || set -- 20.19.2 22 24 26
case $(uname -m) in
x86_64) platform=linux-x64 ;;
aarch64) platform=linux-arm64 ;;
*) echo "test/wide.sh: npm has no Node for $(uname -m)" >&2; exit 1 ;;
esac
# Tests run it as other accounts too.
cache=/var/tmp/fleet-health-tests/node
build_path=$PATH
stories=""
for story in one-visit overlapping-runs push-ssh restricted-key split-trust storage-away through-bastions upgrade; do
  stories="$stories test/end-to-end/$story.test.ts"
done
stories="$stories test/cli/try-out/demo.test.ts"
# On a single Node they are left to `npm test`, but for their further cases.
[ $# -gt 1 ] && several=$stories || several=
# shellcheck disable=SC2086 # the files
files=$({ printf '%s\n' $several test/wide/*.test.ts
  grep -rlE '^// Second tier:' test --include='*.test.ts'
  grep -rlwE 'isWide|skipUnlessWide|onEachDatabase|checkAgents|checkAwks|hugeWeek' test --include='*.test.ts'; } | sort -u |
  while read -r file; do
    half=$(($(printf %s "$file" | cksum | cut -d ' ' -f 1) % 2))
    [ "${FLEET_HEALTH_HALF:-$half}" != "$half" ] || echo "$file"
  done)
status=0
# Each uses one core for minutes.
{ formatted=0; npm run --silent format || formatted=1; npm run --silent lint && exit $formatted; } &
timeout 900 node --import tsx --test test/recipes/recipes.test.ts || { status=1; echo "== failed: recipes" >&2; }
wait $! || { status=1; echo "== failed: format or lint" >&2; }
# With the machine's own npm: one that another Node runs does not find the machine's settings.
for version; do
  [ ! -x "$cache/$version/bin/node" ] || continue
  mkdir -p "$cache/$version"
  (cd "$cache/$version" && npm pack --silent "node-$platform@$version" >/dev/null && tar -xzf ./*.tgz --strip-components 1 &&
    rm ./*.tgz)
done
debs=$(mktemp -d)
trap 'rm -rf "$debs"' EXIT
chmod 755 "$debs"
left=$#
for version; do
  PATH=$cache/$version/bin:$build_path
  echo "== Node $(node --version)"
  npm run --silent build
  left=$((left - 1))
  if [ "$left" = 0 ] && [ "$files" = "$stories" ]; then
    sh test/support/programs/unpack-debs.sh "$debs"
    export FLEET_HEALTH_INSTALLED="$debs/prefix"
  fi
  # shellcheck disable=SC2086
  compiled=$(node test/compile.mjs $files)
  files=$stories
  # shellcheck disable=SC2086
  node test/run-files.mjs $compiled || { status=1; echo "== failed: Node $version" >&2; }
done
exit "$status"
