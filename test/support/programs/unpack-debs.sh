#!/bin/sh
# Makes the Debian packages of the last build, and unpacks them: `sh unpack-debs.sh FOLDER` makes FOLDER/root, and
# FOLDER/prefix with the folders that test/support/programs/installed.ts expects of npm.
set -eu
cd "$(dirname "$0")/../.."
out=$1
umask 022
node --import tsx build/packages/deb.ts --without-node --out "$out" >/dev/null
for file in "$out"/*.deb; do dpkg -x "$file" "$out/root"; done
mkdir -p "$out/prefix/bin" "$out/prefix/lib/node_modules"
lib=$out/root/usr/lib
ln -s "$lib/fleet-health/dist/fleet-health.cjs" "$out/prefix/bin/fleet-health"
ln -s "$lib/fleet-health-agent/dist/fleet-health-agent.cjs" "$out/prefix/bin/fleet-health-agent"
ln -s "$lib/fleet-health" "$out/prefix/lib/node_modules/fleet-health"
