import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { openSiteFacts } from '../../../src/collector/forward/site-facts.ts';
import { visit } from '../../storage/support/samples.ts';
import { changedJson, changes } from '../../support/clients/hostile-values.ts';
import { tempFolder } from '../../support/temp-folder.ts';

test('facts of clients, and the clients that were refused, are read as they were written', (t) => {
  const file = path.join(tempFolder(t), 'site-facts.json');
  const facts = openSiteFacts(file);
  facts.saw(visit({ client: 'web-1', nextAttemptAtMs: 7, ok: false, code: 'auth-failed' }), 'digest');
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
    // An attempt whose report did not come.
    [3000, { stamp: null, runs: 2 }],
  ] as const)
    facts.saw(visit({ client: 'web-1', startedAtMs, ...(state === undefined ? {} : { state }) }), 'digest');
  facts.save(new Set(['web-1']));
  const { stateStamp, stateAtMs, stateRuns, stateWantedAtMs } = openSiteFacts(file).clients.get('web-1') ?? {};
  assert.deepEqual([stateStamp, stateAtMs, stateRuns, stateWantedAtMs], ['first', 3000, 2, null]);
});

test('failures of a client are counted until a visit succeeds', (t) => {
  const facts = openSiteFacts(path.join(tempFolder(t), 'site-facts.json'));
  const failures = [false, false, true, false].map((ok) => {
    facts.saw(visit({ client: 'web-1', ok }), 'digest');
    return facts.clients.get('web-1')?.consecutiveFailures;
  });
  assert.deepEqual(failures, [1, 2, 0, 1]);
});

test('no bytes in the facts of a site keep its times from being shown', (t) => {
  const file = path.join(tempFolder(t), 'site-facts.json');
  const facts = openSiteFacts(file);
  facts.saw(visit({ client: 'web-1' }), 'digest');
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
