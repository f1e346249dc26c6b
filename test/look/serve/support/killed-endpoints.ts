/** Servers that take events and are killed repeatedly. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { openEndpoint } from './event-endpoints.ts';

export interface KilledEndpoints {
  /** The folder with config.xml. */
  readonly dir: string;
  /** The least number of events that must be acknowledged before the end. */
  readonly wanted: number;
  /** The number of concurrent senders. */
  readonly posters: number;
  /** The longest life of a server. */
  readonly longestMs: number;
  /** Returns the descriptions of the stored events. */
  readonly stored: () => Promise<readonly string[]>;
}

/** Asserts that no acknowledged event is missing or stored twice, wherever the server is killed. */
export async function assertNoneLost(t: TestContext, options: KilledEndpoints): Promise<void> {
  const { dir, wanted, longestMs, stored } = options;
  const acknowledged = new Set<string>();
  let sent = 0;
  let kills = 0;
  while (acknowledged.size < wanted || kills < 5) {
    const endpoint = await openEndpoint(t, {}, dir);
    let killed = false;
    const poster = async (): Promise<void> => {
      while (!killed) {
        const name = `event-${(sent += 1)}`;
        // Every other event has an id, and is sent twice, as after an answer that was lost.
        const own = { service: 'backup', status: 'OK', description: name, ...(sent % 2 === 0 ? { id: name } : {}) };
        const again = sent % 2 === 0 ? [{ source: 's', events: [own] }] : [];
        for (const body of [own, ...again]) {
          const answer = await endpoint.post(JSON.stringify(body)).catch(() => null);
          if (answer?.status === 200) acknowledged.add(name);
        }
      }
    };
    const posters = Array.from({ length: options.posters }, poster);
    await sleep(100 + Math.random() * longestMs);
    await endpoint.end('SIGKILL');
    kills += 1;
    killed = true;
    await Promise.all(posters);
  }
  const last = await openEndpoint(t, {}, dir);
  await last.post(JSON.stringify({ service: 'backup', status: 'OK', description: 'last' }));
  const endMs = performance.now() + 20_000;
  while (!(await stored()).includes('last')) {
    assert.ok(performance.now() < endMs, 'the last event is a row');
    await sleep(20);
  }
  const rows = await stored();
  const there = new Set(rows);
  t.diagnostic(`${acknowledged.size} events acknowledged, ${rows.length} rows, ${kills} kills`);
  assert.deepEqual(
    [...acknowledged].filter((name) => !there.has(name)),
    [],
  );
  assert.equal(there.size, rows.length);
}
