import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { byOpensshLines } from '../../../src/cli/check/failed-trials.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { opensshOnlyIn, serverName } from '../../../src/transport/openssh/openssh-only.ts';
import { configFolder, runCli, succeeded } from '../../support/programs/run-cli.ts';

test('show says that a client is visited by ssh because its server shares no algorithm with ssh2', async (t) => {
  const clients = '<client name="a" ip="192.0.2.1"/><client name="b" ip="192.0.2.2"/>';
  const dir = configFolder(t, `<config><ssh transport="auto" username="u" agent="env"/>${clients}</config>`);
  const file = statePaths(path.join(dir, 'state')).opensshOnly;
  mkdirSync(path.dirname(file), { mode: 0o700 });
  const known = opensshOnlyIn(path.join(dir, 'state'));
  known.note(serverName({ name: 'a', address: '192.0.2.1', port: 22 }));
  known.save();
  const words = /visited by ssh, as its server shares no algorithm with the built-in client/;
  assert.match(await succeeded(runCli(['show', 'a'], { cwd: dir })), words);
  assert.doesNotMatch(await succeeded(runCli(['show', 'b'], { cwd: dir })), words);
  writeFileSync(file, '{}');
  assert.doesNotMatch(await succeeded(runCli(['show', 'a'], { cwd: dir })), words);
});

test('check --connect names the clients that are visited by ssh for that', () => {
  const trial = (what: string, isByOpenssh?: boolean) =>
    ({ what, kind: 'client', fault: null, ...(isByOpenssh === undefined ? {} : { isByOpenssh }) }) as const;
  assert.deepEqual(byOpensshLines([trial('a'), trial('b', false)]), []);
  const [line] = byOpensshLines([trial('a', true), trial('b'), trial('c', true)]);
  assert.equal(line, 'visited by ssh, as their servers share no algorithm with the built-in client: a, c');
});
