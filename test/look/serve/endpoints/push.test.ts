// Second tier: starts collectors and agent programs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { maxPushBytes } from '../../../../src/report/seal/push.ts';
import { acknowledgedIn, pushedStream } from '../../../support/clients/pushed-stream.ts';
import { agentProgram, outcomeOf, succeeded, type CliResult } from '../../../support/programs/run-cli.ts';
import { collector, type Sent } from '../support/pushing-collector.ts';

test('the client pushes over HTTP: twice is once, and a lost answer loses nothing', { timeout: 60_000 }, async (t) => {
  const { dir, run, sample, send, agent, sealedFiles } = await collector(t);
  const { reportId, sealed } = sample();
  const stream = pushedStream({ sealed: [sealed] });
  for (const time of [1, 2]) {
    const { status, body } = await send({ body: stream, time });
    assert.deepEqual([status, acknowledgedIn(body)], [200, [reportId]]);
  }
  assert.equal(sealedFiles().length, 1);
  const file = path.join(dir, 'agent.json');
  const place = path.join(dir, 'agent-state');
  mkdirSync(place, { mode: 0o700 });
  writeFileSync(file, JSON.stringify({ ...agent, changes: 'no', state_directory: place }), { mode: 0o600 });
  const push = (): Promise<CliResult> =>
    outcomeOf(
      spawn(process.execPath, [agentProgram, '-c', file, 'push', '--once'], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  assert.match(await succeeded(push()), /^2 reports sent$/m);
  await run('collect', 'laptop-1');
  const { stdout } = await run('--json', 'status', 'laptop-1');
  assert.match(stdout, /"consecutive_failures":0,"reader":"push","hostname":"[^"]+"/);
  assert.deepEqual(sealedFiles(), []);
  await succeeded(run('enroll', 'laptop-1', '--revoke'));
  const revoked = await push();
  assert.equal(revoked.status, 1);
  assert.match(revoked.stderr, /answered 401; 1 report is kept \(push-failed\)/);
});

test('a wrong MAC, an unknown client and another body are the same 401, and nothing is kept', async (t) => {
  const { sample, send, sealedFiles } = await collector(t);
  const body = pushedStream({ sealed: [sample().sealed] });
  const wrong: readonly Sent[] = [
    { body, key: randomBytes(32) },
    { body, key: Buffer.alloc(32) },
    { body, client: 'laptop-2' },
    { body, client: 'laptop-2', key: Buffer.alloc(32) },
    { body, client: 'nobody', key: Buffer.alloc(32) },
    { body, signed: Buffer.from('another') },
    { body: Buffer.from('a different one'), signed: body },
    { body, headers: { 'Fleet-Health': 'v1' } },
    { body, headers: { 'Content-Digest': 'sha-256=:x:' } },
  ];
  const answers = new Set<string>();
  for (const sent of wrong) {
    const { status, body: said } = await send(sent);
    answers.add(`${status} ${said.toString()}`);
  }
  assert.deepEqual([...answers], ['401 This is no push of a client that is enrolled here.\n']);
  assert.deepEqual(sealedFiles(), []);
  // With its own key a client cannot push reports of another client either.
  const foreign = await send({ body: pushedStream({ sealed: [sample('laptop-2').sealed] }) });
  assert.deepEqual([foreign.status, acknowledgedIn(foreign.body), sealedFiles()], [200, [], []]);
});

test(
  'what is too large or too slow costs no memory, and others are served meanwhile',
  { timeout: 60_000 },
  async (t) => {
    const { sample, send, sealedFiles, child, port } = await collector(t);
    const own = pushedStream({ sealed: [sample().sealed] });
    await send({ body: own });
    const rssBytes = (): number =>
      1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]);
    const before = rssBytes();
    // The server must not wait for the rest. Who goes on sending it may find the connection closed before the answer.
    for (const declared of [2 * 2 ** 30, maxPushBytes + 1]) {
      const { status } = await send({ body: own, headers: { 'Content-Length': declared } });
      assert.equal(status, 413, `${declared} bytes`);
    }
    const slow = Array.from({ length: 12 }, () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write('POST /v1/visit HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nFleet-Health: v1\r\n');
      return socket;
    });
    const { status } = await send({ body: pushedStream({ sealed: [sample().sealed] }) });
    assert.deepEqual([status, sealedFiles().length], [200, 2]);
    assert.ok(rssBytes() - before < 12 * 1024 * 1024, `${rssBytes() - before} bytes more`);
    for (const socket of slow) socket.destroy();
  },
);
