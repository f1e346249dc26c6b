import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import type { AlertLine } from '../../src/agent-program/edge/edge-evaluator.ts';
import { openToldAlerts } from '../../src/agent-program/edge/told-alerts.ts';
import { tempFolder } from '../support/temp-folder.ts';

const to = { path: '/run/a.sock' };

function line(rule: string, state: AlertLine['state'] = 'firing', severity: AlertLine['severity'] = 'warning') {
  const at = '2026-11-22T23:00:00.000Z';
  return { host: 'web-1', rule, subject: '', state, severity, value: 1, limit: 'at least 90 %', at } as const;
}

const words = (lines: readonly AlertLine[]) => lines.map(({ rule, state, severity }) => `${rule} ${state} ${severity}`);

test('an alert that fires while sending is off is sent at the start, and its end too', (t) => {
  const place = tempFolder(t);
  const first = openToldAlerts(to, place);
  assert.deepEqual(words(first({ changes: [], open: [line('disk')] }, 1)), ['disk firing warning']);
  assert.deepEqual(first({ changes: [], open: [line('disk')] }, 2), []);
  // Nothing was sent while memory began, disk became critical, and later both ended.
  const again = openToldAlerts(to, place);
  const open = [line('disk', 'firing', 'critical'), line('memory')];
  assert.deepEqual(words(again({ changes: [], open }, 3)), ['disk firing critical', 'memory firing warning']);
  const last = openToldAlerts(to, place)({ changes: [], open: [] }, 4);
  assert.deepEqual(words(last), ['disk resolved critical', 'memory resolved warning']);
  assert.equal(last[0]?.at, '1970-01-01T00:00:00.004Z');
});

test('another receiver is sent what is open, and so is one whose record is damaged', (t) => {
  const place = tempFolder(t);
  const open = [line('disk')];
  openToldAlerts(to, place)({ changes: [], open }, 1);
  assert.equal(openToldAlerts({ host: '192.0.2.1', port: 7000 }, place)({ changes: [], open }, 1).length, 1);
  for (const damaged of ['', 'null', '[]', '{"to":{"path":"/run/a.sock"}}']) {
    writeFileSync(path.join(place, 'edge-told.json'), damaged, { mode: 0o600 });
    assert.equal(openToldAlerts(to, place)({ changes: [], open }, 1).length, 1, damaged);
  }
});

test('whatever happened while nothing was sent, the receiver knows the present state after the next report', (t) => {
  const rules = fc.uniqueArray(fc.constantFrom<string>('cpu', 'disk', 'load', 'memory'));
  fc.assert(
    fc.property(fc.array(fc.tuple(rules, fc.boolean()), { maxLength: 8 }), (steps) => {
      const place = tempFolder(t);
      const known = new Set<string>();
      let before: readonly string[] = [];
      let take = openToldAlerts(to, place);
      for (const [names, isSending] of steps) {
        const begun = names.filter((name) => !before.includes(name)).map((name) => line(name));
        const ended = before.filter((name) => !names.includes(name)).map((name) => line(name, 'resolved'));
        before = names;
        if (!isSending) {
          take = openToldAlerts(to, place);
          continue;
        }
        for (const { rule, state } of take(
          { changes: [...begun, ...ended], open: names.map((name) => line(name)) },
          1,
        )) {
          if (state === 'resolved') known.delete(rule);
          else known.add(rule);
        }
        assert.deepEqual([...known].sort(), [...names].sort());
      }
    }),
    { numRuns: 50 },
  );
});
