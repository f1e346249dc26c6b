import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { loadConfig } from '../../../src/config/load-config.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { runEnd, runStart } from '../../storage/support/samples.ts';
import { alertFolder, firing } from '../support/stored-alerts.ts';

const config = `<config><alerts><mail to="ops@example.org"/></alerts><client name="web-1" ip="192.0.2.1"/></config>`;

test('a collector is forgotten: its alert ends, its runs are nobody’s, and visits keep their runs', async (t) => {
  const silent = firing({ client: '', rule: 'collector-silent', subject: 'c0ffee' });
  const { dir, run, store } = await alertFolder(t, { config, alerts: [silent] });
  const storage = await openStorage({
    storage: loadConfig({ file: path.join(dir, 'config.xml') }).storage,
    migrate: false,
  });
  const start = runStart({ collectorId: 'c0ffee', startedAtMs: Date.now() - 3_600_000 });
  await storage.reports.endRun(start, runEnd(start));
  await storage.close();

  const wrong = await run('forget', 'collector', 'coffee');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /no collector coffee in the database; did you mean "c0ffee"\?/);
  const forgotten = await run('forget', 'collector', 'c0ffee');
  assert.deepEqual([forgotten.status, forgotten.stderr], [0, '']);
  assert.match(forgotten.stdout, /^Collector c0ffee is forgotten/);
  const { alerts, runs } = await store(async (alerts) => ({
    alerts: await alerts.alertsOf({ openOnly: false, limit: 10 }),
    runs: await alerts.runs('collect', 0),
  }));
  assert.deepEqual(
    alerts.map(({ state, closedReason, closedOut }) => [state, closedReason, closedOut]),
    [['resolved', 'forgotten', false]],
  );
  assert.deepEqual(
    runs.map(({ id, collectorId }) => [id, collectorId]),
    [[start.id, '']],
  );
  assert.equal((await run('forget', 'collector', 'c0ffee')).status, 2);
});

test('the first characters of a collector’s id are enough, if they are of one alone', async (t) => {
  const { dir, run } = await alertFolder(t, { config });
  const storage = await openStorage({
    storage: loadConfig({ file: path.join(dir, 'config.xml') }).storage,
    migrate: false,
  });
  for (const collectorId of ['01fcd37f-0c75', '01fcd37f-9999', 'ab34ef00-0c75']) {
    const start = runStart({ id: collectorId, collectorId, startedAtMs: Date.now() - 3_600_000 });
    await storage.reports.endRun(start, runEnd(start));
  }
  await storage.close();
  const several = await run('forget', 'collector', '01fcd37f');
  assert.equal(several.status, 2);
  assert.match(several.stderr, /01fcd37f is the beginning of several collectors' ids .* 01fcd37f-0c75, 01fcd37f-9999/);
  assert.match((await run('forget', 'collector', 'ab34')).stdout, /^Collector ab34ef00-0c75 is forgotten/);
});
