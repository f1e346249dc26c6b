/** Digests over a storage in memory: what is stored, attached and observed, and what a fault costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AlertOptions, ReportQuery } from '../../../src/alerter/alert-options.ts';
import { enqueueDigests } from '../../../src/alerter/pass/enqueue-digests.ts';
import { dayMs } from '../../../src/platform/units.ts';
import { at } from '../support/rows.ts';
import { memoryPass, type MemoryPassOptions } from './support/memory-pass.ts';

const elements = `<smtp host="mail.example.org" from="fleet@example.org"/>
  <alerts zone="UTC"><mail to="ops@example.org"/>
    <digest to="ops@example.org, kim@example.org" at="10:00" attach="report"/>
    <digest name="racks" to="eve@example.org" at="10:00" groups="db, web" attach="report"/>
    <digest name="bare" to="ann@example.org" at="10:00"/></alerts>
  <group name="web"><client name="web-1" ip="192.0.2.1" username="u"/></group>
  <group name="db"><client name="db-1" ip="192.0.2.2" username="u"/></group>`;

const none = () => Promise.resolve([]);
const stores = {
  evaluation: { openAlerts: none },
  mails: { undelivered: none },
  digest: {
    ...{ madeDigests: none, runTimes: none, alertSpans: none, runTotals: none, inventoryChanges: none },
    ...{ pendingWork: none, databaseBytes: () => Promise.resolve(null) },
    knownClients: () => Promise.resolve(['web-1', 'db-1'].map((name) => ({ name, firstSeenMs: 0, lastSeenMs: 0 }))),
  },
  changes: { changes: none },
  levels: { forecasts: none },
  figures: {},
  exports: {},
  leases: { touchLease: () => Promise.resolve() },
};

interface DigestOptions extends Partial<MemoryPassOptions> {
  readonly renderReport?: AlertOptions['renderReport'];
}

async function digested({ renderReport, ...options }: DigestOptions = {}) {
  const over = { ...options.over, ...(renderReport === undefined ? {} : { renderReport }) };
  const memory = memoryPass({ elements, stores, ...options, over });
  const count = await enqueueDigests(memory.pass);
  const mails = memory.saved.flatMap((one) => one.mails);
  const composed = memory.events.flatMap((event) => (event.kind === 'composed' ? event : []));
  return { ...memory, count, mails, composed };
}

const span = {
  fromMs: at('10:00') - dayMs,
  seenToMs: at('10:00') - dayMs,
  seenAgainMs: at('10:00'),
  toMs: at('10:00'),
};

test('a digest is a mail to each recipient that delays no other mail, and remembers its span', async () => {
  const { count, mails, saved, composed, faults, log } = await digested();
  assert.deepEqual([count, saved.map((one) => one.mails.length), faults(), log], [4, [2, 1, 1], [], ['take']]);
  const names = ['daily', 'daily', 'racks', 'bare'];
  const tos = ['ops@example.org', 'kim@example.org', 'eve@example.org', 'ann@example.org'];
  for (const [index, { recipient, messageId, content, ...rest }] of mails.entries()) {
    assert.equal(recipient, tos[index]);
    assert.match(content, new RegExp(`^From: fleet@example.org\r\nTo: ${recipient}\r$`, 'm'));
    assert.ok(content.includes(`\r\nMessage-ID: ${messageId}\r\nDate: Fri, 20 Nov 2026 10:06:00 +0000\r\n`));
    const digest = { name: names[index], ...span };
    assert.deepEqual(rest, { severity: 'warning', ordinary: false, notifications: [], digest, replaces: [] });
  }
  assert.deepEqual(saved[0], { mails: mails.slice(0, 2), notified: [], closedOut: [] });
  assert.deepEqual(
    composed.map(({ mail: { recipient, severity, ordinary }, subject }) => [recipient, severity, ordinary, subject]),
    tos.map((to, index) => {
      const subject = index === 2 ? 'Digest of db, web: 2 of 2 were never silent' : 'Digest: Nothing was visited';
      return [to, 'warning', false, subject];
    }),
  );
  assert.match(composed[0]?.text ?? '', /Nothing was visited/);
});

test('the report of the span and the groups is attached, and one that is too large is left out', async () => {
  const queries: ReportQuery[] = [];
  const renderReport = (_: unknown, query: ReportQuery) => {
    queries.push(query);
    return Promise.resolve(query.isWhole ? '<p>whole</p>' : null);
  };
  const { mails, composed, pass } = await digested({ renderReport });
  const spanned = { sinceMs: span.fromMs, untilMs: span.toMs, maxBytes: 4 * 2 ** 20, signal: pass.signal };
  const clients = pass.config.clients;
  assert.deepEqual(queries, [
    { clients, isWhole: true, title: 'Fleet', ...spanned },
    { clients, isWhole: false, title: 'db, web', ...spanned },
  ]);
  const attached = mails.map(({ content }) => /Content-Disposition: attachment; filename=(\S+)/.exec(content)?.[1]);
  assert.deepEqual(attached, ['report-20261120.html', 'report-20261120.html', undefined, undefined]);
  assert.match(mails[0]?.content ?? '', /^Content-Type: text\/html; charset=utf-8; name=report-20261120.html\r$/m);
  assert.deepEqual(
    composed.map(({ text }) => /The report [^:]+: [\w ]+/.exec(text.replaceAll('\n', ' '))?.[0]),
    [
      ...['The report of this span is attached: report', 'The report of this span is attached: report'],
      ...['The report is left out: it would be larger than 4 MiB', undefined],
    ],
  );
});

test('the fault of a digest costs this one, and the pass does not fail', async () => {
  const renderReport = (_: unknown, { isWhole }: ReportQuery) =>
    isWhole ? Promise.reject(new Error('odd')) : Promise.resolve(null);
  const { count, mails, faults, pass } = await digested({ renderReport });
  assert.deepEqual(faults(), ['pass-incomplete: the digest daily: odd']);
  assert.deepEqual([count, mails.map(({ recipient }) => recipient.slice(0, 3))], [2, ['eve', 'ann']]);
  assert.equal(pass.stages.hasFailed(), false);
});

test('a digest that sums up nothing is no mail, and one that is not due takes no lease', async () => {
  const knownClients = none;
  const young = await digested({ stores: { ...stores, digest: { ...stores.digest, knownClients } } });
  assert.deepEqual([young.count, young.saved, young.log, young.faults()], [0, [], ['take'], []]);
  const before = await digested({ nowMs: at('10:00') - dayMs / 2 + 1 });
  assert.deepEqual([before.count, before.saved, before.log], [0, [], []]);
});

test('digests that another alerter has made until the lease was taken are not made again', async () => {
  const asked: number[] = [];
  const storedMessageIds = (ids: readonly string[]) => {
    asked.push(ids.length);
    return Promise.resolve(new Set(asked.length > 3 ? ids : []));
  };
  const { count, saved } = await digested({ stores: { ...stores, notifications: { storedMessageIds } } });
  assert.deepEqual([count, saved, asked], [0, [], [2, 1, 1, 2, 1, 1]]);
});

test('a signal ends the digests after the one that is under way', async () => {
  const ending = new AbortController();
  const saveNotifications = () => Promise.resolve((ending.abort(), 'stored'));
  const over = { signal: ending.signal };
  const { count } = await digested({ over, stores: { ...stores, notifications: { saveNotifications } } });
  assert.equal(count, 2);
});
