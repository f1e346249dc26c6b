// Second tier: every login shell.
/** Whole visits under every login shell, and with every shell in place of /bin/sh. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { machine } from '../support/clients/agent-visit.ts';
import { shellConnection } from '../support/clients/shell-connection.ts';

const PATH = process.env['PATH'] ?? '';

function shell(program: string): readonly [string, ...string[]] | null {
  const [name = '', ...args] = program.split(' ');
  const found = PATH.split(':')
    .map((dir) => path.join(dir, name))
    .find((file) => existsSync(file));
  return found === undefined ? null : [found, ...args];
}

function skipWithout(t: TestContext, program: string): void {
  if (process.env['CI'] !== undefined && program !== 'mksh' && program !== 'ksh') assert.fail(`${program} is missing`);
  t.skip(`${program} is not installed`);
}

for (const program of ['dash', 'bash', 'zsh', 'fish', 'tcsh', 'mksh', 'ksh', 'busybox ash']) {
  test(`a whole visit through ${program} as login shell`, async (t) => {
    const login = shell(program);
    if (login === null) {
      skipWithout(t, program);
      return;
    }
    const { visit, home } = machine(t);
    for (const uploaded of [true, false]) {
      const { result } = await visit({ connection: shellConnection({ env: { HOME: home, PATH }, shell: login }) });
      assert.equal(result.fault, null);
      assert.equal(result.uploaded, uploaded);
      assert.equal(result.acknowledged, 1);
    }
  });
}

for (const program of ['dash', 'bash --posix', 'mksh', 'ksh', 'busybox sh', 'zsh --emulate sh']) {
  test(`a whole visit with ${program} as /bin/sh`, async (t) => {
    const standard = shell(program);
    if (standard === null) {
      skipWithout(t, program);
      return;
    }
    const { visit, home } = machine(t);
    // The command line, split by a shell, with another program in place of /bin/sh.
    const script = `eval "set -- $COMMAND"; shift; exec ${standard.join(' ')} "$@"`;
    for (const uploaded of [true, false]) {
      const connection = shellConnection({ env: { HOME: home, PATH }, scripts: [script, script] });
      const { result } = await visit({ connection });
      assert.equal(result.fault, null);
      assert.equal(result.uploaded, uploaded);
      assert.equal(result.acknowledged, 1);
    }
  });
}
