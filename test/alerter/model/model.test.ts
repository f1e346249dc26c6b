// Second tier: random stories beside a model.
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { messageOf } from '../../../src/platform/errors/errors.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';
import { isLong, isWide, skipUnlessWide } from '../../support/long-tests.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { knownBugs } from './known-bugs.ts';
import { story, type Step } from './steps.ts';
import { play } from './world.ts';

const seed = Number(process.env['PROPERTY_SEED'] ?? 20261126);
const onlyPath = process.env['PROPERTY_PATH'];
const again = `${isWide ? 'FLEET_HEALTH_WIDE_TESTS=1 ' : ''}node --import tsx --test test/alerter/model/model.test.ts`;

/** Plays a story on a database of its own. */
async function playOnce(steps: readonly Step[], dir: string): Promise<void> {
  await play(steps, sqliteConfig(path.join(dir, `${randomUUID()}.db`)));
}

for (const { name, story: steps, isFoundByModel = false, hasTest = !isFoundByModel } of knownBugs) {
  const skip = hasTest ? skipUnlessWide : false;
  test(`kept: ${name}`, { skip }, () => playOnce(steps, tempFolder()));
}

test('whatever happens, people know in time what they must, and are told nothing else', async () => {
  const dir = tempFolder();
  const numRuns = Number(process.env['PROPERTY_RUNS'] ?? (isLong ? 40 : isWide ? 8 : 1));
  const result = await fc.check(
    fc.asyncProperty(story, (steps) => playOnce(steps, dir)),
    {
      seed,
      numRuns,
      includeErrorInReport: true,
      endOnFailure: process.env['PROPERTY_SHRINK'] === undefined,
      ...(onlyPath === undefined ? {} : { path: onlyPath }),
    },
  );
  if (!result.failed) return;
  const { counterexamplePath, counterexample } = result;
  const words = JSON.stringify(counterexample?.[0]).replaceAll('"__proto__":null,', '');
  throw new Error(
    `after ${result.numRuns} stories: ${messageOf(result.errorInstance)}. ` +
      `PROPERTY_SEED=${seed} PROPERTY_PATH=${counterexamplePath ?? ''} ${again} fails again; with PROPERTY_SHRINK=1 ` +
      `it looks for a shorter story. ${words}`,
    { cause: result.errorInstance },
  );
});
