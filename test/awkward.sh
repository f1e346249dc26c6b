#!/bin/sh
# Runs the suite on an awkward machine: `npm run test:awkward [CONDITION...] [-- TEST...]`. Without conditions it runs
# three times: under all of them that need root, as another account, and at a change of daylight saving time.
#
#   booted    booted a minute ago (a time namespace: /proc/uptime and the monotonic clock)
#   tools     the static BusyBox as `busybox`, whose shell prefers its own applets, and its applets first in PATH
#   hostname  a long hostname with upper-case letters
#   zone      Pacific/Chatham (+12:45) and a Turkish locale
#   umask     the programs run under umask 077
#   tmpfs     /tmp as a small tmpfs
#   busy      every core shared with two processes that never wait
#   account   an account that is not root, in a copy of the checkout
#   clock     half an hour before Berlin's clocks change; without the tests that talk to servers, which keep their clock
set -eu
cd "$(dirname "$0")/.."
root_conditions="booted tools hostname zone umask tmpfs busy"

# Starts "$@" on a machine that meets the conditions in $conditions, one after the other.
enter() {
  condition=${conditions%% *}
  rest=${conditions#"$condition"}
  conditions=${rest# }
  export conditions
  case $condition in
  '') exec "$@" ;;
  booted)
    uptime=$(cut -d. -f1 /proc/uptime)
    exec unshare --time --boottime $((60 - uptime)) --monotonic $((60 - uptime)) --fork sh "$0" --enter "$@" ;;
  tools)
    exec unshare -m sh -c 'mount --bind "$1" "$(command -v busybox)"; shift
      PATH=$tools:$PATH exec "$@"' tools "$tools/busybox" sh "$0" --enter "$@" ;;
  hostname)
    exec unshare -u sh -c 'hostname MONITOR-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNO; exec "$@"' \
      hostname sh "$0" --enter "$@" ;;
  zone) TZ=Pacific/Chatham LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8 exec sh "$0" --enter "$@" ;;
  umask) FLEET_HEALTH_TEST_UMASK=077 exec sh "$0" --enter "$@" ;;
  tmpfs) exec unshare -m sh -c 'mount -t tmpfs -o size=4g,mode=1777 tmpfs /tmp; exec "$@"' tmpfs sh "$0" --enter "$@" ;;
  busy)
    (while :; do :; done) & one=$!
    (while :; do :; done) & two=$!
    trap 'kill "$one" "$two" 2>/dev/null' EXIT
    status=0
    sh "$0" --enter "$@" || status=$?
    exit "$status" ;;
  account)
    copy=$(mktemp -d "${TMPDIR:-/var/tmp}/awkward.XXXXXX")
    trap 'rm -rf "$copy"' EXIT
    git archive HEAD | tar -x --no-same-permissions -C "$copy"
    cp -a node_modules "$copy/"
    # What only root can do is skipped there, and no failure.
    unset CI
    chown -R nobody "$copy"
    status=0
    # `npm run` hands on where root keeps its packages.
    (cd "$copy" && HOME=$copy npm_config_cache=$copy/.npm setpriv --reuid=nobody --regid=nogroup --clear-groups sh test/awkward.sh --enter "$@") ||
      status=$?
    exit "$status" ;;
  clock)
    export FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1
    exec faketime '2027-03-28 00:30:00' sh "$0" --enter "$@" ;;
  *) echo "test/awkward.sh: there is no condition $condition" >&2; exit 2 ;;
  esac
}
if [ "${1:-}" = --enter ]; then
  shift
  enter "$@"
fi

asked=""
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  asked="$asked $1"
  shift
done
[ "${1:-}" != -- ] || shift

sh test/setup.sh
# Other accounts must be able to read it.
tools=/var/tmp/fleet-health-tests/busybox-static
export tools
if [ ! -x "$tools/busybox" ]; then
  (umask 022; mkdir -p "$tools")
  (cd "$tools" && apt-get download -qq busybox-static && dpkg -x busybox-static_*.deb . && mv bin/busybox . &&
    for name in df stat sed awk grep sort head tail od timeout; do ln -sf busybox "$name"; done)
fi

status=0
run() { # run CONDITIONS TEST...
  conditions=$1
  shift
  echo "== $conditions"
  export conditions
  sh "$0" --enter sh test/run.sh "$@" || { status=1; echo "== failed: $conditions" >&2; }
}
if [ -n "$asked" ]; then
  run "${asked# }" "$@"
else
  run "$root_conditions" "$@"
  run account "$@"
  [ $# -gt 0 ] || set -- $(find test/alerter test/config test/report -name '*.test.ts')
  run clock "$@"
fi
exit "$status"
