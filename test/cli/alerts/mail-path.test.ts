import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CanaryState } from '../../../src/storage/store/reply-store.ts';
import { alertFolder } from '../support/stored-alerts.ts';

const config = `<config><smtp host="127.0.0.1" port="1" security="none" from="a@example.org"/>
  <replies imap="imap://a@localhost" passwordEnv="P"/><canary to="canary@example.org"/>
  <alerts zone="UTC" mail="ops@example.org"/><client name="web-1" ip="192.0.2.1"/></config>`;
const atMs = Date.UTC(2026, 10, 20, 4, 10);

/** The first canary, which is not back yet. */
const awaited: CanaryState = { ...stateOf('well'), found: null, newest: null };

function stateOf(kind: 'well' | 'lost', to = 'canary@example.org'): CanaryState {
  const found = {
    kind,
    roundMs: atMs,
    ofMs: atMs,
    atMs,
    afterMs: 12_345,
    copies: 1,
    reason: kind === 'lost' ? 'gone' : '',
  };
  return { to, roundMs: atMs, tries: [], found, newest: { atMs, afterMs: 12_345 }, unreadSinceMs: null };
}

for (const { what, state, sentence, seconds } of [
  {
    what: 'a canary that was back',
    state: stateOf('well'),
    sentence: /^The canary of .*04:10 was back after 12s\.$/m,
    seconds: 12.345,
  },
  {
    what: 'a lost canary',
    state: stateOf('lost'),
    sentence: /^The canary of .*04:10 did not come back: gone\.$/m,
    seconds: null,
  },
  {
    what: 'that the first canary is not back yet',
    state: awaited,
    sentence: /^The first canary, of .*04:10, has not come back yet\.$/m,
    seconds: null,
  },
  {
    what: 'that no canary was sent to this address',
    state: stateOf('well', 'other@example.org'),
    sentence: /^No canary has been sent to canary@example\.org yet; the next pass of alert sends one\.$/m,
    seconds: null,
  },
]) {
  test(`status, explain --fleet and the metrics show ${what}`, async (t) => {
    const { store, said, json } = await alertFolder(t, { config });
    await store(async ({ evaluation, leases }) => {
      const lease = (await leases.takeLease('alerter', 'a test')) ?? assert.fail('no lease');
      const fleet = { newestReportMs: null, newestVisitMs: null, bootId: null, rows: 0, changes: {}, canary: state };
      const ruleStates = new Map([['', fleet]]);
      await evaluation.saveProcessed(lease, { statIds: [], visitIds: [], alerts: [], ruleStates });
      await leases.releaseLease(lease);
    });
    for (const args of [['status'], ['explain', '--fleet']]) {
      const text = await said(...args);
      assert.match(text, sentence);
      const { mail_path: found } = (await json(...args)) as { mail_path: { seconds: number | null } | null };
      assert.equal(found?.seconds ?? null, seconds);
    }
    const [, value] = /^fleet_health_mail_path_seconds (\S+)$/m.exec(await said('metrics')) ?? [];
    assert.equal(value, seconds === null ? undefined : String(seconds));
  });
}
