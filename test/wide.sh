#!/bin/sh
# The second tier: the recipes of CONTRIBUTING.md; the demo and the end-to-end tests on every Node that is promised, as
# collector and as clients' Node; those with browsers, Prometheus and Debian's plugins on the first of them, and those
# that try only some of their cases in `npm test`. Here they try all.
# `npm run test:wide [VERSION...]`; the binaries are npm packages, kept in a cache folder.
set -eu
cd "$(dirname "$0")/.."
sh test/setup.sh --wide
unset NODE_OPTIONS NODE_EXTRA_CA_CERTS
export FLEET_HEALTH_WIDE_TESTS=1
# Debian 13's, the newest of each even line, and what is to come.
[ $# -gt 0 ] || set -- 20.19.2 22 24 26
case $(uname -m) in
x86_64) platform=linux-x64 ;;
aarch64) platform=linux-arm64 ;;
*) echo "test/wide.sh: npm has no Node for $(uname -m)" >&2; exit 1 ;;
esac
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fleet-health-tests/node
build_path=$PATH
folders="test/end-to-end test/wide"
others=$(grep -rlw isWide test --include='*.test.ts')
status=0
timeout 900 node --import tsx --test test/recipes/recipes.test.ts || { status=1; echo "== failed: recipes" >&2; }
for version; do
  if [ ! -x "$cache/$version/bin/node" ]; then
    mkdir -p "$cache/$version"
    (cd "$cache/$version" && npm pack --silent "node-$platform@$version" >/dev/null && tar -xzf ./*.tgz --strip-components 1 &&
      rm ./*.tgz)
  fi
  PATH=$cache/$version/bin:$build_path
  echo "== Node $(node --version)"
  npm run --silent build
  demo=$(mktemp -d)
  node dist/fleet-health.cjs demo --dir "$demo/demo" >"$demo/said" 2>&1 || { cat "$demo/said"; status=1; }
  rm -rf "$demo"
  # shellcheck disable=SC2046,SC2086
  compiled=$(node test/compile.mjs $({ find $folders -name '*.test.ts'; printf '%s\n' $others; } | sort -u))
  folders=test/end-to-end others=
  # shellcheck disable=SC2086
  node test/run-files.mjs $compiled || { status=1; echo "== failed: Node $version" >&2; }
done
exit "$status"
