import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { CollectResult } from '../../src/collector/collect-options.ts';
import { makeFleet } from '../support/fleet.ts';

const fleet = makeFleet();
after(() => fleet.remove());

const names = Array.from({ length: 8 }, (_, index) => `client-${index}`);
const logFile = path.join(fleet.dir, 'wire.log');
const script = path.join(import.meta.dirname, '../support/collect-killable.ts');

/** Makes a pass; kills it so long after its visits began, unless it was faster. */
async function pass(killAfterMs: number | null): Promise<CollectResult | null> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, fleet.dir, logFile, ...names], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let result: CollectResult | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'begun' && killAfterMs !== null) {
      void sleep(killAfterMs).then(() => child.kill('SIGKILL'));
    } else if (line.startsWith('{')) {
      result = JSON.parse(line) as CollectResult;
    }
  }
  await ended;
  return result;
}

function onWire(kind: 'seen' | 'acknowledged'): ReadonlySet<string> {
  if (!existsSync(logFile)) return new Set();
  const lines = readFileSync(logFile, 'utf8').split('\n');
  return new Set(lines.flatMap((line) => (line.startsWith(`${kind} `) ? [line.slice(kind.length + 1)] : [])));
}

async function storedIds(): Promise<readonly string[]> {
  const rows = await fleet.query(
    'SELECT report_id FROM stats UNION ALL SELECT report_id FROM inventory_reports ORDER BY report_id',
  );
  return rows.map((row) => String(row['report_id']));
}

/** Everything that was acknowledged is here: a row, or a sealed file. */
async function assertNothingLost(): Promise<void> {
  const files = fleet.sealedFiles().map((name) => path.basename(name).slice(0, 36));
  const here = new Set([...files, ...(await storedIds())]);
  const lost = [...onWire('acknowledged')].filter((id) => !here.has(id));
  assert.deepEqual(lost, [], 'acknowledged and gone');
}

/** Numerical Recipes' generator: the same fractions at every run of the test. */
function fractions(seed: number, count: number): readonly number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  });
}

test('killed at twenty moments and run again: no report is lost, none is twice', { timeout: 300_000 }, async () => {
  assert.equal((await pass(null))?.exitStatus, 0);
  const whole = await pass(null);
  assert.ok(whole);
  const tookMs = whole.finishedAtMs - whole.startedAtMs;
  let killed = 0;
  for (const fraction of fractions(7, 20)) {
    if ((await pass(fraction * tookMs)) === null) killed++;
    await assertNothingLost();
  }
  assert.ok(killed >= 10, `only ${killed} passes were killed before their end`);
  assert.ok(onWire('acknowledged').size > 50);

  const last = await pass(null);
  assert.equal(last?.exitStatus, 0, JSON.stringify(last));
  assert.deepEqual(fleet.sealedFiles(), []);
  const stored = await storedIds();
  assert.equal(new Set(stored).size, stored.length, 'none is stored twice');
  const missing = [...onWire('seen')].filter((id) => !stored.includes(id));
  assert.deepEqual(missing, [], 'whatever a client sent came to be a row');
  for (const name of names) {
    const left = readdirSync(fleet.home(name), { recursive: true }).map(String);
    assert.ok(left.filter((file) => file.endsWith('.fhs')).length <= 1, 'at most the one whose deletion is under way');
  }
  const runs = await fleet.query('SELECT outcome, COUNT(*) AS n FROM runs GROUP BY outcome');
  const count = (outcome: string): number => Number(runs.find((row) => row['outcome'] === outcome)?.['n'] ?? 0);
  assert.equal(count('running'), 0, 'a killed run is known to have been killed');
  assert.equal(count('finished') + count('failed'), 23);
  assert.equal(count('failed'), killed);
});
