import assert from 'node:assert/strict';

import { onEachDatabase } from '../support/databases.ts';
import { runStart, visit } from '../support/samples.ts';

const sql = 'SELECT client, name, value FROM client_labels ORDER BY client, name';

onEachDatabase('labels of clients', ({ it }) => {
  it('are what config.xml says now, and those of clients that it lacks stay', async ({ reports, rows }) => {
    const [one, other] = [{ role: 'web', site: 'ber' }, { site: 'ham' }];
    await reports.saveLabels([
      { name: 'web-1', labels: one },
      { name: 'left', labels: other },
      { name: 'bare', labels: {} },
    ]);
    const first = [
      ['left', 'site', 'ham'],
      ['web-1', 'role', 'web'],
      ['web-1', 'site', 'ber'],
    ];
    assert.deepEqual(await rows(sql), first);
    await reports.saveLabels([{ name: 'web-1', labels: one }]);
    assert.deepEqual(await rows(sql), first);
    await reports.saveLabels([
      { name: 'web-1', labels: { site: "o'Hara 😀" } },
      { name: 'bare', labels: { tier: '1' } },
    ]);
    assert.deepEqual(await rows(sql), [
      ['bare', 'tier', '1'],
      ['left', 'site', 'ham'],
      ['web-1', 'site', "o'Hara 😀"],
    ]);
    await reports.saveLabels([{ name: 'web-1', labels: {} }]);
    assert.deepEqual(await rows(sql), [
      ['bare', 'tier', '1'],
      ['left', 'site', 'ham'],
    ]);
  });

  it('of a client with a new name are those that config.xml gives the new one', async ({
    reports,
    retention,
    rows,
  }) => {
    await reports.saveVisits([visit({ client: 'old', runId: runStart().id })]);
    await reports.saveLabels([{ name: 'old', labels: { site: 'ber' } }]);
    await retention.renameClient('old', 'new');
    await reports.saveLabels([{ name: 'new', labels: { site: 'ham' } }]);
    assert.deepEqual(await rows(sql), [['new', 'site', 'ham']]);
  });
});
