import assert from 'node:assert/strict';

import { stateDigest } from '../../../src/report/state/state.ts';
import type { NewMail } from '../../../src/storage/store/outbox-store.ts';
import { alert, mail, stored } from '../support/alert-samples.ts';
import { onEachDatabase } from '../support/databases.ts';
import { item, noonMs, runEnd, runStart, visit } from '../support/samples.ts';
import { stateItem } from '../support/state-samples.ts';
import { pluck } from '../../support/pluck.ts';

const hourMs = 3_600_000;
const { signal } = new AbortController();
const nothing = { statIds: [], visitIds: [], ruleStates: new Map<string, never>() };

onEachDatabase('the past for tune', ({ it }) => {
  it('has alerts that are open or ended since, and the mails about them', async ({ storage }) => {
    const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
    const ended = (hours: number) =>
      alert({
        state: 'resolved',
        resolvedAtMs: noonMs + hours * hourMs,
        closedReason: 'recovered',
        subject: `${hours}`,
      });
    const progress = {
      ...alert().progress,
      worst: { ...alert(), atMs: noonMs, severity: 'critical', value: 98 },
    } as const;
    const open = alert({ pendingSinceMs: noonMs - 9 * hourMs, progress });
    await storage.evaluation.saveProcessed(lease, { ...nothing, alerts: [ended(1), ended(2), ended(3), open] });
    assert.equal(await storage.operator.acknowledge([4], 'ann', null, null), 1);
    const past = await storage.alertHistory.pastAlerts(noonMs + 2 * hourMs, signal);
    assert.deepEqual(pluck(past, 'id'), [4, 2, 3]);
    const { client, rule, limitText, acknowledgedBy, resolvedAtMs } = past[0] ?? assert.fail('none');
    assert.deepEqual([client, rule, limitText], ['web-1', 'disk', 'at least 95 %']);
    assert.deepEqual([acknowledgedBy, resolvedAtMs], ['ann', null]);
    assert.deepEqual(await storage.alertHistory.worstValues([2, 4]), [98]);

    const of = (alertId: number, transition: 'firing' | 'reminder' = 'firing') => stored({ alertId, transition });
    const save = (over: Partial<NewMail>) =>
      storage.notifications.saveNotifications(lease, { mails: [mail(over)], notified: [], closedOut: [] });
    await save({ messageId: '<1>', notifications: [of(1), of(2)] });
    await save({ messageId: '<2>', notifications: [of(1), of(2), of(4, 'reminder')], replaces: [1] });
    await save({ messageId: '<3>', notifications: [of(3)] });
    assert.ok(await storage.mails.discardMail(3));
    const told = await storage.alertHistory.mailedSince(0, signal);
    assert.deepEqual(
      told.map(({ alertId, mailId, recipient }) => [alertId, mailId, recipient]),
      [1, 2].map((id) => [id, 2, 'ops@example.org']),
    );
    assert.deepEqual(await storage.alertHistory.mailedSince((told[0]?.createdAtMs ?? 0) + 1, signal), []);
  });

  it('has the rows of some clients, an hour at a time, in the order of their times', async ({ storage, reports }) => {
    const run = runStart();
    await reports.endRun(run, runEnd(run));
    const at = [0, hourMs - 1, hourMs, 3 * hourMs];
    await reports.ingest(at.map((ms) => item({ observedAtMs: noonMs + ms })).reverse());
    await reports.ingest([item({ client: 'web-2', observedAtMs: noonMs + 1 })]);
    await reports.saveVisits([
      visit({ runId: run.id, startedAtMs: noonMs }),
      visit({ runId: run.id, client: 'web-2' }),
    ]);
    const pageAt = async (fromMs: number) => {
      const page = await storage.alertHistory.replay(fromMs, null, 1, ['web-1', 'web-3']);
      assert.equal(page.next?.atMs, fromMs + hourMs);
      return [page.reports.map(({ observedAtMs }) => observedAtMs - noonMs), pluck(page.visits, 'full')];
    };
    assert.deepEqual(await pageAt(noonMs), [[0, hourMs - 1], [true]]);
    assert.deepEqual(await pageAt(noonMs + hourMs), [[hourMs], []]);
  });

  it('has the times at which packages, units or files changed, each once', async ({ storage, reports }) => {
    const at = (hours: number): number => noonMs + hours * hourMs;
    const look = (kind: 'package' | 'listener', lines: readonly string[]) => ({
      ...{ kind, lines, digest: stateDigest([...lines].sort()), error: null },
    });
    await reports.ingest([
      stateItem('web-1', at(0), [look('package', ['a amd64\t1']), look('listener', ['tcp 22\tsshd'])]),
    ]);
    await reports.ingest([stateItem('web-1', at(1), [look('package', ['a amd64\t2', 'b amd64\t1'])])]);
    await reports.ingest([stateItem('web-1', at(2), [look('listener', ['tcp 80\tnginx'])])]);
    const expected = [{ client: 'web-1', earliestAtMs: at(0), latestAtMs: at(1) }];
    assert.deepEqual(await storage.changes.whenChanged(['web-1', 'web-2'], at(1)), expected);
    assert.deepEqual(await storage.changes.whenChanged(['web-1'], at(1) + 1), []);
    assert.deepEqual(await storage.changes.whenChanged(['web-2'], 0), []);
  });
});
