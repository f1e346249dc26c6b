// Second tier: floods of files.
/** A site that brings far more than it may: the next run visits everybody, and stores a bounded part of it. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { documentName, documentsIn } from '../../../src/collector/inbox/document-files.ts';
import { allowances, documentsOf } from '../../../src/collector/inbox/origins.ts';
import { openReceiver } from '../../../src/collector/receive/receiver.ts';
import { receiveSiteFile } from '../../../src/collector/receive/receive-site-file.ts';
import type { Client } from '../../../src/config/config.ts';
import { minuteMs } from '../../../src/platform/units.ts';
import { idFrom, siteId } from '../../../src/state-folder/collector-id.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { makeClient, makeConfig, makeFleet } from '../../support/fleets/fleet.ts';
import { isWide } from '../../support/long-tests.ts';

const nowMs = Date.now();
const everyMs = 5 * minuteMs;
const site: Client = makeClient('site-1', { arrival: { kind: 'site', site: 'fra' }, labels: { site: 'fra' } });
const good = Array.from({ length: isWide ? 10 : 3 }, (_, number) => makeClient(`good-${number}`));
const clients = [...good, site];

/** Returns the text of a document with a run that began at a time, and visits of the site's only client. */
function runOf(number: number, startedAtMs: number, visits = 1): string {
  const start = runStart({ id: idFrom(String(number)), startedAtMs });
  const one = visit({ runId: start.id, client: 'site-1', startedAtMs });
  return JSON.stringify({ run: { start, end: runEnd(start) }, visits: Array<unknown>(visits).fill(one) });
}

test('runs and visits without end, of whatever times, delay no visit and store some each an interval', async () => {
  const fleet = makeFleet();
  const folder = documentsOf(statePaths(fleet.stateDir), { kind: 'site', site: 'fra' });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const put = (number: number, text: string): void =>
    writeFileSync(path.join(folder, documentName(nowMs, idFrom(String(number)))), text);
  const { maxDocuments, maxRuns } = allowances.site;
  // The times of an hour may lie in one interval more.
  const most = 25 * maxRuns;
  // 24 intervals of the last hours, many times each; many visits; times of other ages.
  for (let number = 0; number < 1.5 * maxDocuments; number += 1)
    put(number, runOf(number, nowMs - (number % 24) * everyMs));
  for (let number = 0; number < 12; number += 1) put(10_000 + number, runOf(10_000 + number, nowMs, 1000));
  writeFileSync(path.join(folder, documentName(0, idFrom('large'))), '');
  truncateSync(path.join(folder, documentName(0, idFrom('large'))), 4 * 2 ** 30);
  for (const [at, startedAtMs] of [0, 9e15, nowMs + 40 * 86_400_000].entries())
    put(20_000 + at, runOf(at, startedAtMs));
  for (const times of [1, 2, 3, 4]) {
    const { faults, succeeded } = await fleet.collect(clients);
    assert.deepEqual([faults, succeeded], [[], good.length], `run ${times}`);
    assert.ok((await fleet.count(`runs WHERE collector_id = '${siteId('fra')}'`)) <= most);
    assert.ok((await fleet.count("visits WHERE client = 'site-1'")) <= most);
    assert.equal(await fleet.count("stats WHERE client LIKE 'good-%'"), times * good.length);
    if (times === 1) assert.ok(documentsIn(folder).length >= maxDocuments / 2, 'a run takes its part alone');
  }
  assert.deepEqual(documentsIn(folder), []);
});

test('a run reads one large document of a small site, whatever it holds, and the newest run first', async () => {
  const fleet = makeFleet();
  const folder = documentsOf(statePaths(fleet.stateDir), { kind: 'site', site: 'fra' });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { maxDocumentBytes } = allowances.site;
  for (let number = 0; number < 3; number += 1) {
    const start = runStart({ id: idFrom(String(number)), startedAtMs: nowMs });
    const head = `{"run":${JSON.stringify({ start, end: runEnd(start) })},"visits":[{}`;
    const text = `${head}${',{}'.repeat((maxDocumentBytes - head.length - 2) / 3)}]}`;
    writeFileSync(path.join(folder, documentName(nowMs + number, start.id)), text);
  }
  const names = documentsIn(folder);
  for (const left of [names.slice(0, 2), names.slice(0, 1), []]) {
    assert.equal((await fleet.collect(clients)).succeeded, good.length);
    assert.deepEqual(documentsIn(folder), left);
  }
  assert.equal(await fleet.count(`runs WHERE collector_id = '${siteId('fra')}'`), 3);
});

test('reports without end, and of nobody, go to a bounded quarantine and delay no report of others', async () => {
  const fleet = makeFleet();
  const folder = path.join(statePaths(fleet.stateDir).inbox, 'site-fra', 'site-1');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (let number = 0; number < (isWide ? 5000 : 400); number += 1) {
    writeFileSync(path.join(folder, `${idFrom(String(number))}.1.-.-.-.fhs`), `garbage ${number}`);
  }
  const waiting = (): number => readdirSync(folder).filter((name) => name.endsWith('.fhs')).length;
  const stored: number[] = [];
  let before = Infinity;
  while (waiting() > 0) {
    assert.ok(waiting() < before, 'each run takes its part');
    before = waiting();
    const { faults, succeeded, reports } = await fleet.collect(clients);
    assert.deepEqual([faults, succeeded], [[], good.length]);
    stored.push(reports.stored);
  }
  // The first run takes inventories and states too.
  assert.deepEqual(
    stored,
    stored.map((_, run) => (run === 0 ? 3 : 1) * good.length),
  );
  const { setAside } = statePaths(fleet.stateDir);
  const kept = readdirSync(path.join(setAside, 'site-fra', 'site-1')).filter((name) => name.endsWith('.fhs'));
  assert.equal(kept.length, 20);
});

test('a site fills its own part of the disk, and no part of others', async () => {
  const fleet = makeFleet();
  const other = makeClient('other-1', { arrival: { kind: 'site', site: 'ber' }, labels: { site: 'ber' } });
  const config = makeConfig(fleet.stateDir, [...clients, other], { spoolBytes: 1024 * 1024 });
  const receiver = await openReceiver(config, nowMs);
  const put = (number: number, bytes: number, of = 'fra'): Promise<string | null> =>
    receiveSiteFile({
      ...{ receiver, config, site: of, folder: 'collector', name: documentName(nowMs, idFrom(String(number))) },
      body: Buffer.alloc(bytes, ' '),
    });
  const part = allowances.site.maxBytes / 16;
  for (let number = 0; number < 16; number += 1) assert.equal(await put(number, part), null);
  await assert.rejects(put(17, 1), {
    code: 'spool-full',
    message: /^site fra: 33554432 bytes of its visits and runs wait/,
  });
  // The receiver is opened anew every ten seconds.
  const again = await openReceiver(config, nowMs);
  await assert.rejects(
    receiveSiteFile({
      receiver: again,
      config,
      site: 'fra',
      folder: 'collector',
      name: documentName(1, idFrom('x')),
      body: Buffer.alloc(1),
    }),
    { code: 'spool-full' },
  );
  assert.equal(await put(18, 100, 'ber'), null);
});

test('a site names no folder but its own, and no file but reports and documents', async () => {
  const fleet = makeFleet();
  const config = makeConfig(fleet.stateDir, clients);
  const receiver = await openReceiver(config, nowMs);
  const report = `${idFrom('r')}.1.-.-.-.fhs`;
  const document = documentName(nowMs, idFrom('d'));
  for (const [folder, name] of [
    ['good-1', report],
    ['..', report],
    ['site-1', `../${report}`],
    ['site-1', document],
    ['collector', 'x.json'],
    ['collector', `.${document}.open`],
    ['events', document],
    ['site-1', 'quarantine'],
  ] as const) {
    const refusal = await receiveSiteFile({ receiver, config, site: 'fra', folder, name, body: Buffer.from('x') });
    assert.match(refusal ?? '', /config\.xml does not give|is the name of no report/, `${folder} ${name}`);
  }
  assert.equal(existsSync(statePaths(fleet.stateDir).inbox), false, 'nothing was written');
});
