import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CollectEvent } from '../../../src/collector/collect-options.ts';
import type { Forwarding } from '../../../src/collector/forward/forward.ts';
import { reportForwarded } from '../../../src/collector/forward/report-forwarded.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';

const sent: Forwarding = { reports: 0, documents: 0, left: 3, refused: [], fault: null };
const broken = new FleetError({ code: 'push-failed', stage: 'run', message: 'no route' });

/** Reports the result of forwarding. Returns the lines, and the faults of the run. */
function linesOf(over: Partial<Forwarding>) {
  const lines: string[] = [];
  const observe = (event: CollectEvent): void => {
    if (event.kind === 'fault') lines.push(`${event.fault.code}: ${event.fault.message}`);
    if (event.kind === 'note') lines.push(event.message);
  };
  const faults: FleetError[] = [];
  reportForwarded({ observe, sent: { ...sent, ...over }, faults, url: 'http://hq' });
  return { lines, faults };
}

test('a broken link fails the run, and clients that are refused are said without that', () => {
  const wait = '0 reports forwarded to http://hq, 3 wait';
  assert.deepEqual(linesOf({ fault: broken }), { lines: [wait, 'push-failed: no route'], faults: [broken] });
  assert.deepEqual(linesOf({ refused: ['web-1', 'web-2'] }), {
    lines: [wait, 'report-foreign: http://hq refuses reports of web-1, web-2'],
    faults: [],
  });
  assert.deepEqual(linesOf({ reports: 3, left: 0 }).lines, ['3 reports forwarded to http://hq, 0 wait']);
  assert.deepEqual(linesOf({ left: 0 }).lines, []);
});
