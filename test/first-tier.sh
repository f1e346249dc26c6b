#!/bin/sh
# Prints the test files of the first tier, one a line. A file of the second tier says so in its first line, or stands in
# test/wide or test/recipes.
set -eu
cd "$(dirname "$0")/.."
find test -name '*.test.ts' -not -path 'test/recipes/*' -not -path 'test/wide/*' -print0 |
  xargs -0 grep -L '^// Second tier:' | sort
