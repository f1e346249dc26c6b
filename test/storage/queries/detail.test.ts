import assert from 'node:assert/strict';
import { test } from 'node:test';

import { alert, mail, stored } from '../support/alert-samples.ts';
import { onEachDatabase } from '../support/databases.ts';
import { check, item, noonMs, refusedVisit, runStart, visit, worker } from '../support/samples.ts';

const minuteMs = 60_000;

onEachDatabase('what is stored of one client', (kit) => {
  test('are its visits, newest first, at most so many, and no other client', async () => {
    const { reports, detail, history } = await kit.open();
    const runs = [0, 1, 2].map((run) => runStart({ startedAtMs: noonMs + run * minuteMs }));
    for (const run of runs) await reports.startRun(run);
    await reports.saveVisits([
      ...runs.map(({ id, startedAtMs }, index) =>
        visit({ runId: id, startedAtMs, ...(index === 2 ? { ...refusedVisit, connectMs: null } : {}) }),
      ),
      visit({ runId: runs[0]?.id ?? '', client: 'web-2' }),
    ]);
    const [failed, good, ...others] = await detail.visitsOf('web-1', 2);
    assert.deepEqual(failed, {
      runId: runs[2]?.id,
      startedAtMs: noonMs + 2 * minuteMs,
      durationMs: 750,
      ok: false,
      stage: 'connect',
      code: 'connect-refused',
      message: 'connect ECONNREFUSED 192.0.2.1:22',
      connectMs: null,
      host: 'mon-1',
    });
    assert.deepEqual({ ok: good?.ok, connectMs: good?.connectMs, others }, { ok: true, connectMs: 82, others: [] });
    assert.deepEqual(await detail.visitsOf('web-3', 10), []);
    const status = await history.client('web-1');
    assert.deepEqual(
      status,
      (await history.clients()).find(({ client }) => client === 'web-1'),
    );
    assert.deepEqual([status.consecutiveFailures, status.errorCode], [1, 'connect-refused']);
    assert.equal(await history.client('web-3'), null);
  });

  test('is its newest inventory, unknown parts as null', async () => {
    const { reports, detail } = await kit.open();
    const inventory = (observedAtMs: number, model: string): ReturnType<typeof item> =>
      item({
        name: 'Inventory report',
        observedAtMs,
        workers: [
          worker('system', { model, memory_bytes: 8 * 2 ** 30 }),
          worker('cpu_model', { threads: 4 }),
          worker('memory_module', { slot: `DIMM ${model}`, size_bytes: 2 ** 33, megahertz: null, type: 5 }),
          worker('disk_device'),
        ],
      });
    await reports.ingest([inventory(noonMs, 'old'), inventory(noonMs + minuteMs, 'new')]);
    const found = await detail.inventoryOf('web-1');
    assert.deepEqual(
      {
        observedAtMs: found?.observedAtMs,
        model: found?.model,
        memoryBytes: found?.memoryBytes,
        cpus: found?.cpus,
        serial: found?.serial,
      },
      { observedAtMs: noonMs + minuteMs, model: 'new', memoryBytes: 8 * 2 ** 30, cpus: 4, serial: null },
    );
    const unknown = { type: null, form: null, manufacturer: null, part: null, serial: null, megahertz: null };
    assert.deepEqual(found?.memoryModules, [{ ...unknown, slot: 'DIMM new', sizeBytes: 2 ** 33 }]);
    assert.deepEqual([found.diskDevices, found.networkCards], [[], null]);
    assert.equal(await detail.inventoryOf('web-2'), null);
  });

  test('are the states of its checks, each with its first and last time, and the row after a time', async () => {
    const { reports, detail } = await kit.open();
    const said = (minute: number, exit: 0 | 2) =>
      item({ observedAtMs: noonMs + minute * minuteMs, checks: [check('db', exit, '')] });
    await reports.ingest([said(0, 2), said(1, 0), said(2, 2), said(3, 2)]);
    const states = [...(await detail.checkStatesOf('web-1', noonMs))].sort((one, other) => one.state - other.state);
    assert.deepEqual(states, [
      { checkName: 'db', state: 0, firstAtMs: noonMs + minuteMs, lastAtMs: noonMs + minuteMs },
      { checkName: 'db', state: 2, firstAtMs: noonMs, lastAtMs: noonMs + 3 * minuteMs },
    ]);
    assert.equal(await detail.checkRowAfter('web-1', 'db', noonMs + minuteMs), noonMs + 2 * minuteMs);
  });

  test('are the lines of its mails, those discarded too and those replaced not', async () => {
    const { detail, evaluation, leases, mails, notifications } = await kit.open();
    const lease = (await leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
    const alerts = [alert(), alert({ subject: '/' }), alert({ client: 'web-2' })];
    await evaluation.saveProcessed(lease, { statIds: [], visitIds: [], ruleStates: new Map(), alerts });
    const line = (alertId: number) => stored({ alertId });
    await notifications.saveNotifications(lease, {
      mails: [
        mail({ messageId: '<1@x>', notifications: [line(1), line(2), line(3)] }),
        mail({ messageId: '<2@x>', notifications: [line(3)] }),
        mail({ messageId: '<3@x>', recipient: 'boss@example.org', notifications: [line(2)] }),
      ],
      notified: [],
      closedOut: [],
    });
    await notifications.saveNotifications(lease, {
      mails: [mail({ messageId: '<4@x>', notifications: [line(1)], replaces: [1] })],
      notified: [],
      closedOut: [],
    });
    assert.ok(await mails.discardMail(3));
    const found = await detail.mailsOf('web-1', 10);
    assert.deepEqual(
      found.map(({ mailId, recipient, isDiscarded, rule, subject }) => ({
        mailId,
        recipient,
        isDiscarded,
        rule,
        subject,
      })),
      [
        { mailId: 4, recipient: 'ops@example.org', isDiscarded: false, rule: 'disk', subject: '/data' },
        { mailId: 3, recipient: 'boss@example.org', isDiscarded: true, rule: 'disk', subject: '/' },
      ],
    );
    assert.deepEqual(
      { sentAtMs: found[0]?.sentAtMs, failedAtMs: found[0]?.failedAtMs, transition: found[0]?.transition },
      { sentAtMs: null, failedAtMs: null, transition: 'firing' },
    );
    assert.equal((await detail.mailsOf('web-1', 1)).length, 1);
  });
});
