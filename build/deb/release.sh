#!/bin/sh
# Everything that a release needs: all tiers of tests, 2,000 kills, npm's package and Debian's. Stops at the first
# failure, and says at the end what it made. `release.sh [FOLDER]`; as root, on an amd64 machine with 4 GB of memory.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-release}
[ -z "$(git status --porcelain)" ] || { echo "release: the checkout has changes that are not committed" >&2; exit 1; }
version=$(node -p 'require("./package.json").version')
grep -q "^## .*$version" CHANGELOG.md || { echo "release: CHANGELOG.md has no section for $version" >&2; exit 1; }
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
step() {
  echo "== $(date -u +%H:%M) $*"
  "$@"
}
step npm run --silent test
step npm run --silent test:wide
step npm run --silent test:machines
step npm run --silent test:awkward
step npm run --silent faults -- --kills 2000 --minutes 240
rm -rf "$out"
mkdir -p "$out"
step npm run --silent deb -- --arch amd64 --out "$out"
step npm run --silent deb -- --arch arm64 --out "$out"
step npm pack --silent --ignore-scripts --pack-destination "$out"
# What goes out is what the commit says.
[ -z "$(git status --porcelain --untracked-files=no)" ] || { echo "release: a step has changed the checkout" >&2; exit 1; }
(cd "$out" && sha256sum -- * >SHA256SUMS && cat SHA256SUMS)
echo "== $version of commit $(git rev-parse --short HEAD) is in $out"
