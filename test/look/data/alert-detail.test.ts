/** The page of an alert: what it shows of an alert that fires, of one that ended, and of a rule without figures. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import { test, type TestContext } from 'node:test';

import { loadConfig } from '../../../src/config/load-config.ts';
import { plotSpan, readAlertDetail } from '../../../src/look/data/alert-detail.ts';
import { reportGrid } from '../../../src/look/data/report-grid.ts';
import type { AlertAnswer } from '../../../src/look/page/page.ts';
import { alertView } from '../../../src/look/page/live/alert-views.ts';
import type { HistoryHead } from '../../../src/look/page/series-layout.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { VisitRecord } from '../../../src/storage/store/storage.ts';
import { alertFolder, ended, firing } from '../../cli/support/stored-alerts.ts';
import { item, visit } from '../../storage/support/samples.ts';
import { alertOf } from '../page/support/page-samples.ts';
import { shownText } from '../page/support/shown-text.ts';

const hourMs = 3_600_000;
const rules =
  '<alerts mail="ops@example.org"><alert type="disk" warning="90%" critical="95%" for="10m"/>' +
  '<alert type="load" limit="3"/>' +
  '<alert type="process" match="nginx" min="1"/></alerts>';
const config = `<config>${rules}<client name="web-1" ip="192.0.2.1"/></config>`;

/** Returns what the page of the first of some alerts is made of, beside a day of reports and these visits. */
async function detailOf(t: TestContext, alerts: readonly Alert[], visits: readonly VisitRecord[] = []) {
  const { dir, store } = await alertFolder(t, { config, alerts });
  return await store(async (storage) => {
    const nowMs = Date.now();
    await storage.reports.ingest(
      Array.from({ length: 24 }, (_, hour) => item({ client: 'web-1', observedAtMs: nowMs - hour * hourMs })),
    );
    await storage.reports.saveVisits(visits);
    const read = loadConfig({ file: path.join(dir, 'config.xml') });
    const alert = (await storage.records.alert(1)) ?? assert.fail('it is stored');
    return readAlertDetail(storage, read, alert, { zone: 'UTC', nowMs });
  });
}

/** Returns the header of an encoded history. */
function headOf(history: string | null): HistoryHead {
  const bytes = inflateSync(Buffer.from(history ?? assert.fail('there is no plot'), 'base64'));
  return JSON.parse(bytes.subarray(4, 4 + bytes.readUInt32LE(0)).toString()) as HistoryHead;
}

test('the plot has the value of the alert with its limits, and the time before it fired', async (t) => {
  const now = Date.now();
  const data = { subject: '/data', pendingSinceMs: now - 3 * hourMs, firingSinceMs: now - 2 * hourMs };
  const { history, limits } = await detailOf(t, [firing(data)]);
  const head = headOf(history);
  assert.deepEqual(
    head.series.map(({ plot, name, unit, low }) => [plot, name, unit, low]),
    [['disk', '/data', 'percent', 91.5]],
  );
  assert.deepEqual(
    head.limits.map(({ severity, value }) => [severity, value]),
    [
      ['warning', 90],
      ['critical', 95],
    ],
  );
  assert.deepEqual(
    head.alerts.map(({ severity, from, to }) => [severity, to === null ? null : to - from]),
    [
      ['pending', 3600],
      ['critical', null],
    ],
  );
  assert.equal(limits, 'The rule: critical at least 95 %, warning at least 90 %, once that holds for 10m.');
});

for (const everyMs of [1, 5, 15].map((minutes) => minutes * 60_000)) {
  test(`a short alert fills a fifth of its plot, of half a day around it at most, every ${everyMs / 60_000} min`, () => {
    const nowMs = Date.UTC(2026, 10, 21, 3, 7, 13);
    const bounds = { nowMs, everyMs, rawMs: 400 * 24 * hourMs, firstMs: nowMs - 300 * 24 * hourMs };
    const problems: string[] = [];
    for (const lastsMs of [5, 17, 60, 180, 1440, 14_400].map((minutes) => Math.max(minutes * 60_000, everyMs))) {
      for (const endedForMs of [null, 0, lastsMs, 30 * hourMs, 1000 * hourMs]) {
        const resolvedAtMs = endedForMs === null ? null : nowMs - endedForMs;
        const endMs = resolvedAtMs ?? nowMs;
        const pendingSinceMs = endMs - lastsMs;
        const [sinceMs, untilMs] = plotSpan({ pendingSinceMs, resolvedAtMs }, bounds);
        const { stepMs, points } = reportGrid(sinceMs, untilMs, everyMs, 1);
        const isAround = sinceMs < pendingSinceMs && pendingSinceMs - sinceMs <= 12 * hourMs;
        const isAfter = untilMs >= endMs && untilMs <= Math.min(nowMs, endMs + 12 * hourMs);
        const isWide = lastsMs / (stepMs * points) >= 0.2;
        if (!isAround || !isAfter || !isWide) problems.push(`${lastsMs} ${endedForMs}: ${stepMs * points}`);
      }
    }
    assert.deepEqual(problems, []);
  });
}

test('a plot begins at the first report, and shows means of hours with half a day around them', () => {
  const nowMs = Date.UTC(2026, 10, 21, 3);
  const bounds = { nowMs, everyMs: 300_000, rawMs: 90 * 24 * hourMs, firstMs: nowMs - hourMs };
  const fresh = { pendingSinceMs: nowMs - hourMs / 2, resolvedAtMs: null };
  assert.deepEqual(plotSpan(fresh, bounds), [nowMs - hourMs, nowMs]);
  const early = { pendingSinceMs: nowMs - 2 * hourMs, resolvedAtMs: null };
  assert.deepEqual(plotSpan(early, bounds), [nowMs - 2 * hourMs, nowMs]);
  const [pendingSinceMs, resolvedAtMs] = [nowMs - 100 * 24 * hourMs, nowMs - 100 * 24 * hourMs + 300_000];
  const old = plotSpan({ pendingSinceMs, resolvedAtMs }, { ...bounds, firstMs: 0 });
  assert.deepEqual(old, [pendingSinceMs - 12 * hourMs, resolvedAtMs + 12 * hourMs]);
});

test('load is drawn as its rule counts it, by the CPU, and a rule without a figure has no plot', async (t) => {
  const load = await detailOf(t, [firing({ rule: 'load', subject: '' })]);
  const [series] = headOf(load.history).series;
  assert.deepEqual([series?.plot, series?.unit], ['load', 'count']);
  assert.ok((series?.high ?? 99) < 3);
  const process = await detailOf(t, [firing({ rule: 'process match=nginx', subject: 'nginx' })]);
  assert.equal(process.history, null);
});

test('the last year has each time of the same rule and subject, the newest first, and what they took', async (t) => {
  const now = Date.now();
  const before = (days: number, more: Partial<Alert> = {}): Alert =>
    ended({
      pendingSinceMs: now - days * 24 * hourMs,
      firingSinceMs: now - days * 24 * hourMs,
      resolvedAtMs: now - days * 24 * hourMs + hourMs,
      valueText: `${days} %`,
      ...more,
    });
  const { earlier, commands } = await detailOf(t, [
    before(1),
    before(400),
    before(30),
    before(2, { subject: '/other' }),
    before(3, { client: 'web-2' }),
    before(4, { firingSinceMs: null, closedReason: 'unconfirmed' }),
  ]);
  assert.equal(earlier.about, '2 times, 2 hours in all.');
  assert.deepEqual(
    earlier.rows.map(({ cells }) => cells.slice(1)),
    [
      ['1 hour', 'never fired', '4 %'],
      ['1 hour', 'critical', '30 %'],
      ['1 hour', 'critical', '1 %'],
    ],
  );
  assert.deepEqual(commands, []);
});

test('the page says what, since when, what changed, who was told, how to acknowledge, and the last year', async (t) => {
  const detail = await detailOf(t, [firing()]);
  const reader = { zone: 'UTC', nowMs: Date.UTC(2026, 10, 21, 10) };
  const view = alertView({
    ...detail,
    ...{ ...reader, alert: alertOf({ note: 'Call <b>Kim</b>' }), history: null },
    answer: null,
    seen: 'Seen from beside it: <b>db-2</b> reaches it.',
    cause: 'Changed before it: openssl 3.0.11 to 3.0.14, 4 min before.',
    changes: [{ foundAtMs: Date.UTC(2026, 10, 21, 7), words: 'openssl 3.0.11 to 3.0.14' }],
    ...{ lines: ['ops@example.org was notified.'], command: ['fleet-health', 'explain', { option: '--fleet' }] },
  });
  const shown = shownText(view);
  const order = [
    /critical web-1 disk \/var/,
    /96\.2 % \(limit 95 %\)/,
    /firing since (?:Sat 21 Nov )?08:00, for 2 hours/,
    /Call <b>Kim<\/b>/,
    /Seen from beside it: <b>db-2<\/b> reaches it\./,
    /The rule: critical at least 95 %/,
    /What changed before it Changed before it: openssl/,
    /Who was notified, and why ops@example\.org was notified\./,
    /fleet-health explain --fleet/,
    /until it ends or gets worse: fleet-health ack 1 /,
    /fleet-health ack 1 --for 4h --comment 'on it'/,
    /fleet-health silence add --client web-1 --rule disk --subject \/var --for 1d/,
    /The last year 1 time, 2 hours in all\./,
  ];
  let rest = shown;
  for (const words of order) {
    const at = rest.search(words);
    assert.ok(at >= 0, `${String(words)} is missing in ${rest}`);
    rest = rest.slice(at + 1);
  }
});

test('the button is there for whom it is made, and takes back what is acknowledged', async (t) => {
  const reader = { zone: 'UTC', nowMs: Date.UTC(2026, 10, 21, 10) };
  const detail = await detailOf(t, [firing({ severity: 'warning' })]);
  const view = (answer: AlertAnswer | null): string => {
    const shown = { alert: alertOf({}), history: null, lines: [], command: ['fleet-health'], answer };
    return alertView({ ...detail, ...reader, ...shown }).html;
  };
  assert.deepEqual(detail.answer, { severity: 'warning', isAcknowledged: false });
  const fresh = view(detail.answer);
  assert.match(fresh, /<form class="answer" method="post"><label for="line">[^]*<option value="ack 4h">/);
  assert.match(fresh, /<label for="comment">Comment<\/label> <input id="comment" name="comment" maxlength="100"/);
  assert.match(fresh, /<input type="hidden" name="severity" value="warning">/);
  assert.ok(fresh.indexOf('<form') < fresh.indexOf('id="changes"'), 'the button is at the top');
  const taken = view({ severity: 'warning', isAcknowledged: true });
  assert.match(taken, /<button type="submit" name="line" value="unack">/);
  assert.doesNotMatch(taken, /<select|<input/);
  assert.doesNotMatch(view(null), /<form|<button/);
  assert.equal((await detailOf(t, [ended()])).answer, null);
});

test('what clients beside an unreachable one saw of it is shown while it is away', async (t) => {
  const alert = firing({ rule: 'unreachable', subject: '', valueText: 'network: no answer' });
  const beside = { from: 'fra-1', port: 22, seen: [['db-2', 'refused'] as [string, 'refused']], near: 1 };
  const lost = { ok: false, stage: 'connect', code: 'connect-timeout', startedAtMs: alert.pendingSinceMs } as const;
  const visits = [visit({ ...lost, client: 'web-1', beside })];
  const { seen } = await detailOf(t, [alert], visits);
  const words = 'db-2 is refused: the machine is up, its sshd is not, or a firewall refuses db-2\\.';
  assert.match(seen ?? '', new RegExp(`^Seen from beside it at (?:\\w{3} \\d+ \\w{3} )?\\d\\d:\\d\\d: ${words}$`));
  const over = ended({ rule: 'unreachable', subject: '' });
  assert.equal((await detailOf(t, [over], visits)).seen, null);
});
