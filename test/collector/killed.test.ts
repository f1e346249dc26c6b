// Second tier: nine processes a round; faults.test.ts kills the programs too.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

import type { CollectResult } from '../../src/collector/collect-options.ts';
import { makeFleet, quarantined } from '../support/fleets/fleet.ts';
import { isLong } from '../support/long-tests.ts';
import { programArgs } from '../support/programs/program-args.ts';

const fleet = makeFleet();

const names = Array.from({ length: 8 }, (_, index) => `client-${index}`);
/** The number of rounds; each starts nine processes. */
const moments = isLong ? 20 : 10;
const logFile = path.join(fleet.dir, 'wire.log');
const script = path.join(import.meta.dirname, '../support/fleets/collect-killable.ts');

/** Makes a pass that kills itself at the moment, unless the pass ends earlier. Returns `null` if it was killed. */
async function pass(moment: string): Promise<CollectResult | null> {
  const args = [...programArgs(script), fleet.dir, logFile, moment, ...names];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return printed === '' ? null : (JSON.parse(printed) as CollectResult);
}

function onWire(kind: 'seen' | 'acknowledged'): ReadonlySet<string> {
  if (!existsSync(logFile)) return new Set();
  const lines = readFileSync(logFile, 'utf8').split('\n');
  return new Set(lines.flatMap((line) => (line.startsWith(`${kind} `) ? [line.slice(kind.length + 1)] : [])));
}

async function storedIds(): Promise<readonly string[]> {
  const both = 'SELECT report_id FROM stats UNION ALL SELECT report_id FROM inventory_reports';
  return (await fleet.column(`${both} ORDER BY report_id`)).map(String);
}

/** Checks that every acknowledged report is stored, as a row or a sealed file. */
async function assertNothingLost(): Promise<void> {
  const files = fleet.sealedFiles().map((name) => path.basename(name).slice(0, 36));
  const here = new Set([...files, ...(await storedIds())]);
  const lost = [...onWire('acknowledged')].filter((id) => !here.has(id));
  assert.deepEqual(lost, [], 'acknowledged and gone');
}

/**
 * Makes a pass to its end. A report that was being stored alone at two of the kills is then in quarantine. It is moved
 * back, as by an operator who has read the reason. Returns the last result and the number of passes.
 */
async function lastPass(): Promise<{ readonly result: CollectResult | null; readonly passes: number }> {
  const result = await pass('never');
  const reasons = quarantined(fleet.stateDir).map(({ code }) => code);
  if (reasons.length === 0) return { result, passes: 1 };
  assert.deepEqual([...new Set(reasons)], ['report-deadly'], JSON.stringify(result));
  const root = path.join(fleet.stateDir, 'encrypted_stats');
  for (const name of fleet.sealedFiles())
    renameSync(path.join(root, name), path.join(root, name.replace('quarantine/', '')));
  return { result: await pass('never'), passes: 2 };
}

/** Returns the fractions of the generator of Numerical Recipes: the same at every run of the test. */
function fractions(seed: number, count: number): readonly number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  });
}

test(`killed at ${moments} moments and run again: no report is lost, none is twice`, { timeout: 300_000 }, async () => {
  assert.equal((await pass('never'))?.exitStatus, 0);
  let killed = 0;
  let unfinished = 0;
  for (const fraction of fractions(7, moments)) {
    const place = fraction * (names.length + 1);
    if ((await pass(`${Math.floor(place)}+${Math.round((place % 1) * 80)}`)) === null) {
      killed++;
      // A pass that was killed after the end of its run was stored counts as finished.
      unfinished += (await fleet.query("SELECT id FROM runs WHERE outcome = 'running'")).length;
    }
    await assertNothingLost();
  }
  assert.ok(killed >= 0.6 * moments, `only ${killed} passes were killed before their end`);
  assert.ok(onWire('acknowledged').size > 2.5 * moments);

  const last = await lastPass();
  assert.equal(last.result?.exitStatus, 0, JSON.stringify(last.result));
  assert.deepEqual(fleet.sealedFiles(), []);
  const stored = await storedIds();
  assert.equal(new Set(stored).size, stored.length, 'none is stored twice');
  const missing = [...onWire('seen')].filter((id) => !stored.includes(id));
  assert.deepEqual(missing, [], 'whatever a client sent came to be a row');
  const halves = await fleet.query(`SELECT s.id, c.state, COUNT(m.stat_id) AS samples FROM stats s
    LEFT JOIN check_stats c ON c.stat_id = s.id AND c.check_name = 'said'
    LEFT JOIN series e ON e.client = s.client AND e.metric LIKE 'said %'
    LEFT JOIN samples m ON m.stat_id = s.id AND m.series_id = e.id
    GROUP BY s.id, c.state HAVING c.state IS NULL OR c.state <> 0 OR COUNT(m.stat_id) <> 2`);
  assert.deepEqual(halves, [], 'a report has its check, and the check its two samples');
  for (const name of names) {
    assert.ok(fleet.spooledAt(name).length <= 1, 'at most the one whose deletion is under way');
  }
  const runs = await fleet.query('SELECT outcome, COUNT(*) AS n FROM runs GROUP BY outcome');
  const count = (outcome: string): number => Number(runs.find((row) => row['outcome'] === outcome)?.['n'] ?? 0);
  assert.equal(count('running'), 0, 'a killed run is known to have been killed');
  assert.equal(count('finished') + count('failed'), moments + 1 + last.passes);
  // If a run was killed at its beginning, the database may learn of it only from the inbox.
  assert.ok(count('failed') >= unfinished && count('failed') <= killed, `${count('failed')} failed`);
  assert.ok(unfinished >= 0.6 * moments, `only ${unfinished} passes were killed before their end was written down`);
});
