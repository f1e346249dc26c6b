/**
 * Reports in the client's spool: kept until they are acknowledged, limited in number, and independent of foreign files.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { filesBelow, keep, machine, modeOf, type Visited } from '../../support/clients/agent-visit.ts';
import { isWide } from '../../support/long-tests.ts';

const rare = { skip: isWide ? false : 'in the second tier' };

test('what was not acknowledged stays on disk, 0600, and comes again: new report first, then the oldest', async (t) => {
  const { visit, spool, clientDir } = machine(t);
  const first = await visit({ onReport: keep });
  const second = await visit({ onReport: keep });
  assert.equal(spool().length, 2);
  for (const name of spool()) assert.equal(modeOf(path.join(clientDir(), name)), 0o600);

  const third = await visit();
  const idOf = ({ reports }: Visited): string | undefined => reports[0]?.report_id;
  const ids = third.reports.map(({ report_id }) => report_id);
  assert.deepEqual(ids, [idOf(third), idOf(first), idOf(second)]);
  assert.equal(third.result.acknowledged, 3);
  assert.deepEqual(spool(), []);
});

test('a dry run acknowledges nothing', async (t) => {
  const { visit, spool } = machine(t);
  const { result } = await visit({ dryRun: true });
  assert.equal(result.fault, null);
  assert.equal(result.acknowledged, 0);
  assert.equal(spool().length, 1);
});

test('reports and counters of a former name are taken over, and its folder goes', async (t) => {
  const { visit, home } = machine(t);
  const before = await visit({ client: 'old', onReport: keep });
  const { result, received } = await visit({ client: 'new', was: 'old' });
  assert.equal(result.fault, null);
  const clients = received.map(({ header }) => header.client);
  assert.deepEqual(clients, ['new', 'old']);
  assert.equal(received[1]?.header.reportId, before.received[0]?.header.reportId);
  assert.equal(filesBelow(home).filter((file) => file.endsWith('counters.json')).length, 1);
  const spooled = filesBelow(home).filter((file) => file.endsWith('.fhs'));
  assert.deepEqual(spooled, []);
});

test('a damaged report of a former name moves with the whole ones, and the old folder goes', rare, async (t) => {
  const { visit, home } = machine(t);
  await visit({ client: 'old', onReport: keep });
  const [report = ''] = filesBelow(home).filter((file) => file.endsWith('.fhs'));
  const folder = path.dirname(path.resolve(home, report));
  writeFileSync(path.join(folder, `${Date.now()}-00000000-0000-4000-8000-000000000002.fhs`), 'garbage');
  await visit({ client: 'new', was: 'old', onReport: keep });
  assert.equal(existsSync(folder), false);
  const { received } = await visit({ client: 'new', was: 'old' });
  assert.deepEqual(
    received.map(({ header }) => header.client),
    ['new', 'old', 'new'],
  );
  assert.equal(filesBelow(home).filter((file) => file.endsWith('damaged-report')).length, 1);
});

test('damaged, foreign and strange files in the spool break nothing', async (t) => {
  const { visit, clientDir, spool } = machine(t);
  const good = await visit({ onReport: keep });
  const [name = ''] = spool();
  const content = readFileSync(path.join(clientDir(), name));
  // Recent enough to be read.
  const time = Date.now() - 60_000;
  const at = (id: string): string => path.join(clientDir(), `${time}-${id}.fhs`);
  /** Returns a file with the name of a report and the content of a whole report of that id, altered by `change`. */
  const changed = (id: string, change: (bytes: Buffer) => unknown, length = content.length): [string, Buffer] => {
    const bytes = Buffer.from(content);
    bytes.write(id.replaceAll('-', ''), 12, 'hex');
    change(bytes);
    return [at(id), bytes.subarray(0, length)];
  };
  const damaged = [
    changed('00000000-0000-4000-8000-000000000007', (bytes) => bytes.writeUInt16BE(0xffff, 28)),
    changed('00000000-0000-4000-8000-000000000008', (bytes) => bytes.writeUInt8(0xff, 30)),
    changed('00000000-0000-4000-8000-000000000009', (bytes) => bytes.writeUInt8(bytes.readUInt8(30) ^ 1, 30)),
    changed('00000000-0000-4000-8000-00000000000a', () => undefined, 40),
    [at('00000000-0000-4000-8000-000000000001'), Buffer.alloc(0)],
    [at('00000000-0000-4000-8000-000000000002'), Buffer.from('garbage')],
    [at('00000000-0000-4000-8000-000000000003'), content],
    [at('00000000-0000-4000-8000-000000000004'), Buffer.alloc(9_000_000)],
  ] as const;
  for (const [file, bytes] of damaged) writeFileSync(file, bytes);
  symlinkSync('/etc/passwd', at('00000000-0000-4000-8000-000000000005'));
  mkdirSync(at('00000000-0000-4000-8000-000000000006'));
  writeFileSync(path.join(clientDir(), '.new-2147483647'), 'left by a writer that was killed');
  writeFileSync(path.join(clientDir(), 'counters.json'), '{"bootId":');

  const { result, reports } = await visit();
  assert.equal(result.fault, null);
  const ids = reports.slice(1).map(({ report_id }) => report_id);
  assert.deepEqual(ids, [good.reports[0]?.report_id]);
  assert.deepEqual(readdirSync(clientDir()).sort(), [
    `${time}-00000000-0000-4000-8000-000000000005.fhs`,
    `${time}-00000000-0000-4000-8000-000000000006.fhs`,
    'counters.json',
    'damaged-report',
  ]);
});

test('a spool beyond its bound loses the oldest, and the next report says how many', rare, async (t) => {
  const { visit, clientDir, spool } = machine(t);
  await visit({ onReport: keep });
  const content = readFileSync(path.join(clientDir(), spool()[0] ?? ''));
  for (let n = 0; n < 3005; n += 1) {
    const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    const bytes = Buffer.from(content);
    bytes.write(id.replaceAll('-', ''), 12, 'hex');
    writeFileSync(path.join(clientDir(), `${String(Date.now() - 1_000_000 + n)}-${id}.fhs`), bytes);
  }
  const { result, received, reports } = await visit({ onReport: keep });
  assert.equal(result.fault, null);
  assert.equal(result.reports, 100);
  assert.equal(result.end?.left, 2900);
  assert.equal(spool().length, 3000);
  assert.equal(reports[0]?.agent.dropped_reports, 7);
  assert.equal(result.end.dropped, 7);
  const next = await visit({ onReport: keep });
  assert.equal(next.reports[0]?.agent.dropped_reports, 1, 'each is reported once');
  assert.equal(received[1]?.header.reportId, '00000000-0000-4000-8000-000000000007');
});

test(
  'twenty thousand spooled files cost a run no more than five thousand, and go over the next ones',
  rare,
  async (t) => {
    const { visit, clientDir, spool } = machine(t);
    await visit({ onReport: keep });
    const dir = clientDir();
    const time = Date.now() - 1_000_000;
    for (let n = 0; n < 20_000; n += 1) {
      const name = `${time + n}-00000000-0000-4000-8000-${String(n).padStart(12, '0')}.fhs`;
      writeFileSync(path.join(dir, name), '');
    }
    const { result, received, reports } = await visit({ onReport: keep });
    assert.equal(result.fault, null);
    assert.equal(received.length, 2, 'the empty ones are no reports');
    // The newest files within the limit stay. The agent reads as many of them as one visit sends.
    const dropped = 5000 - 2999;
    const damaged = 100;
    assert.equal(reports[0]?.agent.dropped_reports, dropped + damaged);
    const left = spool().length;
    assert.equal(left, 20_002 - dropped - (2999 - 1));
    await visit({ onReport: keep });
    assert.ok(spool().length < left - 1500);
  },
);

const dayMs = 86_400_000;
const ages: readonly { what: string; timesMs: (nowMs: number) => readonly number[]; dropped: number }[] = [
  {
    what: 'one a day for 35 days: those of more than 30 go',
    timesMs: (nowMs) => Array.from({ length: 35 }, (_, day) => nowMs - (day + 1) * dayMs + 60_000),
    dropped: 5,
  },
  {
    what: 'a clock that leapt by years, or was never set, makes nothing old',
    timesMs: () => [1_600_000_000_001, 1_600_000_300_000, 1_600_000_600_000, 90_000],
    dropped: 0,
  },
  { what: 'nor does one that was set back', timesMs: (nowMs) => [nowMs + 40 * dayMs, nowMs + 41 * dayMs], dropped: 0 },
];
for (const { what, timesMs, dropped } of ages) {
  test(`a spool's age: ${what}`, dropped === 0 ? rare : {}, async (t) => {
    const { visit, clientDir, spool } = machine(t);
    await visit({ onReport: keep });
    const content = readFileSync(path.join(clientDir(), spool()[0] ?? ''));
    unlinkSync(path.join(clientDir(), spool()[0] ?? ''));
    const times = timesMs(Date.now());
    for (const [n, time] of times.entries()) {
      const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
      const bytes = Buffer.from(content);
      bytes.write(id.replaceAll('-', ''), 12, 'hex');
      writeFileSync(path.join(clientDir(), `${String(time).padStart(13, '0')}-${id}.fhs`), bytes);
    }
    const { received, reports } = await visit();
    assert.equal(received.length, 1 + times.length - dropped);
    assert.equal(reports[0]?.agent.dropped_reports ?? 0, dropped);
  });
}
