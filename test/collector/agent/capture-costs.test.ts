import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { loadCaptureCosts } from '../../../src/collector/agent/capture-costs.ts';
import type { FleetError } from '../../../src/platform/errors/errors.ts';
import { dayMs } from '../../../src/platform/units.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const root = tempFolder();
const fail = (fault: FleetError): never => assert.fail(fault);

test('a client whose captures have cost much goes last in this run and for a day, and for longer while they do', () => {
  const file = path.join(root, 'dear-captures');
  let nowMs = 5 * dayMs;
  const load = () => loadCaptureCosts({ file, nowMs, onFault: fail });
  const first = load();
  for (const client of ['dear', 'usual']) first.note(client, 60);
  assert.deepEqual([first.isDear('dear'), first.spentMs('dear')], [false, 60]);
  first.note('dear', 40);
  assert.deepEqual([first.isDear('dear'), first.isDear('usual'), first.spentMs('dear')], [true, false, 100]);
  first.save();
  nowMs += 0.9 * dayMs;
  const second = load();
  assert.deepEqual([second.isDear('dear'), second.isDear('usual'), second.spentMs('dear')], [true, false, 0]);
  second.note('dear', 100);
  second.save();
  nowMs += 0.9 * dayMs;
  assert.equal(load().isDear('dear'), true);
  nowMs += 0.1 * dayMs;
  assert.equal(load().isDear('dear'), false);
  assert.equal(readFileSync(file, 'utf8').match(/dear/g)?.length, 1);
});

test('a file that cannot be read or written is a fault of the run, which goes on', () => {
  const file = path.join(root, 'folder');
  mkdirSync(file);
  const faults: string[] = [];
  const costs = loadCaptureCosts({ file, nowMs: 1, onFault: ({ code }) => void faults.push(code) });
  costs.note('dear', 100);
  costs.save();
  assert.deepEqual([faults, costs.isDear('dear')], [['state-unusable'], true]);
});
