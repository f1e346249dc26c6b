#!/bin/sh
# Prints the Debian mirror that apt is set up with. Says so and ends with 1 if it is set up with none.
mirror=$(sed -n 's/^URIs: *\(.*\/debian\)\/* *$/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
[ -n "$mirror" ] || mirror=$(sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\/debian\)\/* .*/\2/p' /etc/apt/sources.list 2>/dev/null | head -n 1)
[ -n "$mirror" ] || { echo "apt is set up with no mirror of Debian, from which the packages would come" >&2; exit 1; }
echo "$mirror"
