// Second tier: floods for seconds.
/** Clients and bastions that flood, four at a time beside 30 good clients, in runs of the built program. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';

import type { ReportServerOptions } from '../support/fleets/report-server.ts';
import { loadKeyRing } from '../../src/collector/keys/key-ring.ts';
import { maxFilesOfClient } from '../../src/collector/sealed-reports/spool-bound.ts';
import { secondMs } from '../../src/platform/units.ts';
import { statePaths } from '../../src/state-folder/paths.ts';
import { counted } from '../../src/text/numbers.ts';
import { sealedSample } from '../support/clients/sealed-report.ts';
import { captureAtBounds } from '../support/clients/large-captures.ts';
import {
  collectAmong,
  collectTimesAmong,
  startPeers,
  type AmongOptions,
  type AmongResult,
} from '../support/fleets/collect-among.ts';
import { startReportServer } from '../support/fleets/report-server.ts';
import { account } from '../support/fleets/ssh-fleet.ts';
import { stoppedAfter } from '../support/stopped-after.ts';
import { floods, type Flood, type FloodName } from '../support/ssh/floods.ts';
import { times } from '../support/times.ts';

const good = 30;
/** The limit of memory for four such clients, in MiB; see ARCHITECTURE.md. */
const maxMiB = 64 + 4 * 12;

const named = Object.entries(floods) as [FloodName, Flood][];
const fours = times(Math.ceil(named.length / 4), (number) => named.slice(number * 4, number * 4 + 4));

describe(`four floods beside ${good} good clients`, () => {
  let usual: AmongResult;
  it('without floods: the measure for the others', async (t) => {
    usual = await collectAmong(t, { peers: [], good });
    const unusual = usual.good.filter(({ ok }) => !ok);
    assert.deepEqual(unusual, []);
  });

  const evaluate = (t: TestContext, result: AmongResult, four: readonly (readonly [FloodName, Flood])[]): void => {
    const slowest = Math.max(...result.good.map(({ duration_ms: ms }) => ms));
    const more = result.peakMiB - usual.peakMiB;
    t.diagnostic(
      `${result.tookMs} ms (usual ${usual.tookMs}), the slowest good one ${slowest} ms, ` +
        `${more} MiB more than ${usual.peakMiB}`,
    );
    const failed = result.good.filter(({ ok }) => !ok);
    assert.deepEqual(failed, []);
    assert.equal(result.good.length, good);
    for (const [number, [name, { ends }]] of four.entries()) {
      const { ok, code, message } = result.hostile[number] ?? { ok: true, code: null, message: null };
      assert.equal(ok, false, name);
      assert.match(`${code} ${message}`, ends, name);
    }
    assert.ok(more <= maxMiB, `${more} MiB more than without them`);
  };
  const run = async (
    t: TestContext,
    four: readonly (readonly [FloodName, Flood])[],
    more: Partial<AmongOptions> = {},
  ): Promise<void> => {
    const peers = await startPeers(
      t,
      'flooding-peers.ts',
      four.map(([name]) => name),
    );
    const isBastion = (number: number): boolean => four[number]?.[1].stage === 'bastion';
    const ssh = 'privateKey="key"';
    evaluate(t, await collectAmong(t, { peers, good, isBastion, ssh, collector: 'pipelining="no"', ...more }), four);
  };

  for (const four of fours) {
    it(`${four.map(([name]) => name).join(', ')}: all good clients are visited, and the memory is bounded`, async (t) => {
      await run(t, four);
    });
  }

  for (const [what, name] of [
    ['requests before the login, where a login does not wait for answers', 'requests before the login'],
    ['keys that would be taken, where a login does not wait for answers', 'keys that would be taken'],
  ] as const) {
    it(`${what}: all good clients are visited`, async (t) => {
      const flood = { ...floods[name], ends: /^connect-failed |^handshake-(?:failed|closed) / };
      await run(
        t,
        times(4, () => [name, flood] as const),
        { collector: '' },
      );
    });
  }

  it('four that flood behind a good bastion: all good clients are visited', async (t) => {
    const names = ['requests in a session', 'forwarded connections before the login', 'output', 'IGNORE'] as const;
    const [through] = await startPeers(t, 'flooding-peers.ts', ['none']);
    assert.ok(through);
    await run(
      t,
      names.map((name) => [name, floods[name]] as const),
      { through },
    );
  });
});

/** Returns how a client without Node answers whose capture is this one. */
const capturing = (capture: Buffer): Partial<ReportServerOptions> => ({
  reports: () => [],
  hello: () => ({ reader: 'shell' }),
  bytes: ({ marker }) => Buffer.concat([Buffer.from('U'), capture, Buffer.from(marker, 'base64url')]),
});

test('thirty clients without Node that cost much delay no other of the next run, and fail none', async (t) => {
  const options = {
    ...{ good: 10, ssh: 'privateKey="key" unsealed="allow"' },
    answers: capturing(Buffer.from('proc/uptime:77.50 1.00\n=place /x\n=end 1|2|3|\n')),
  };
  const usual = await collectAmong(t, { ...options, peers: [] });
  const dear = { ...account, ...capturing(gzipSync(captureAtBounds(1024 * 1024))) };
  const server = await stoppedAfter(startReportServer(dear));
  const peers = times(30, () => ({ port: server.port, key: server.hostKeyLine('x').replace(/^\S+ /, '') }));
  const runs = await collectTimesAmong(t, { ...options, peers }, 2);
  for (const { good: visits, hostile, tookMs, firstGoodMs } of [usual, ...runs]) {
    const slowest = Math.max(...visits.map(({ duration_ms: ms }) => ms));
    const failed = hostile.filter(({ ok }) => !ok).length;
    t.diagnostic(`${tookMs} ms, the first good visit after ${firstGoodMs}, the slowest ${slowest}; ${failed} failed`);
  }
  for (const { good: visits } of [usual, ...runs])
    assert.deepEqual(
      visits.flatMap((visit) => (visit.ok ? [] : visit)),
      [],
    );
  const [, ...next] = runs;
  for (const { firstGoodMs, good: visits } of next) {
    assert.ok(firstGoodMs <= usual.firstGoodMs + 2000, `the first visit began after ${firstGoodMs} ms`);
    const slowest = Math.max(...visits.map(({ duration_ms: ms }) => ms));
    assert.ok(slowest <= 10_000, `${slowest} ms`);
  }
});

const many = 30_000;
const sealedName = (): string => `${randomUUID()}.1790000000000.-5.7.-.fhs`;

/** Entries that a site leaves in the inbox between two runs: their folder, and the making of each. */
const left: Readonly<Record<string, readonly [folder: string, make: (folder: string) => void]>> = {
  'files of a byte named as reports': [
    'inbox/site-fra/far-1',
    (folder) => writeFileSync(path.join(folder, sealedName()), 'x'),
  ],
  'folders named as reports': ['inbox/site-fra/far-1', (folder) => mkdirSync(path.join(folder, sealedName()))],
  'empty folders': ['inbox/site-fra', (folder) => mkdirSync(path.join(folder, randomUUID()))],
  documents: [
    'inbox/site-fra/collector',
    (folder) => writeFileSync(path.join(folder, `000001790000000-${randomUUID()}.json`), '{}'),
  ],
  'names without UTF-8': [
    'inbox/site-fra/far-1',
    (folder) => writeFileSync(Buffer.concat([Buffer.from(`${folder}/\xff`, 'latin1'), Buffer.from(sealedName())]), 'x'),
  ],
};
/**
 * Asserts that a flood between the first run and the next two delays no visit of theirs by more than two seconds. What
 * the machine does beside it may delay a run, so that the best of three tries counts: a flood delays all.
 */
async function assertNoDelay(t: TestContext, elements: string, afterFirst: (state: string) => void): Promise<void> {
  const options = { peers: [], good: 3, ssh: 'privateKey="key"', elements, afterFirst };
  const delaysMs: number[] = [];
  while (delaysMs.length < 3 && !delaysMs.some((delayMs) => delayMs <= 2000)) {
    const [usual, ...next] = await collectTimesAmong(t, options, 3);
    assert.ok(usual);
    for (const { firstGoodMs, tookMs, good: visits } of [usual, ...next]) {
      t.diagnostic(`the first good visit after ${firstGoodMs} ms, the run ${tookMs} ms`);
      assert.ok(visits.length === 3 && visits.every(({ ok }) => ok));
    }
    delaysMs.push(Math.max(...next.map(({ firstGoodMs }) => firstGoodMs - usual.firstGoodMs)));
  }
  assert.ok(Math.min(...delaysMs) <= 2000, `later than usual by ${delaysMs.join(', ')} ms`);
}

for (const [what, [folder, make]] of Object.entries(left)) {
  test(`${what}, ${many} of them: the first visit of the next runs begins within two seconds of the usual`, async (t) => {
    const far = '<group transport="forward" labels="site=fra"><client name="far-[1-20]"/></group>';
    const afterFirst = (state: string): void => {
      const into = path.join(state, folder);
      mkdirSync(into, { recursive: true });
      for (let at = 0; at < many; at++) make(into);
    };
    await assertNoDelay(t, far, afterFirst);
  });
}

for (const [clients, each] of [
  [1, maxFilesOfClient],
  [40, 100],
] as const) {
  test(`${clients * each} valid reports of ${counted(clients, 'client')} that push: the first visit is not delayed`, async (t) => {
    const names = times(clients, (number) => `push-${number}`);
    const put = (state: string): void => {
      const paths = statePaths(state);
      const { sealing: key } = loadKeyRing(paths, Date.now());
      for (const client of names) {
        const folder = path.join(paths.encryptedStats, client);
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        for (let at = 0; at < each; at++) {
          const receivedAtMs = Date.now() - at * secondMs;
          const inside = { client, datetime: new Date(receivedAtMs).toISOString() };
          const { reportId, sealed } = sealedSample({ key, inside });
          writeFileSync(path.join(folder, `${reportId}.${receivedAtMs}.-.-.-.fhs`), sealed, { mode: 0o600 });
        }
      }
    };
    const elements = names.map((name) => `<client name="${name}" transport="push"/>`).join('');
    await assertNoDelay(t, elements, put);
  });
}
