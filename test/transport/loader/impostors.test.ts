// Second tier: clients that say that they are another.
/** Programs in PATH that have the name of node and are none: shims without a node behind them, and other programs. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { machine, ownCollector } from '../../support/clients/agent-visit.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';
import { fakeNode, impostors, otherTimeouts, saysVersion } from '../../support/ssh/launcher-path.ts';
import { shellClient } from '../../support/clients/shell-client.ts';
import { shellConnection } from '../../support/clients/shell-connection.ts';

const PATH = process.env['PATH'] ?? '';
/** The first tier tries one that answers, one that takes the request, and one without a status. */
const few = ['ends well and prints a version', 'reads its input to the end', 'is killed'];

for (const [what, text] of Object.entries(impostors)) {
  const skip = few.includes(what) ? false : skipUnlessWide;
  test(`another node is used where the one in PATH ${what}`, { skip }, async (t) => {
    const { visit, home, clientDir } = machine(t);
    const bin = path.join(home, 'bin');
    const good = path.join(home, '.nvm/versions/node/v22.1.0/bin');
    mkdirSync(good, { recursive: true });
    symlinkSync(process.execPath, path.join(good, 'node'));
    const look = async (uploaded: boolean): Promise<void> => {
      const connection = shellConnection({ env: { HOME: home, PATH: `${bin}:/usr/bin:/bin` } });
      const { result, reports } = await visit({ connection, node: null });
      assert.equal(result.fault, null, result.fault?.message);
      assert.deepEqual([reports.length, result.uploaded], [1, uploaded]);
    };
    fakeNode(bin, text);
    await look(true);
    // The next visit finds the agent in place.
    await look(false);
    assert.ok(path.dirname(clientDir()).endsWith(ownCollector));
  });
}

for (const text of otherTimeouts) {
  test(`a client is visited where timeout is another program: ${text}`, { skip: skipUnlessWide }, async (t) => {
    const { visit, home } = machine(t);
    const timeout = path.join(home, 'bin/timeout');
    mkdirSync(path.dirname(timeout));
    writeFileSync(timeout, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    const ofShell = shellClient(t, { own: { timeout: text } });
    for (let visits = 0; visits < 2; visits++) {
      const env = { HOME: home, PATH: `${path.dirname(timeout)}:${PATH}` };
      const { result, reports } = await visit({ connection: shellConnection({ env }) });
      assert.equal(result.fault, null, result.fault?.message);
      assert.equal(reports.length, 1);
      const shell = await ofShell.visit();
      assert.equal(shell.result.fault, null, shell.result.fault?.message);
      assert.equal(shell.reports.length, 1);
    }
  });
}

test('a node that fails after its version is not followed by another', async (t) => {
  const { visit, home } = machine(t);
  const good = fakeNode(path.join(home, 'good'), `exec ${process.execPath} "$@"`);
  assert.equal((await visit({ node: good })).result.fault, null);
  renameSync(path.join(home, 'good'), path.join(home, 'old'));
  const failing = fakeNode(path.join(home, 'good'), `${saysVersion}; echo "out of memory" >&2; exit 134`);
  const { result } = await visit({ node: failing, connection: shellConnection({ env: { HOME: home, PATH } }) });
  assert.match(result.fault?.message ?? '', /out of memory/);
});
