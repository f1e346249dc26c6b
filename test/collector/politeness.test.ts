// Second tier: waits for visits beside each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CollectResult } from '../../src/collector/collect-options.ts';
import type { Client, CollectorConfig } from '../../src/config/config.ts';
import { FleetError } from '../../src/platform/errors/errors.ts';
import { makeClient, makeFleet } from '../support/fleets/fleet.ts';
import { startReportServer, type ReportServer, type ReportServerOptions } from '../support/fleets/report-server.ts';
import { account, makeSshFleet } from '../support/fleets/ssh-fleet.ts';
import { stoppedAfter } from '../support/stopped-after.ts';

interface Polite {
  readonly result: CollectResult;
  readonly most: ReportServer['most'];
  readonly codes: readonly (string | null)[];
}

/** Makes a run with a client for each address. All clients have the same server. */
async function collectFrom(
  addresses: readonly string[],
  options: Partial<ReportServerOptions> & { readonly collector?: Partial<CollectorConfig> } = {},
): Promise<Polite> {
  const { add, collect } = makeSshFleet();
  const server = await stoppedAfter(startReportServer({ ...account, ...options }));
  for (const [number, address] of addresses.entries()) add(`c${number}`, address, server);
  const result = await collect({ collector: { clientDeadlineMs: 120_000, ...options.collector } });
  return { result, most: server.most, codes: result.failures.map(({ code }) => code) };
}

/** Returns a function whose promises all resolve once it has been called `count` times. */
function meeting(count: number): () => Promise<void> {
  let arrived = 0;
  let open: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (open = resolve));
  return () => {
    if (++arrived >= count) open();
    return all;
  };
}

const same = (count: number): readonly string[] => Array<string>(count).fill('127.0.0.1');

test('one address sees few logins at a time, and any number of visits that are logged in', async () => {
  const { result, most } = await collectFrom(same(24), { mayAnswer: meeting(18) });
  assert.equal(result.succeeded, 24);
  assert.ok(most.startups <= 8, `${most.startups} logins at a time`);
  assert.ok(most.sessions >= 18, `${most.sessions} visits at a time`);
});

test('a subnet sees perSubnet logins at a time, and more visits', async () => {
  const rack = Array.from({ length: 12 }, (_, host) => `127.5.0.${host + 1}`);
  const { result, most } = await collectFrom(rack, { mayAnswer: meeting(9), collector: { perSubnet: 3 } });
  assert.equal(result.succeeded, 12);
  assert.ok(most.startups <= 3, `${most.startups} logins at a time`);
  assert.ok(most.sessions >= 9, `${most.sessions} visits at a time`);
});

test('a server that turns logins away for their number gets fewer, and all its clients are still visited', async () => {
  const { result, most } = await collectFrom(same(20), { maxStartups: 3 });
  assert.ok(most.rejections > 0, 'there was something to learn from');
  assert.ok(most.rejections <= 8, `${most.rejections} turned away: the lesson was not learnt`);
  assert.equal(result.succeeded, 20);
  assert.deepEqual(result.failures, []);
});

test('a server that turns everybody away is asked twice for each client and no more', async () => {
  const { result, most, codes } = await collectFrom(same(6), { maxStartups: 0 });
  assert.equal(result.failed, 6);
  assert.deepEqual([...new Set(codes)], ['sshd-rejection']);
  assert.equal(most.rejections, 12);
});

test('a rack that turns out to be dead gets less time from then on, in the first run already', async () => {
  const fleet = makeFleet();
  const rack = (subnet: string): readonly Client[] =>
    Array.from({ length: 50 }, (_, host) => makeClient(`${subnet}.${host}`, { address: `${subnet}.${host}` }));
  const asked: { readonly client: string; readonly tcpTimeoutMs: number }[] = [];
  const result = await fleet.collect([...rack('10.0.1'), ...rack('10.0.2')], {
    concurrency: 4,
    collector: { tcpTimeoutMs: 5000 },
    transportFor: ({ name }) => ({
      connect: ({ tcpTimeoutMs }) => {
        asked.push({ client: name, tcpTimeoutMs });
        const code = name.startsWith('10.0.1.') ? 'connect-timeout' : 'auth-failed';
        return Promise.reject(new FleetError({ client: name, code, stage: 'connect', message: 'no answer from it' }));
      },
    }),
  });
  assert.equal(result.failed, 100);
  const times = (subnet: string): readonly number[] =>
    asked.filter(({ client }) => client.startsWith(subnet)).map(({ tcpTimeoutMs }) => tcpTimeoutMs);
  const whole = times('10.0.1.').filter((ms) => ms === 5000).length;
  assert.ok(whole >= 8 && whole < 8 + 4, `${whole} were given the whole time`);
  assert.equal(times('10.0.1.').filter((ms) => ms === 3000).length, 50 - whole);
  assert.deepEqual(times('10.0.2.'), Array<number>(50).fill(5000));
  const lastLiving = asked.findLastIndex(({ client }) => client.startsWith('10.0.2.'));
  const deadBefore = asked.slice(0, lastLiving).filter(({ client }) => client.startsWith('10.0.1.')).length;
  assert.ok(deadBefore < 50, 'the rest of the dead is not in the way of the living');
});
