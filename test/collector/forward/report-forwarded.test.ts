import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CollectEvent } from '../../../src/collector/collect-options.ts';
import type { Forwarding } from '../../../src/collector/forward/forward.ts';
import { reportForwarded } from '../../../src/collector/forward/report-forwarded.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';

const sent: Forwarding = { reports: 0, documents: 0, left: 3, refused: [], fault: null };
const broken = new FleetError({ code: 'push-failed', stage: 'run', message: 'no route' });

/** Reports the result of forwarding. Returns the lines, and the faults of the run. */
function linesOf(over: Partial<Forwarding>, url: string | null = 'http://hq') {
  const lines: string[] = [];
  const observe = (event: CollectEvent): void => {
    if (event.kind === 'fault') lines.push(`${event.fault.code}: ${event.fault.message}`);
    if (event.kind === 'note') lines.push(event.message);
  };
  const faults: FleetError[] = [];
  reportForwarded({ observe, sent: { ...sent, ...over }, faults, url });
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

test('a site whose files another program carries says how many wait, and nothing of a link', () => {
  const lines = (text: string): readonly string[] => [`${text} to be carried to the other collector`];
  assert.deepEqual(linesOf({ left: 3, refused: ['web-1'] }, null), { lines: lines('3 reports wait'), faults: [] });
  assert.deepEqual(linesOf({ left: 1 }, null).lines, lines('1 report waits'));
  assert.deepEqual(linesOf({ left: 0, reports: 2 }, null), { lines: [], faults: [] });
});

test('of refused clients five are named, and the advice says where to look', () => {
  const refused = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const { lines } = linesOf({ left: 0, refused });
  assert.deepEqual(lines, ['report-foreign: http://hq refuses reports of a, b, c, d, e and 2 more']);
});
