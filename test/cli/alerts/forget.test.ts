import assert from 'node:assert/strict';
import { test } from 'node:test';

import { alertFolder, firing } from '../support/stored-alerts.ts';
import { pluckAll } from '../../support/pluck.ts';

const config = `<config><alerts><mail to="ops@example.org"/></alerts><client name="web-1" ip="192.0.2.1"/></config>`;

test('a collector is forgotten: its alert ends, its runs are nobody’s, and visits keep their runs', async (t) => {
  const silent = firing({ client: '', rule: 'collector-silent', subject: 'c0ffee' });
  const { said, refused, store, ran } = await alertFolder(t, { config, alerts: [silent] });
  const run = await ran({ collectorId: 'c0ffee', startedAtMs: Date.now() - 3_600_000 });
  await refused(['forget', 'collector', 'coffee'], /no collector coffee in the database; did you mean "c0ffee"\?/);
  assert.match(await said('forget', 'collector', 'c0ffee'), /^Collector c0ffee is forgotten/);
  const { alerts, runs } = await store(async (storage) => ({
    alerts: await storage.alertHistory.alertsOf({ openOnly: false, limit: 10 }),
    runs: await storage.fleet.runs('collect', 0),
  }));
  assert.deepEqual(pluckAll(alerts, 'state', 'closedReason', 'closedOut'), [['resolved', 'forgotten', false]]);
  assert.deepEqual(pluckAll(runs, 'id', 'collectorId'), [[run, '']]);
  await refused(['forget', 'collector', 'c0ffee'], /no collector c0ffee in the database/);
});

test('the first characters of a collector’s id are enough, if they are of one alone', async (t) => {
  const { said, refused, ran } = await alertFolder(t, { config });
  for (const collectorId of ['01fcd37f-0c75', '01fcd37f-9999', 'ab34ef00-0c75']) {
    await ran({ id: collectorId, collectorId, startedAtMs: Date.now() - 3_600_000 });
  }
  const several = /01fcd37f is the beginning of several collectors' ids .* 01fcd37f-0c75, 01fcd37f-9999/;
  await refused(['forget', 'collector', '01fcd37f'], several);
  assert.match(await said('forget', 'collector', 'ab34'), /^Collector ab34ef00-0c75 is forgotten/);
});
