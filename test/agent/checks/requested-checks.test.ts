/** The checks of config.xml beside the checks of the client's own conf files, on both agents. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import type { RequestedCheck } from '../../../src/report/wire.ts';
import { checkAgents, checkClient } from '../../support/clients/check-client.ts';
import { isWide } from '../../support/long-tests.ts';

const rare = { skip: isWide ? false : 'in the second tier' };

for (const agent of checkAgents) {
  const onlyNode = agent.shell === null ? {} : rare;
  test(`checks of a request run as they are written (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const count = client.program('count', 'echo x >>"$1"; grep -c x "$1"');
    const args = client.program('args', 'for x; do printf "<%s>" "$x"; done');
    const words = ["it's", 'a "b"', '', '$HOME `id` \\ *', '-n', 'grün 😀', '{"checks":[', '\\u0041'];
    const checks: readonly RequestedCheck[] = [
      { name: 'args', command: [args, ...words] },
      { name: 'a b', command: ['sh', '-c', 'echo two; exit 2'], timeoutSeconds: 5 },
      { name: 'seldom', command: [count, `${client.home}/runs`], everySeconds: 3600, format: 'prom' },
    ];
    const first = await client.visit(checks);
    assert.deepEqual(first.refused, []);
    assert.deepEqual(
      first.checks.map(({ name, format, exit, output }) => ({ name, format, exit, output })),
      [
        { name: 'args', format: 'nagios', exit: 0, output: words.map((word) => `<${word}>`).join('') },
        { name: 'a b', format: 'nagios', exit: 2, output: 'two' },
        { name: 'seldom', format: 'prom', exit: 0, output: '1' },
      ],
    );
    const { output } = (await client.visit(checks)).checks[2] ?? {};
    assert.equal(output, '1', 'a result is repeated');
    assert.equal((await client.visit()).isSilent, true);
  });

  test(`certificates and textfiles of a request are read (${agent.name})`, onlyNode, async (t) => {
    const client = checkClient(t, agent);
    const dir = path.join(client.home, 'text files');
    mkdirSync(dir);
    writeFileSync(`${dir}/a.prom`, 'up{a="1"} 1\nother 2\n');
    const { checks, refused } = await client.visit([
      { name: `textfile:${dir}`, command: ['textfile', dir, '7200', 'up,x_*'], format: 'textfile' },
      { name: 'textfile:none', command: ['textfile', '/none', '60', ''], format: 'textfile' },
      { name: 'certificate:x', command: ['file', '/none/*.pem', '', '60', '30'], format: 'certificate' },
    ]);
    assert.deepEqual(refused, []);
    assert.deepEqual(
      checks.map(({ name, exit, output }) => ({
        name,
        exit,
        output: output.replace(/file=\d+/, 'file=N').replace(/: \w+$/, ''),
      })),
      [
        { name: `textfile:${dir}`, exit: 0, output: 'stale=7200\nfile=N a.prom\n+up{a="1"} 1' },
        { name: 'textfile:none', exit: 3, output: 'cannot read /none' },
        { name: 'certificate:x', exit: 0, output: checks[2]?.output.replace(/: \w+$/, '') },
      ],
    );
    assert.match(checks[2]?.output ?? '', /^warning=60\ncritical=30\nfault=/);
  });

  test(`the client's own check of a name runs, without a word about the other (${agent.name})`, onlyNode, async (t) => {
    const client = checkClient(t, agent);
    client.conf('disk echo own\n');
    const { checks, refused } = await client.visit([
      { name: 'disk', command: ['echo', 'other'] },
      { name: 'load', command: ['echo', 'load'] },
    ]);
    assert.deepEqual(
      checks.map(({ name, output }) => `${name} ${output}`),
      ['disk own', 'load load'],
    );
    assert.deepEqual(refused, []);
  });

  test(`a command that others could change does not run, and 50 checks in all do (${agent.name})`, rare, async (t) => {
    const client = checkClient(t, agent);
    const open = client.program('open', 'echo open');
    chmodSync(open, 0o702);
    client.conf(Array.from({ length: 48 }, (_, at) => `c${at} true`).join('\n'));
    const { checks, refused } = await client.visit([
      { name: 'open', command: [open] },
      { name: 'wrong', command: ['./x'] },
      { name: 'last', command: ['true'] },
      { name: 'surplus', command: ['true'] },
    ]);
    assert.equal(checks.length, 50);
    assert.deepEqual(
      checks.slice(48).map(({ name, why }) => [name, why]),
      [
        ['open', 'untrusted'],
        ['last', null],
      ],
    );
    assert.deepEqual(refused, [
      { path: 'config.xml', why: 'not a check with NAME and COMMAND' },
      { path: 'config.xml', why: 'more than 50 checks' },
      { path: open, why: `untrusted: ${open}` },
    ]);
  });
}
