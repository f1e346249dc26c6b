import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { openSiteFacts } from '../../../src/collector/forward/site-facts.ts';
import { visit } from '../../storage/support/samples.ts';
import { changedJson, changes } from '../../support/clients/hostile-values.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** The run of a visit. */
const run = { configDigest: 'digest', scope: 'full' } as const;

test('facts of clients, and the clients that were refused, are read as they were written', (t) => {
  const file = path.join(tempFolder(t), 'site-facts.json');
  const facts = openSiteFacts(file);
  facts.saw(visit({ client: 'web-1', nextAttemptAtMs: 7, ok: false, code: 'auth-failed' }), run);
  facts.setRefused(['a']);
  facts.save(new Set(['web-1']));
  const read = openSiteFacts(file);
  assert.deepEqual(read.clients, facts.clients);
  assert.deepEqual(read.refused(), ['a']);
});

test('the stamp of the newest state report stays until another one, and each attempt counts', (t) => {
  const file = path.join(tempFolder(t), 'site-facts.json');
  const facts = openSiteFacts(file);
  for (const [startedAtMs, state] of [
    [1000, { stamp: 'first', runs: 1 }],
    [2000, undefined],
    // An attempt whose report did not come, and a visit without an attempt.
    [3000, { stamp: null, runs: 2 }],
    [4000, undefined],
  ] as const)
    facts.saw(visit({ client: 'web-1', startedAtMs, ...(state === undefined ? {} : { state }) }), run);
  facts.save(new Set(['web-1']));
  const { stateStamp, stateAtMs, stateRuns, stateWantedAtMs } = openSiteFacts(file).clients.get('web-1') ?? {};
  assert.deepEqual([stateStamp, stateAtMs, stateRuns, stateWantedAtMs], ['first', 3000, 2, null]);
});

const facts = {
  ...{ name: 'web-1', address: '192.0.2.1', lastVisitAtMs: 2000, lastReportAtMs: 2000, consecutiveFailures: 0 },
  uncountedFailures: 0,
  ...{ failedCode: null, nextAttemptAtMs: null, attemptDigest: null, bootId: 'boot-1', inventoryAtMs: null },
  ...{ reader: 'node', stateStamp: null, stateAtMs: null, stateRuns: 0, stateWantedAtMs: null },
} as const;
for (const [what, more, changed] of [
  ['that succeeds', {}, {}],
  ['of another address', { address: 'web.example' }, { address: 'web.example' }],
  [
    'that fails, with the boot and the reader of the one before',
    { ok: false, code: 'agent-failed', bootId: null, reader: null },
    { lastReportAtMs: 1000, consecutiveFailures: 1, failedCode: 'agent-failed' },
  ],
  [
    'whose login is refused, with the configuration of that time',
    { ok: false, code: 'auth-failed', nextAttemptAtMs: 9000 },
    {
      ...{ lastReportAtMs: 1000, consecutiveFailures: 1, failedCode: 'auth-failed' },
      ...{ nextAttemptAtMs: 9000, attemptDigest: 'digest' },
    },
  ],
  ['after a boot', { bootId: 'boot-2' }, { bootId: 'boot-2' }],
  ['by another reader', { reader: 'shell' }, { reader: 'shell' }],
  ['with a state report', { state: { stamp: 's', runs: 3 } }, { stateStamp: 's', stateAtMs: 2000, stateRuns: 3 }],
] as const) {
  test(`the facts of a client after a visit ${what}`, (t) => {
    const file = path.join(tempFolder(t), 'site-facts.json');
    const site = openSiteFacts(file);
    site.saw(visit({ startedAtMs: 1000 }), { ...run, configDigest: 'earlier' });
    site.saw(visit({ startedAtMs: 2000, ...more }), run);
    site.save(new Set(['web-1']));
    assert.deepEqual(openSiteFacts(file).clients.get('web-1'), { ...facts, ...changed });
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });
}

test('a client that fails at its first visit has never reported, and has no boot and no reader', (t) => {
  const site = openSiteFacts(path.join(tempFolder(t), 'site-facts.json'));
  site.saw(visit({ startedAtMs: 2000, ok: false, code: 'agent-failed', bootId: null, reader: null }), run);
  const failed = {
    lastReportAtMs: null,
    consecutiveFailures: 1,
    failedCode: 'agent-failed',
    bootId: null,
    reader: null,
  };
  assert.deepEqual(site.clients.get('web-1'), { ...facts, ...failed });
});

test('an inventory counts with the visit that brought it, and stays until the next one', (t) => {
  const file = path.join(tempFolder(t), 'site-facts.json');
  const site = openSiteFacts(file);
  const at = (): number | null | undefined => site.clients.get('web-1')?.inventoryAtMs;
  site.sawInventory('web-1', 700);
  assert.equal(at(), undefined);
  for (const inventoryMs of [700, 700, 900]) {
    if (inventoryMs === 900) site.sawInventory('web-1', inventoryMs);
    site.saw(visit({}), run);
    assert.equal(at(), inventoryMs);
  }
  site.save(new Set(['web-1']));
  const next = openSiteFacts(file);
  next.saw(visit({}), run);
  assert.equal(next.clients.get('web-1')?.inventoryAtMs, 900, 'the next run remembers it');
});

test('clients that left config.xml are forgotten, and a damaged file counts as missing', (t) => {
  const file = path.join(tempFolder(t), 'site-facts.json');
  const site = openSiteFacts(file);
  for (const client of ['web-1', 'gone']) site.saw(visit({ client }), run);
  site.save(new Set(['web-1', 'new']));
  assert.deepEqual([...openSiteFacts(file).clients.keys()], ['web-1']);
  for (const content of ['{', '{"refused":["a"]}', '{"clients":7}']) {
    writeFileSync(file, content);
    const { clients, refused } = openSiteFacts(file);
    assert.deepEqual([clients.size, refused()], [0, []], content);
  }
  writeFileSync(file, JSON.stringify({ refused: 7, clients: [{ name: 'bare', address: 'b' }] }));
  assert.deepEqual([openSiteFacts(file).clients.size, openSiteFacts(file).refused()], [1, []]);
  writeFileSync(file, JSON.stringify({ refused: ['a', 7], clients: [7, { name: 'bare', address: 'b', reader: 'x' }] }));
  const { clients, refused } = openSiteFacts(file);
  assert.deepEqual([[...clients.keys()], refused()], [['bare'], ['a']]);
  const unknown = { lastVisitAtMs: null, lastReportAtMs: null, bootId: null, reader: null };
  assert.deepEqual(clients.get('bare'), { ...facts, ...unknown, name: 'bare', address: 'b' });
});

test('failures of a client are counted until a visit succeeds', (t) => {
  const facts = openSiteFacts(path.join(tempFolder(t), 'site-facts.json'));
  const failures = [false, false, true, false].map((ok) => {
    facts.saw(visit({ client: 'web-1', ok }), run);
    return facts.clients.get('web-1')?.consecutiveFailures;
  });
  assert.deepEqual(failures, [1, 2, 0, 1]);
});

test('no bytes in the facts of a site keep its times from being shown', (t) => {
  const file = path.join(tempFolder(t), 'site-facts.json');
  const facts = openSiteFacts(file);
  facts.saw(visit({ client: 'web-1' }), run);
  facts.save(new Set(['web-1']));
  const whole = { refused: facts.refused(), clients: [...facts.clients.values()] };
  fc.assert(
    fc.property(changes, (those) => {
      writeFileSync(file, changedJson(whole, those));
      const { clients, refused } = openSiteFacts(file);
      const times = [...clients.values()].flatMap((one) => [one.lastVisitAtMs, one.nextAttemptAtMs, one.inventoryAtMs]);
      for (const timeMs of times) if (timeMs !== null) new Date(timeMs).toISOString();
      assert.ok(refused().every((one) => typeof one === 'string'));
    }),
  );
});

test('failures of filtered runs and of host keys do not count for unreachable, until the next good visit', (t) => {
  const site = openSiteFacts(path.join(tempFolder(t), 'site-facts.json'));
  const filtered = { ...run, scope: 'filtered' } as const;
  const counts = (
    [
      ['connect-timeout', run],
      ['connect-timeout', filtered],
      ['host-key-changed', run],
      [null, run],
    ] as const
  ).map(([code, of]) => {
    site.saw(visit({ ok: code === null, code }), of);
    const { consecutiveFailures, uncountedFailures } = site.clients.get('web-1') ?? {};
    return [consecutiveFailures, uncountedFailures];
  });
  assert.deepEqual(counts, [
    [1, 0],
    [2, 1],
    [3, 2],
    [0, 0],
  ]);
});
