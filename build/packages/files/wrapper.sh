#!/bin/sh
# Runs PROGRAM with the Node of fleet-health-node if that package is installed, else with the system's Node.
node=/usr/lib/fleet-health-node/bin/node
[ -x "$node" ] || node=/usr/bin/node
exec "$node" PROGRAM "$@"
