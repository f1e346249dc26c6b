#!/usr/bin/env node
// The program's start, in the JavaScript of long ago, so that a Node that is too old can still read the one line below.
// CommonJS, because Node 20 reads an ES module through its thread pool: in cli.ts it would be too late to size the
// pool. With sixteen threads or more the fsync of a sealed report costs 72 to 92 us instead of the 160 to 250 with
// Node's four. libuv gives half of the 64 threads to name lookups, which a dead name server holds up: 32 such lookups
// stop no other (transport/connection/dial.ts).
/* oxlint-disable no-var */
var found = process.versions.node.split('.');
var major = Number(found[0]);
var minor = Number(found[1]);
var args = process.argv.slice(2);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write('fleet-health: Node ' + process.versions.node + ' is too old; it needs 20.19 or newer.\n');
  process.exitCode = 2;
} else {
  if (!process.env['UV_THREADPOOL_SIZE']) process.env['UV_THREADPOOL_SIZE'] = '64';
  var hasCompileCache = major > 22 || (major === 22 && minor > 0);
  void Promise.resolve(hasCompileCache ? import('./cli/compile-cache.ts') : null)
    .then(function (cache) {
      if (cache) cache.useCompileCache(args);
      return import('./cli.ts');
    })
    .then(function (cli) {
      return cli.main(args);
    });
}
