import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CollectEvent, PassOptions } from '../../../src/collector/collect-options.ts';
import type { Forwarding } from '../../../src/collector/forward/forward.ts';
import { reportForwarded } from '../../../src/collector/forward/report-forwarded.ts';
import type { LinkState, SiteFacts } from '../../../src/collector/forward/site-facts.ts';
import { FleetError } from '../../../src/errors.ts';

const minuteMs = 60_000;
const sent: Forwarding = { reports: 0, records: 0, left: 3, refused: [], slow: null, isRefused: false, fault: null };
const broken = new FleetError({ code: 'push-failed', stage: 'run', message: 'no route' });

/** Makes a site whose runs report the results of forwarding. Each run returns its lines and its faults. */
function makeSite() {
  let link: LinkState = { failures: 0, loggedAtMs: null };
  const facts = { link: () => link, setLink: (state: LinkState) => void (link = state) } as SiteFacts;
  const runAt = (startedAtMs: number, over: Partial<Forwarding>) => {
    const lines: string[] = [];
    const observe = (event: CollectEvent): void => {
      if (event.kind === 'fault') lines.push(`fault: ${event.fault.message}`);
      if (event.kind === 'note') lines.push(event.message);
    };
    const pass = { observe, start: { startedAtMs } } as unknown as PassOptions;
    const faults: FleetError[] = [];
    reportForwarded({ pass, facts, sent: { ...sent, ...over }, faults, url: 'http://hq' });
    return { lines, faults };
  };
  return { runAt, link: () => link };
}

test('a broken link is a fault of every run, and a line once an hour', () => {
  const { runAt, link } = makeSite();
  const wait = '0 reports forwarded to http://hq, 3 wait';
  assert.deepEqual(runAt(0, { fault: broken }), { lines: [wait, 'fault: no route'], faults: [broken] });
  const later = runAt(5 * minuteMs, { fault: broken });
  assert.deepEqual(later, { lines: [wait, 'still: no route (push-failed)'], faults: [broken] });
  assert.deepEqual(runAt(60 * minuteMs, { fault: broken }).lines, [wait, 'fault: no route']);
  assert.deepEqual(link().failures, 3);
});

test('a link that is well again is forgotten, and its next break is a line at once', () => {
  const { runAt, link } = makeSite();
  runAt(0, { fault: broken });
  assert.deepEqual(runAt(5 * minuteMs, { reports: 3, left: 0 }).lines, ['3 reports forwarded to http://hq, 0 wait']);
  assert.deepEqual(link().failures, 0);
  assert.equal(runAt(10 * minuteMs, { fault: broken }).lines.at(-1), 'fault: no route');
});
