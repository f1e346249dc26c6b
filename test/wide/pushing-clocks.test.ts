/** Clients that push with wrong clocks: the built programs, the client's under libfaketime. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { openSqlite } from '../../src/platform/sqlite.ts';
import { collector } from '../look/serve/support/pushing-collector.ts';
import { fakedClock, skipWithoutFaketime } from '../support/programs/faketime.ts';
import { namesBelow } from '../support/names-below.ts';
import { agentProgram, exits, runCli, succeeded } from '../support/programs/run-cli.ts';
import { startTcpProxy } from '../support/servers/tcp-proxy.ts';

const minuteMs = 60_000;
const dayMs = 1440 * minuteMs;
const slackMs = 1000;

interface Leap {
  readonly what: string;
  /** The days by which the clock is ahead during a push that the collector does not receive. */
  readonly kept: number;
  /** The days by which it is ahead at the beginning of the next push. */
  readonly sent: number;
  /** The days by which it is ahead from the first connection of that push on. */
  readonly connected: number;
}

const leaps: readonly Leap[] = [
  { what: 'a year ahead', kept: 365, sent: 365, connected: 365 },
  { what: 'a year behind', kept: -365, sent: -365, connected: -365 },
  { what: 'a year ahead, and then set right', kept: 365, sent: 0, connected: 0 },
  { what: 'a year behind, and then set right', kept: -365, sent: 0, connected: 0 },
  { what: 'right, and set a year ahead during a push', kept: 0, sent: 0, connected: 365 },
  { what: 'right, and set a year back during a push', kept: 0, sent: 0, connected: -365 },
];

type Site = Awaited<ReturnType<typeof collector>>;

/**
 * Puts an agent on a machine whose clock leaps when its first connection arrives at the collector. Returns its push,
 * its clock, and a function that makes the collector reachable.
 */
async function laptop(t: TestContext, site: Site, { kept, sent, connected }: Leap) {
  const { dir, port, agent } = site;
  const place = path.join(dir, 'agent');
  mkdirSync(place, { mode: 0o700 });
  const clock = fakedClock(dir);
  const ahead = (days: number): void => clock.set(`${days < 0 ? '' : '+'}${days}d`);
  let isAway = true;
  const relay = (near: Socket, far: Socket): void => {
    ahead(connected);
    near.pipe(far).pipe(near);
  };
  const way = await startTcpProxy(port, relay, { host: '127.0.0.1', refuses: () => isAway });
  t.after(() => way.close());
  const file = path.join(dir, 'agent.json');
  const push = { to: `http://127.0.0.1:${way.port}/`, every: '5m' };
  writeFileSync(file, JSON.stringify({ ...agent, push, changes: 'no', state_directory: place }), { mode: 0o600 });
  // Runs as from cron, without --once: the pause after the failed push was set by a clock that has since changed.
  const once = kept === sent ? ['--once'] : [];
  const pushed = () => runCli(['-c', file, 'push', ...once], { program: agentProgram, env: clock.env });
  return { place, ahead, pushed, reach: () => (isAway = false) };
}

/** Requires that both reports are stored with the collector's time, and with the client's own time and offset. */
function assertStored(t: TestContext, dir: string, beganMs: number, { kept, sent }: Leap): void {
  const database = openSqlite(path.join(dir, 'state', 'fleet.db'), { readOnly: true });
  t.after(() => database.close());
  const all = (sql: string): readonly Readonly<Record<string, unknown>>[] => database.prepare(sql).all();
  const rows = all('SELECT observed_at, collected_at, clock_offset_ms FROM stats ORDER BY observed_at');
  assert.equal(rows.length, 2);
  assert.equal(all('SELECT report_id FROM inventory_reports').length, 1);
  const times = rows.map((row) => ({
    observedMs: Date.parse(`${String(row['observed_at'])}Z`),
    collectedMs: Date.parse(`${String(row['collected_at'])}Z`),
    offsetMs: Number(row['clock_offset_ms']),
  }));
  const [first, second] = times;
  assert.ok(first && second);
  // A stream counts as sent when it arrives.
  for (const { observedMs } of times) {
    assert.ok(observedMs > beganMs - slackMs && observedMs <= Date.now(), JSON.stringify(times));
  }
  // The client's own time is stored beside the observed one. The offset is that of the stream with the report.
  for (const [{ observedMs, collectedMs, offsetMs }, days] of [
    [first, kept],
    [second, sent],
  ] as const) {
    assert.ok(Math.abs(collectedMs - observedMs - days * dayMs) < minuteMs, JSON.stringify(times));
    assert.ok(Math.abs(offsetMs - sent * dayMs) < minuteMs, JSON.stringify(times));
  }
}

for (const leap of leaps) {
  const options = { skip: skipWithoutFaketime, timeout: 120_000 };
  test(`reports of a clock that is ${leap.what} arrive and have the right time`, options, async (t) => {
    const site = await collector(t);
    const { place, ahead, pushed, reach } = await laptop(t, site, leap);
    const beganMs = Date.now();

    ahead(leap.kept);
    await exits(1, pushed(), /1 report is kept \(push-failed\)/);
    reach();
    ahead(leap.sent);
    assert.equal(await succeeded(pushed()), '3 reports sent\n', 'the kept one, its own and the inventory');
    assert.deepEqual(namesBelow(place, '.fhs'), [], 'all are acknowledged');

    await succeeded(site.run('collect', 'laptop-1'));
    assert.deepEqual(site.sealedFiles(), []);
    assertStored(t, site.dir, beganMs, leap);
  });
}
