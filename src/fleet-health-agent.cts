#!/usr/bin/env node
// The start of the second program, in the JavaScript of long ago, as in fleet-health.cts.
/* oxlint-disable no-var */
var found = process.versions.node.split('.');
var major = Number(found[0]);

if (major < 20 || (major === 20 && Number(found[1]) < 19)) {
  process.stderr.write('fleet-health-agent: Node ' + process.versions.node + ' is too old; it needs 20.19 or newer.\n');
  process.exitCode = 2;
} else {
  void import('./agent-cli.ts').then(function (cli) {
    return cli.main(process.argv.slice(2));
  });
}
