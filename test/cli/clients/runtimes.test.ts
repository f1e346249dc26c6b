import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { madeElf } from '../../support/made-files.ts';
import { configFolder, exits, runCli } from '../../support/run-cli.ts';

const here = '<config><client name="here" ip="127.0.0.1" transport="local"/></config>';

test('runtimes: none at first, then add, list and remove', async (t) => {
  const dir = configFolder(t, here);
  const run = (...args: string[]): ReturnType<typeof runCli> => runCli(args, { cwd: dir });
  const none = await run('runtimes', 'list');
  assert.deepEqual([none.status, none.stderr], [0, '']);
  assert.match(none.stdout, /No runtime in .*state\/runtimes yet/);

  writeFileSync(path.join(dir, 'node'), madeElf());
  const added = await run('runtimes', 'add', 'linux-arm64', '--from', 'node');
  assert.deepEqual([added.status, added.stderr], [0, '']);
  assert.match(added.stdout, /Clients on linux-arm64 with runtime="bring" get this Node\.js/);

  const listed = await run('--json', 'runtimes', 'list');
  const { runtimes } = JSON.parse(listed.stdout) as { runtimes: readonly Readonly<Record<string, unknown>>[] };
  assert.equal(runtimes.length, 1);
  const { target, version, digest, size_bytes, source } = runtimes[0] ?? {};
  assert.deepEqual(
    [target, version, size_bytes, source],
    ['linux-arm64', null, madeElf().length, path.join(dir, 'node')],
  );
  assert.match(String(digest), /^[0-9a-f]{64}$/);
  const table = await run('runtimes', 'list');
  assert.match(table.stdout, /^platform +version +size +sent as +added +digest +from\nlinux-arm64 +- /);

  const removed = await run('runtimes', 'remove', 'linux-arm64');
  assert.deepEqual([removed.status, removed.stderr], [0, '']);
  await exits(2, run('runtimes', 'remove', 'linux-arm64'), /there is no runtime for linux-arm64 .*\(usage\)/);
});

for (const [args, status, message] of [
  [['add', 'linux-x46'], 2, /no platform "linux-x46"; did you mean "linux-x64"\? \(usage\)\. Name one of linux-x64, /],
  [['remove', 'linux'], 2, /no platform "linux"/],
  [['add', 'linux-s390x', '--from', 'self'], 2, /is none for linux-s390x \(usage\)/],
  [['add', 'linux-s390x', '--from', 'nowhere'], 2, /nowhere is not there, or no file \(runtime-invalid\)/],
  [['add', 'linux-arm64-musl'], 3, /npm holds no package .* \(runtime-unavailable\)\. .*--from FILE/],
  [['add'], 2, /missing required argument/],
] as const) {
  test(`runtimes ${args.join(' ')}: refused with what to do`, async (t) => {
    const result = await runCli(['runtimes', ...args], { cwd: configFolder(t, here) });
    assert.equal(result.status, status);
    assert.match(result.stderr, message);
    assert.equal(result.stdout, '');
  });
}
