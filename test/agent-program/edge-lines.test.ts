/** Changes as lines for a socket. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import type { AlertLine } from '../../src/agent-program/edge/edge-evaluator.ts';
import { edgeLines } from '../../src/agent-program/edge/edge-lines.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

test('lines wait for a socket, and those that come while others are sent wait on', async (t) => {
  const place = tempFolder(t);
  const socket = path.join(place, 'socket');
  const problems: string[] = [];
  const log = { event: () => undefined, problem: (event: string) => void problems.push(event) };
  const { signal } = new AbortController();
  const change = (value: number): AlertLine => ({
    ...{ host: 'web-1', rule: 'memory', subject: '', state: 'firing', severity: 'warning', value },
    ...{ limit: 'at least 90 %', at: '2026-11-22T23:00:00.000Z' },
  });
  const early = edgeLines({ path: socket }, place, log);
  early.keep({ changes: [change(1)], open: [change(1)] }, 1);
  await early.send(signal);
  assert.deepEqual([problems, early.queue()], [['not-sent'], 1]);

  let text = '';
  const server = createServer((opened) => opened.setEncoding('utf8').on('data', (part: string) => (text += part)));
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const lines = edgeLines({ path: socket }, place, log);
  const sending = lines.send(signal);
  lines.keep({ changes: [change(2)], open: [change(2)] }, 2);
  await sending;
  assert.equal(lines.queue(), 1);
  await lines.send(signal);
  await until(
    () => text.split('\n').length === 3,
    () => text,
  );
  assert.match(text, /"value":1.*\n.*"value":2/);
  lines.keep({ changes: [change(3)], open: [change(3)] }, 3);
  await lines.send(AbortSignal.abort());
  assert.deepEqual([problems.length, lines.queue()], [2, 1]);
});
