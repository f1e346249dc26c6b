/** Clients that are missed: since when, by which runs, and what explains the silence. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { configOf } from '../support/config-of.ts';
import { client, lost, run, seen, startPasses } from '../support/fleet-passes.ts';
import { at } from '../support/rows.ts';

const config = configOf(`<alerts zone="UTC"/>${client('web-1')}`);
const runsOf = (...times: readonly string[]) => times.map((time) => run(time));
/** A client that was visited until 08:21, and has reported at 08:00. */
const silent = seen('web-1', '08:00', { lastVisitAtMs: at('08:21') });

test('an alert of a missed client has the first missed run, the limit, and the run that made it fire', () => {
  const { pass, stored } = startPasses(config);
  const shown = () =>
    [...stored.values()].map(({ limitText, firstEvidence, pendingSinceMs, firingSinceMs, changedByRun, sequence }) => {
      return [limitText, firstEvidence, pendingSinceMs, firingSinceMs, changedByRun, sequence];
    });
  pass('08:06', runsOf('08:00', '08:05'), { seen: [silent] });
  const begun = ['none in 3 runs', 'run of 08:05/web-1', at('08:05')];
  assert.deepEqual(shown(), [[...begun, null, null, 0]]);
  pass('08:16', runsOf('08:00', '08:05', '08:10', '08:15'), { seen: [silent] });
  assert.deepEqual(shown(), [[...begun, at('08:16'), 'run of 08:15', 1]]);
});

test('a client that no run has missed yet is missed from the pass on that finds it so', () => {
  const { pass, stored } = startPasses(config);
  assert.deepEqual(pass('08:16', runsOf('08:10', '08:15'), { seen: [] }), ['web-1 no-report pending']);
  const [alert] = stored.values();
  assert.deepEqual([alert?.pendingSinceMs, alert?.firstEvidence], [at('08:16'), 'none/web-1']);
});

test('a run that finished before a client was seen first does not miss it', () => {
  const fresh = seen('web-1', null, { firstSeenMs: at('08:08'), lastVisitAtMs: at('08:21') });
  const early = runsOf('07:55', '08:00', '08:05', '08:10', '08:15');
  assert.deepEqual(startPasses(config).pass('08:17', early, { seen: [fresh] }), ['web-1 no-report pending']);
  const later = runsOf('08:10', '08:15', '08:20');
  assert.deepEqual(startPasses(config).pass('08:22', later, { seen: [fresh] }), ['web-1 no-report firing']);
});

test('a fault of visits that begins later explains what was missed, and one that is over does not', () => {
  const { pass, stored } = startPasses(config);
  const runs = runsOf('08:05', '08:10', '08:15');
  assert.deepEqual(pass('08:06', runs.slice(0, 1), { seen: [silent] }), ['web-1 no-report pending']);
  for (const alert of lost(config, ['08:05', '08:10'], 'dns', ['web-1'])) stored.set(9, { ...alert, id: 9 });
  const explained = pass('08:11', runs.slice(0, 2), { seen: [silent] });
  assert.deepEqual(explained, ['web-1 no-report unconfirmed 08:11']);
  const [fault] = lost(config, ['08:05', '08:10'], 'dns', ['web-1']);
  assert.ok(fault !== undefined);
  const returning = { ...fault, progress: { ...fault.progress, clearing: 1 } };
  assert.deepEqual(startPasses(config, [returning]).pass('08:16', runs, { seen: [silent] }), [
    'web-1 no-report firing',
  ]);
});

test('a client that pushes and has never reported is missed like any other', () => {
  const pushes = configOf('<client name="web-1" transport="push" every="10m"/>');
  const never = seen('web-1', null, { lastVisitAtMs: at('08:21') });
  const runs = runsOf('08:05', '08:10', '08:15');
  assert.deepEqual(startPasses(pushes).pass('08:16', runs, { seen: [never] }), ['web-1 no-report firing']);
});

test('a client whose rules leave no-report out is not missed', () => {
  const two = configOf(
    `${client('web-1')}<client name="web-2" ip="192.0.2.2" username="u"><alert name="no-report" enabled="no"/></client>`,
  );
  const both = [silent, { ...silent, name: 'web-2' }];
  const runs = runsOf('08:05', '08:10', '08:15');
  assert.deepEqual(startPasses(two).pass('08:16', runs, { seen: both }), ['web-1 no-report firing']);
});

test('a report as old as the alert ends it without a span', () => {
  const { pass, stored } = startPasses(config);
  pass('08:06', runsOf('08:05'), { seen: [silent] });
  const back = { ...silent, lastReportAtMs: at('08:05') };
  assert.deepEqual(pass('08:07', runsOf('08:05'), { seen: [back] }), ['web-1 no-report unconfirmed 08:05']);
  assert.equal([...stored.values()][0]?.valueText, 'a report came at Fri 20 Nov 08:05');
});
