/** Strangers at the server of pushes and events: their cost to the collector and to clients that push meanwhile. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { collector } from '../look/serve/support/pushing-collector.ts';
import { acknowledgedIn, pushedStream } from '../support/clients/pushed-stream.ts';

const maxBytes = 12 * 1024 * 1024;
const connections = 10_000;
/** The addresses of the strangers. Clients that push have another one. */
const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5'] as const;
/** The most connections that are open at a time, so that the test itself has descriptors left. */
const maxOpen = 2_000;

const beginnings: readonly string[] = [
  '',
  'POST /v1/visit HTTP/1.1\r\nHost: x\r\nX-Slow: ',
  'POST /v1/visit HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nFleet-Health: v1\r\n\r\nx',
  'POST /v1/visit HTTP/1.1\r\nHost: x\r\nContent-Length: 2147483648\r\n\r\n',
  'POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 65000\r\n\r\n{"a": "',
  'POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 2147483648\r\n\r\n{"a": "',
];

/** Opens connections that send little and slowly, some at a time, until there were enough. */
function flood(port: number) {
  const open = new Set<Socket>();
  let begun = 0;
  let isOver = false;
  const begin = (): void => {
    if (isOver || begun >= connections) return;
    begun += 1;
    const socket = connect({ port, host: '127.0.0.1', localAddress: addresses[begun % addresses.length] });
    const words = beginnings[begun % beginnings.length] ?? '';
    const drip = setInterval(() => socket.write('x'), 1_000);
    open.add(socket);
    socket.on('error', () => undefined).on('connect', () => socket.write(words));
    // Answers are read and discarded.
    socket.once('close', () => {
      clearInterval(drip);
      open.delete(socket);
      setImmediate(begin);
    });
    socket.resume();
  };
  for (let count = 0; count < maxOpen; count += 1) begin();
  return {
    begun: () => begun,
    end: () => {
      isOver = true;
      for (const socket of open) socket.destroy();
    },
  };
}

test(
  '10,000 slow connections, bodies of 2 GB and wrong MACs cost 12 MiB, and nobody a push',
  { timeout: 120_000 },
  async (t) => {
    const { sample, send, sealedFiles, child, port } = await collector(t, '<push/><events/>');
    const rssBytes = (): number =>
      1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]);
    // The memory that every server of Node allocates for its first requests does not count.
    for (let count = 0; count < 20; count += 1) await send({ body: pushedStream({ sealed: [sample().sealed] }) });
    const before = rssBytes();
    let maxRss = before;
    const strangers = flood(port);
    t.after(() => strangers.end());
    const pushed: string[] = [];
    const endsAt = performance.now() + 60_000;
    while ((strangers.begun() < connections || pushed.length < 10) && performance.now() < endsAt) {
      const { reportId, sealed } = sample();
      const { status, body } = await send({ body: pushedStream({ sealed: [sealed] }) });
      assert.deepEqual([status, acknowledgedIn(body)], [200, [reportId]]);
      pushed.push(reportId);
      const own = pushedStream({ sealed: [sample().sealed] });
      assert.equal((await send({ body: own, key: randomBytes(32) })).status, 401, 'a wrong MAC');
      assert.equal((await send({ body: own, client: 'laptop-2' })).status, 401, "another client's name");
      assert.equal((await send({ body: own, headers: { 'Content-Length': 2 * 2 ** 30 } })).status, 413);
      maxRss = Math.max(maxRss, rssBytes());
      await sleep(1_000);
    }
    strangers.end();
    t.diagnostic(`${strangers.begun()} connections, ${pushed.length} pushes, ${maxRss - before} bytes more`);
    assert.ok(strangers.begun() >= connections, `${strangers.begun()} connections`);
    const kept = sealedFiles().map((name) => name.split('/').at(-1) ?? '');
    assert.deepEqual(
      pushed.filter((id) => !kept.some((name) => name.startsWith(id))),
      [],
    );
    assert.ok(maxRss - before < maxBytes, `${maxRss - before} bytes more`);
  },
);
