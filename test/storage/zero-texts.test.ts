/** U+0000 in texts: one rule for both databases, before anything is stored. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { storableValues } from '../../src/storage/sql/storable-values.ts';
import { pluck } from '../support/pluck.ts';
import { onEachDatabase } from './support/databases.ts';
import { item, noonMs, runEnd, runStart, visit, worker } from './support/samples.ts';

const names = ['/a\0b', '/a', '/a\0c', '/a\0', '\0', 'x\0\0y'];
const stored = ['/a\ufffdb', '/a', '/a\ufffdc', '/a\ufffd', '\ufffd', 'x\ufffd\ufffdy'];

test('only U+0000 in texts is replaced, and other values stay as they are', () => {
  const bytes = Buffer.from('a\0b');
  assert.deepEqual(storableValues(['a\0b', null, 0, bytes, '', 'ä\n']), ['a\ufffdb', null, 0, bytes, '', 'ä\n']);
  const plain = ['a', 1];
  assert.equal(storableValues(plain), plain);
});

onEachDatabase('a text with U+0000', ({ it }) => {
  it('of a report is stored whole: no name ends at it, and no two become one', async ({ reports, rows }) => {
    const disks = names.map((mount) => ({ mount, fstype: 'ext4', size_bytes: 1000, used_bytes: 10 }));
    const [result] = await reports.ingest([item({ workers: [worker('disk', ...disks)] })]);
    assert.deepEqual(result, { kind: 'stored' });
    assert.deepEqual((await rows('SELECT mount FROM disk_stats ORDER BY ordinal')).flat(), stored);
  });

  it('of an event, a visit and a run is stored whole', async ({ events, reports, rows }) => {
    const event = { receivedAtMs: noonMs, host: 'h', instance: '', status: 'OK', description: 'd', tags: [] } as const;
    await events.saveEvents(
      names.map((service, index) => ({ ...event, eventId: `${index}`, service, value: null, ttl: null, raw: null })),
    );
    assert.deepEqual(pluck(await events.unprocessedEvents(10), 'service'), stored);
    const start = runStart({ host: 'mon\0-1' });
    await reports.endRun(start, runEnd(start));
    const visits = names.map((client) => visit({ runId: start.id, client, message: `no\0 ${client}`, ok: false }));
    await reports.saveVisits(visits);
    assert.deepEqual((await rows('SELECT client FROM visits ORDER BY id')).flat(), stored);
    assert.deepEqual((await rows('SELECT message FROM visits ORDER BY id LIMIT 1')).flat(), ['no\ufffd /a\ufffdb']);
    assert.deepEqual((await rows('SELECT host FROM runs')).flat(), ['mon\ufffd-1']);
  });
});
