import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import type { SealedItem, SealedPlace } from '../../../src/storage/store/sealed-store.ts';
import { saveSealed, storedSealed } from '../../../src/storage/reports/sealed-reports.ts';
import { onEachDatabase } from '../support/databases.ts';
import { item, noonMs, runStart, visit } from '../support/samples.ts';
import { pluck, pluckAll } from '../../support/pluck.ts';

const keyA = 'a'.repeat(16);
const keyB = 'b'.repeat(16);

function sealedItem(over: Partial<SealedItem> = {}): SealedItem {
  return {
    client: 'web-1',
    reportId: randomUUID(),
    keyId: keyA,
    runId: randomUUID(),
    receivedAtMs: noonMs,
    clock: { offsetMs: -12, monotonicZeroMs: noonMs - 5000, bootId: 'boot-1' },
    sealed: Buffer.from([0, 255, 39, 92, 10, 128]),
    ...over,
  };
}

onEachDatabase('sealed reports', ({ it, own }) => {
  it('come back byte for byte, with all that opening needs', async ({ storage }) => {
    const big = Buffer.alloc(1_049_806, 0xe2);
    const items = [
      sealedItem({ receivedAtMs: noonMs + 2 }),
      sealedItem({ clock: null, client: 'WÉB-1', sealed: big }),
      sealedItem({ receivedAtMs: noonMs + 1, clock: { offsetMs: 1e300, monotonicZeroMs: -1e300, bootId: 'é' } }),
    ];
    assert.deepEqual(pluck(await storage.reports.saveSealed(items), 'kind'), ['stored', 'stored', 'stored']);
    const places = await storage.sealed.waiting('unseen', null, 10);
    const rows = await storage.sealed.read(places.map(({ id }) => id));
    assert.deepEqual(pluckAll(rows, 'client', 'receivedAtMs', 'clock'), [
      ['WÉB-1', noonMs, null],
      ['web-1', noonMs + 1, { offsetMs: 9e15, monotonicZeroMs: -9e15, bootId: null }],
      ['web-1', noonMs + 2, items[0]?.clock],
    ]);
    assert.ok(Buffer.from(rows[0]?.sealed ?? []).equals(big));
    assert.deepEqual([...(rows[2]?.sealed ?? [])], [0, 255, 39, 92, 10, 128]);
    assert.deepEqual(
      { reportId: rows[2]?.reportId, keyId: rows[2]?.keyId, sizeBytes: places[0]?.sizeBytes },
      { reportId: items[0]?.reportId, keyId: keyA, sizeBytes: big.length },
    );
  });

  it('of one client may take 64 MiB until they are opened; those of others are taken all the same', async (opened) => {
    const { storage } = opened;
    const sealed = Buffer.alloc(1024 * 1024 - 1024);
    for (let turn = 0; turn < 8; turn++) {
      await storage.reports.saveSealed(Array.from({ length: 8 }, () => sealedItem({ sealed })));
    }
    const results = await storage.reports.saveSealed([sealedItem({ sealed }), sealedItem({ client: 'good' })]);
    assert.deepEqual(pluck(results, 'kind'), ['refused', 'stored']);
    assert.match(JSON.stringify(results[0]), /64 MiB of its client's reports wait to be opened/);
    const [oldest] = await storage.sealed.waiting('unseen', null, 1);
    await storage.sealed.remove(oldest === undefined ? [] : [oldest.id]);
    const [again] = await storage.reports.saveSealed([sealedItem({ sealed })]);
    assert.equal(again?.kind, 'stored');
  });

  it('of a client that brings at most 64 KiB a run are not counted', async ({ storage, database, rows }) => {
    await storage.reports.saveSealed([sealedItem({ sealed: Buffer.alloc(10) })]);
    const fill = (bytes: number): Promise<number> =>
      database.write((session) => session.run('UPDATE sealed_reports SET sealed_bytes = ?', [bytes - 1024]));
    const limit = 64 * 1024 * 1024;
    const free = 64 * 1024;
    const bring = async (...sizes: readonly number[]): Promise<readonly unknown[]> => {
      const before = (await rows('SELECT MAX(id) FROM sealed_reports')).flat();
      const items = sizes.map((bytes) => sealedItem({ sealed: Buffer.alloc(bytes) }));
      const kinds = pluck(await saveSealed(database, items, new Map()), 'kind');
      await database.write((session) => session.run('DELETE FROM sealed_reports WHERE id > ?', [Number(before[0])]));
      return kinds;
    };
    await fill(limit);
    assert.deepEqual(await bring(free), ['stored']);
    assert.deepEqual(await bring(free + 1), ['refused']);
    assert.deepEqual(await bring(free, 1), ['refused', 'refused']);
    // The reports of one batch add up, with the overhead of their rows.
    await fill(limit - 2 * (free + 1024));
    assert.deepEqual(await bring(free, free), ['stored', 'stored']);
    assert.deepEqual(await bring(free, free, 1), ['stored', 'stored', 'refused']);
  });

  it('are named by boots of up to 64 printable characters', async ({ storage }) => {
    for (const [bootId, kept] of [
      ['b'.repeat(64), true],
      ['b'.repeat(65), false],
      ['', false],
      [' ~', true],
      ['a\tb', false],
    ] as const) {
      await storage.reports.saveSealed([sealedItem({ clock: { offsetMs: 0.5, monotonicZeroMs: -0.4, bootId } })]);
      const [place] = await storage.sealed.waiting('unseen', null, 1);
      const [row] = await storage.sealed.read([place?.id ?? 0, 12_345]);
      assert.deepEqual(row?.clock, { offsetMs: 1, monotonicZeroMs: 0, bootId: kept ? bootId : null }, bootId);
      await storage.sealed.remove([row.id]);
    }
  });

  it('that wait for a key too long are removed, however many', async ({ storage, rows }) => {
    await storage.reports.saveSealed(Array.from({ length: 202 }, () => sealedItem()));
    const ids = pluck(await storage.sealed.waiting('unseen', null, 201), 'id');
    await storage.sealed.mark(ids, 'seal-no-key', 'x'.repeat(2000));
    assert.deepEqual(await rows('SELECT DISTINCT LENGTH(message) FROM sealed_reports WHERE code IS NOT NULL'), [
      [1000],
    ]);
    assert.equal(await storage.sealed.removeKeyless(noonMs + 1, 0), 201);
    assert.deepEqual(await rows('SELECT code FROM sealed_reports'), [[null]]);
  });

  it('are known by their ids, sealed or opened, and nobody takes the id of another', async ({ reports, sealed }) => {
    const stored = item({ client: 'web-1' });
    const inventory = item({ client: 'web-1', name: 'Inventory report' });
    await reports.ingest([stored, inventory]);
    const first = sealedItem();
    await reports.saveSealed([first]);
    const results = await reports.saveSealed([
      first,
      { ...first, client: 'web-2' },
      sealedItem({ reportId: stored.report.report_id }),
      sealedItem({ reportId: inventory.report.report_id }),
      sealedItem({ reportId: stored.report.report_id, client: 'web-2' }),
      sealedItem({ reportId: 'ffffffff-0000-4000-8000-000000000000' }),
      sealedItem({ reportId: 'ffffffff-0000-4000-8000-000000000000' }),
    ]);
    const kinds = 'duplicate foreign duplicate duplicate foreign stored duplicate';
    assert.equal(pluck(results, 'kind').join(' '), kinds);
    assert.equal((await sealed.waiting('unseen', null, 10)).length, 2);
  });

  it('one that the database refuses does not stop the others', async ({ reports }) => {
    const bad = sealedItem({ client: own.noClient as string });
    const results = await reports.saveSealed([sealedItem(), bad, sealedItem()]);
    assert.deepEqual(pluck(results, 'kind'), ['stored', 'refused', 'stored']);
  });

  it('go in the transaction that stores what was in them, and only then', async ({ reports, sealed }) => {
    const [one, two, three] = [item(), item(), item()];
    await reports.ingest([two]);
    await reports.saveSealed([one, three].map(({ report }) => sealedItem({ reportId: report.report_id })));
    await reports.saveSealed([sealedItem({ client: 'web-9' })]);
    const [a, b, other] = await sealed.waiting('unseen', null, 10);
    const results = await reports.ingest([
      { ...one, sealedRow: a?.id ?? 0 },
      { ...two, client: 'web-2', sealedRow: other?.id ?? 0 },
      { ...three, receivedAtMs: NaN, sealedRow: b?.id ?? 0 },
    ]);
    assert.deepEqual(pluck(results, 'kind'), ['stored', 'foreign', 'refused']);
    assert.deepEqual(pluck(await sealed.waiting('unseen', null, 10), 'id'), [b?.id, other?.id]);
    assert.deepEqual(await reports.ingest([{ ...one, sealedRow: b?.id ?? 0 }]), [{ kind: 'duplicate' }]);
    assert.equal((await sealed.waiting('unseen', null, 10)).length, 1);
  });

  it('are handed out oldest first, page by page; those that wait for a key only with it', async (opened) => {
    const { reports, sealed } = opened;
    const times = [5, 3, 3, 1, 4];
    await reports.saveSealed(
      times.map((time, index) => sealedItem({ receivedAtMs: noonMs + time, keyId: index === 0 ? keyB : keyA })),
    );
    const seen: number[] = [];
    let after: SealedPlace | null = null;
    for (;;) {
      const page: readonly SealedPlace[] = await sealed.waiting('unseen', after, 2);
      seen.push(...page.map(({ receivedAtMs }) => receivedAtMs - noonMs));
      after = page.at(-1) ?? null;
      if (after === null) break;
    }
    assert.deepEqual(seen, [1, 3, 3, 4, 5]);
    const all = await sealed.waiting('unseen', null, 10);
    const newest = all.at(-1)?.id ?? 0;
    await sealed.mark([newest], 'seal-no-key', 'x'.repeat(2000));
    assert.equal((await sealed.waiting('unseen', null, 10)).length, 4);
    assert.deepEqual(await sealed.waiting({ keyIds: [] }, null, 10), []);
    assert.deepEqual(await sealed.waiting({ keyIds: [keyA] }, null, 10), []);
    const marked = await sealed.waiting({ keyIds: [keyA, keyB] }, null, 10);
    assert.deepEqual(pluck(marked, 'id'), [newest]);
    assert.equal(await sealed.removeKeyless(noonMs + 105, 100), 0);
    assert.equal(await sealed.removeKeyless(noonMs + 106, 100), 1);
    await sealed.remove(all.map(({ id }) => id));
    assert.deepEqual(await sealed.summary(), []);
  });

  it('are summed up by key and reason, timed by the clock of the database, and count as reports', async (opened) => {
    const { storage, reports, sealed } = opened;
    const before = await storage.nowMs();
    await reports.saveVisits(['a', 'b'].map((client) => visit({ client, startedAtMs: noonMs })));
    await reports.saveSealed([
      sealedItem({ client: 'a', receivedAtMs: noonMs + 7 }),
      sealedItem({ client: 'a', receivedAtMs: noonMs + 9 }),
      sealedItem({ client: 'b', keyId: keyB }),
    ]);
    const [, , third] = await sealed.waiting('unseen', null, 3);
    await sealed.mark([third?.id ?? 0], 'seal-no-key', 'why');
    const summary = await storage.fleet.sealedWaiting();
    const shown = summary.map(({ keyId, code, reports: count, clients }) => [keyId, code, count, clients]);
    assert.deepEqual(shown, [
      [keyA, null, 1, 1],
      [keyA, 'seal-no-key', 1, 1],
      [keyB, null, 1, 1],
    ]);
    for (const { sinceMs } of summary) assert.ok(sinceMs >= before - 1000 && sinceMs <= Date.now() + 60_000);
    const seen = pluckAll(await storage.fleet.seenClients(), 'name', 'lastReportAtMs').map(String);
    assert.deepEqual(seen, [`a,${noonMs + 9}`, `b,${noonMs}`]);
  });

  it('the newest good visit says to which keys its client may hold reports', async (opened) => {
    const { reports, sealed } = opened;
    const save = async (minute: number, over: Parameters<typeof visit>[0]) => {
      const runId = runStart().id;
      await reports.saveVisits([visit({ runId, client: 'a', startedAtMs: noonMs + minute * 60_000, ...over })]);
      return (await sealed.useOf(keyA)).clients.get('a');
    };
    assert.equal(await save(0, { reader: null, ok: false }), undefined);
    assert.equal(await save(1, {}), null);
    assert.deepEqual(await save(2, { sealedTo: [keyA, keyB] }), [keyA, keyB]);
    assert.deepEqual(await save(3, { ok: false, sealedTo: null }), [keyA, keyB]);
    // Other waiting reports may be sealed to keyA as well.
    assert.equal(await save(4, { sealedTo: null }), null);
    assert.deepEqual(await save(5, { sealedTo: [keyB] }), [keyB]);
    const many = Array.from({ length: 40 }, (_, index) => index.toString(16).padStart(16, '0'));
    assert.equal((await save(6, { sealedTo: many }))?.length, 15);
    await reports.saveSealed([sealedItem(), sealedItem({ keyId: keyB })]);
    assert.equal((await sealed.useOf(keyA)).waiting, 1);
  });
});

test('a sealed row that another program wrote is read as far as its values have the right form', () => {
  const row = { id: 7, client: 'web-1', report_id: 'r', key_id: 'k', received_at: '2026-11-20 10:00:00.000' };
  const clock = { clock_offset_ms: 5, monotonic_zero_ms: 9, boot_id: 'boot-1' };
  const sealed = new Uint8Array([1, 2]);
  const read = { id: 7, client: 'web-1', reportId: 'r', keyId: 'k', receivedAtMs: noonMs };
  const clockRead = { offsetMs: 5, monotonicZeroMs: 9, bootId: 'boot-1' };
  assert.deepEqual(storedSealed({ ...row, ...clock, sealed }), { ...read, clock: clockRead, sealed });
  const clockOf = (over: object): unknown => storedSealed({ ...row, ...clock, sealed, ...over }).clock;
  assert.equal(clockOf({ clock_offset_ms: null }), null);
  assert.equal(clockOf({ monotonic_zero_ms: null }), null);
  assert.deepEqual(clockOf({ boot_id: null }), { ...clockRead, bootId: null });
  const odd = storedSealed({ ...row, ...clock, received_at: 'long ago', sealed: 'text' });
  assert.deepEqual([odd.receivedAtMs, odd.sealed.length], [0, 0]);
});
