#!/bin/sh
# Runs compiled test files for at most so many seconds: `sh test/run-files.sh SECONDS FILE...`. Names what failed once
# more at the end, where it is found among thousands of tests.
set -u
limit=$1
shift
spec=$(mktemp)
trap 'rm -f "$spec"' EXIT
# A test or a file that hangs is ended and named; without the limits nothing would say which one it was.
timeout "$limit" node --enable-source-maps --import ./test/file-deadline.mjs --test --test-concurrency=6 \
  --test-timeout=600000 --test-reporter=tap --test-reporter-destination=stdout \
  --test-reporter=spec --test-reporter-destination="$spec" "$@"
status=$?
sed -n '/failing tests:$/,$p' "$spec"
exit "$status"
