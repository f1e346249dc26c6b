#!/bin/sh
# Everything that a release needs: all tiers of tests, 2,000 kills, npm's package, Debian's and rpm's. Stops at the first
# failure, and says at the end what it made. As root, on an amd64 machine with 4 GB of memory; it takes some hours.
#
#     npm run release -- [--trial] [FOLDER]
#
# --trial makes the packages alone, in a minute, of a version that need not be released yet. FOLDER: by default
# release/.
set -eu
cd "$(dirname "$0")/../.."
refuse() {
  echo "release: $*" >&2
  exit 1
}
trial=no
[ "${1:-}" != --trial ] || { trial=yes && shift; }
out=${1:-release}
[ -z "$(git status --porcelain)" ] || refuse "the checkout has changes that are not committed"
[ ! -e "$out" ] || [ -f "$out/SHA256SUMS" ] || refuse "$out is there, and no release made it; name another folder"
mkdir -p "$(dirname "$out")"
version=$(node -p 'require("./package.json").version')
heading=$(grep -m 1 -F "## $version " CHANGELOG.md || true)
[ -n "$heading" ] || refuse "CHANGELOG.md has no section for $version"
dated="## $version - $(date -u +%F)"
case $trial$heading in
  yes*) echo "== a trial: nothing is tested, and CHANGELOG.md says \"$heading\"" ;;
  no"## $version - "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]) ;;
  *) refuse "CHANGELOG.md says \"$heading\": write \"$dated\" there, commit it, and start again; or try it with --trial" ;;
esac
# The state that 0.2.0 leaves is kept for the tests of all later versions, with the schema of the release.
kept=test/testdata/$version/fleet.sql.gz
if [ "$trial" = no ] && [ -f "$kept" ]; then
  newest=$(find sql/mysql -name '*.sql' -exec basename {} .sql \; | sort | tail -n 1)
  gzip -dc "$kept" | grep -qF "'$newest'" ||
    refuse "$kept lacks the migration $newest: run test/end-to-end/support/keep-release.ts, commit its files, and start again"
fi
[ "$trial" = yes ] || [ "$(id -u)" = 0 ] || refuse "the tests of whole machines need root"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
step() {
  echo "== $(date -u +%H:%M) $*"
  "$@"
}
if [ "$trial" = no ]; then
  # Without CI a test is skipped if a program that it needs is not installed.
  export CI=true
  step npm run --silent test
  # Longer than CI runs them, the walks among them.
  step env FLEET_HEALTH_LONG_TESTS=1 npm run --silent test:wide
  step npm run --silent test:machines
  step npm run --silent test:awkward
  step npm run --silent faults -- --kills 1000 --minutes 120
  step npm run --silent faults -- --kills 1000 --minutes 120 --database mysql
fi
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
step npm run --silent deb -- --arch amd64 --out "$made"
step npm run --silent deb -- --arch arm64 --out "$made"
step npm run --silent rpm -- --arch amd64 --out "$made"
step npm run --silent rpm -- --arch arm64 --out "$made"
step npm run --silent package -- --out "$made"
# The released files must follow from the commit alone.
[ -z "$(git status --porcelain --untracked-files=no)" ] || refuse "a step has changed the checkout"
(cd "$made" && sha256sum -- * >SHA256SUMS && cat SHA256SUMS)
chmod 755 "$made"
rm -rf "$out"
mv "$made" "$out"
echo "== $version of commit $(git rev-parse --short HEAD) is in $out"
