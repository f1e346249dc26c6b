import assert from 'node:assert/strict';

import { alert } from '../support/alert-samples.ts';
import { onBothDatabases } from '../support/databases.ts';
import { item, noonMs, runEnd, runStart, worker } from '../support/samples.ts';

onBothDatabases('a collector that is no more', ({ it }) => {
  it('leaves its runs to nobody and its alerts ended, and an alerter at work begins anew', async (opened) => {
    const { alerts, reports, retention } = opened;
    for (const collectorId of ['old', 'new']) {
      const start = runStart({ collectorId });
      await reports.endRun(start, runEnd(start));
    }
    const lease = await alerts.takeLease('alerter', 'pass-1');
    assert.ok(lease !== null);
    const silent = alert({ client: '', rule: 'collector-silent', subject: 'old' });
    const some = [silent, { ...silent, subject: 'new' }, { ...silent, client: 'web-1', rule: 'disk' }];
    await alerts.saveProcessed(lease, { statIds: [], visitIds: [], alerts: some, ruleStates: new Map() });

    assert.equal(await retention.forgetCollector('old'), true);
    const runs = await alerts.runs('collect', 0);
    assert.deepEqual(runs.map(({ collectorId }) => collectorId).sort(), ['', 'new']);
    const stored = await alerts.alertsOf({ openOnly: false, limit: 10 });
    assert.deepEqual(stored.map(({ client, subject, closedReason }) => `${client} ${subject} ${closedReason}`).sort(), [
      ' new null',
      ' old forgotten',
      'web-1 old null',
    ]);
    const ended = stored.find(({ closedReason }) => closedReason === 'forgotten');
    assert.deepEqual([ended?.state, ended?.sequence, ended?.closedOut], ['resolved', silent.sequence + 1, false]);
    await assert.rejects(alerts.touchLease(lease), { code: 'locked' });
    const again = await alerts.takeLease('alerter', 'pass-2');
    assert.ok(again !== null);
    // A collector that runs again may reuse the name.
    const anew = { statIds: [], visitIds: [], alerts: [silent], ruleStates: new Map() };
    await alerts.saveProcessed(again, anew);

    assert.equal(await retention.forgetCollector('never there'), false);
    assert.equal(await retention.forgetCollector(''), false);
  });
});

onBothDatabases('what mounts are of', ({ it }) => {
  it('is the newest source of a mount of another machine', async ({ reports, alerts }) => {
    const mounted = (mount: string, source: string, scope = 'network') =>
      worker('disk', { mount, source, scope, fstype: 'nfs4', mode: 'rw', used_percent: null, unresponsive: 1 });
    await reports.ingest([
      item({ client: 'web-1', observedAtMs: noonMs, workers: [mounted('/srv', 'old:/srv')] }),
      item({ client: 'web-1', observedAtMs: noonMs + 1000, workers: [mounted('/srv', 'nas:/srv')] }),
      item({ client: 'web-2', workers: [mounted('/srv', '/dev/vdb', 'local')] }),
    ]);
    const exports = await alerts.exportsOf([
      { client: 'web-1', mount: '/srv' },
      { client: 'web-1', mount: '/data' },
      { client: 'web-2', mount: '/srv' },
    ]);
    assert.deepEqual([...exports], [['web-1\0/srv', 'nas:/srv']]);
  });
});
