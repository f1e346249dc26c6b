/** The exec of `cleanup`, to its answer or its fault, over channels in memory. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';

import { cleanupClient, cleanupCommand, parseCleanupAnswer } from '../../../src/collector/agent/cleanup-client.ts';
import { maxGreetingBytes } from '../../../src/report/wire.ts';
import { noExit, type Connection } from '../../../src/transport/transport.ts';

const launcher = `fleet-health restricted key ${'0a'.repeat(32)}: refused\n`;

interface Said {
  /** The text on stdout; `@` stands for the beginning of a line of the answer. */
  readonly out?: string;
  readonly err?: string;
  /** True if the command does not end. */
  readonly hangs?: boolean;
}

/** Runs `cleanup` on a client that says this. */
function cleanUp({ out = '', err = '', hangs = false }: Said, more: { timeoutMs?: number; signal?: AbortSignal } = {}) {
  const commands: string[] = [];
  const stdin = new PassThrough();
  const exec: Connection['exec'] = (command) => {
    commands.push(command);
    const marker = /' fh '([\w-]+)'/.exec(command)?.[1] ?? '';
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    stdout.write(out.replaceAll('@', `fh-${marker}-cleanup `));
    stderr.write(err);
    if (!hangs) for (const stream of [stdout, stderr]) stream.end();
    return Promise.resolve({ stdin, stdout, stderr, exit: Promise.resolve(noExit) });
  };
  const connection = { exec } as Partial<Connection> as Connection;
  const answer = cleanupClient({
    ...{ connection, client: 'web-1', collectorId: 'c0ffee', all: false, force: false },
    ...{ timeoutMs: 60_000, signal: new AbortController().signal, ...more },
  });
  return { answer, commands, stdin };
}

test('who asks to remove all, or by force, has the words in the command that say so', () => {
  for (const [all, force, words] of [
    [false, false, "'one' 'ask'"],
    [true, false, "'all' 'ask'"],
    [false, true, "'one' 'force'"],
    [true, true, "'all' 'force'"],
  ] as const) {
    const command = cleanupCommand({ marker: 'm', collectorId: 'c0ffee', all, force });
    assert.ok(command.endsWith(` fh 'm' 'c0ffee' ${words}`), command.slice(-60));
  }
});

test('what was removed and left is told without control characters, and nothing is written to the client', async () => {
  const out = '@waiting 3 4\n@spool 1 2\n@removed 2 /a\u001b[31m\n@removed 0 /b\n@left /c\u0007\n@end\n';
  const { answer, commands, stdin } = cleanUp({ out, err: 'locale: cannot set\n' });
  assert.deepEqual(await answer, {
    waiting: { own: 3, others: 4 },
    removed: [
      { path: '/a [31m', sizeBytes: 2048 },
      { path: '/b', sizeBytes: 0 },
    ],
    left: ['/c'],
    spool: { lines: 1, scripts: 2 },
  });
  assert.equal(commands.length, 1);
  assert.deepEqual([stdin.writableEnded, stdin.read()], [true, null]);
});

test('each exec has a marker of its own, so that no earlier output passes for an answer', async () => {
  const markers = await Promise.all(
    [1, 2].map(async () => {
      const { answer, commands } = cleanUp({ out: '@waiting 0 0\n@end\n' });
      await answer;
      return /' fh '([\w-]{22})'/.exec(commands[0] ?? '')?.[1];
    }),
  );
  assert.ok(markers[0] !== undefined && markers[1] !== undefined);
  assert.notEqual(markers[0], markers[1]);
});

for (const { what, said, code, stage, message } of [
  {
    what: 'a restricted key',
    said: { err: launcher },
    ...{ code: 'restricted-key', stage: 'agent' },
    message: 'the restricted key runs nothing but its agent, so it removes nothing',
  },
  {
    what: 'a login shell that complains',
    said: { out: 'Welcome', err: 'not\nfound' },
    ...{ code: 'no-shell', stage: 'agent' },
    message: '/bin/sh did not do what it was asked: "not found"',
  },
  {
    what: 'a login shell that only prints',
    said: { out: 'Welcome' },
    ...{ code: 'no-shell', stage: 'agent' },
    message: '/bin/sh did not do what it was asked: "Welcome"',
  },
  {
    what: 'a login shell without a word',
    said: {},
    ...{ code: 'no-shell', stage: 'agent' },
    message: '/bin/sh did not do what it was asked',
  },
  {
    what: 'an answer without its end',
    said: { out: '@waiting 0 0\n' },
    ...{ code: 'no-shell', stage: 'agent' },
    message: /^\/bin\/sh did not do what it was asked: "fh-/,
  },
  {
    what: 'one byte more than is read',
    said: { out: 'x'.repeat(maxGreetingBytes + 256 * 1024 + 1), hangs: true },
    ...{ code: 'agent-output', stage: 'agent' },
    message: `web-1: more than ${maxGreetingBytes + 256 * 1024} bytes came`,
  },
] as const) {
  test(`cleanup under ${what}: ${code}`, async () => {
    await assert.rejects(cleanUp(said).answer, { name: 'FleetError', client: 'web-1', code, stage, message });
  });
}

test('as many bytes as are read are no fault', async () => {
  const answerLength = 2 * 'fh--cleanup '.length + 2 * 22 + 'waiting 0 0\nend\n'.length;
  const out = `${'x'.repeat(maxGreetingBytes + 256 * 1024 - answerLength - 1)}\n@waiting 0 0\n@end\n`;
  assert.deepEqual((await cleanUp({ out }).answer).waiting, { own: 0, others: 0 });
});

test('a restricted key is told how to remove the files without it', async () => {
  await assert.rejects(cleanUp({ err: launcher }).answer, {
    advice: 'Remove it as the account itself; docs/installation.md, section 7, names the folders.',
  });
});

test('a command that does not end costs its time, and one whose run has ended costs none', async () => {
  await assert.rejects(cleanUp({ hangs: true }, { timeoutMs: 30 }).answer, {
    ...{ name: 'FleetError', code: 'channel-timeout', stage: 'channel', client: 'web-1' },
    message: 'web-1: the command did not end within 30 ms',
  });
  const reason = new Error('interrupted');
  await assert.rejects(cleanUp({ hangs: true }, { signal: AbortSignal.abort(reason) }).answer, reason);
});

test('a count that is no number, and a word that nobody knows, change nothing', () => {
  const line = (text: string): string => `fh-m-cleanup ${text}\n`;
  const output = ['waiting 1 x', 'spool 2 x', 'strange 4 /a', 'waiting 1 2', 'end'].map(line).join('');
  const { waiting, spool, removed, left } = parseCleanupAnswer(output, 'm') ?? {};
  assert.deepEqual(
    [waiting, spool],
    [
      { own: 1, others: 2 },
      { lines: 2, scripts: 0 },
    ],
  );
  assert.deepEqual([removed, left], [[], []]);
});
