// Second tier: random configurations and times.
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import fc from 'fast-check';

import type { DueMail } from '../../src/alerter/dispatch/notification-plan.ts';
import type { StorageConfig } from '../../src/config/config.ts';
import { FleetError } from '../../src/platform/errors/errors.ts';
import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { isWide } from '../support/long-tests.ts';
import { skipWithoutMariadb, sharedMariadb, type SharedMariadb } from '../support/databases/mariadb.ts';
import { configOf } from './support/config-of.ts';
import { at } from './support/rows.ts';
import { openStation } from './support/station.ts';
import { UnnotifiedWorld } from './support/unnotified-world.ts';
import { elementsOf, everyMinutes, Reader, trial, type ReadMail, type Trial } from './support/unnotified.ts';
import { tempFolder } from '../support/temp-folder.ts';

const minuteMs = 60_000;

/** Returns the content of a mail as its reader sees it. */
function readMail({ recipient, items, sections }: DueMail): ReadMail {
  const open = sections.filter(({ kind }) => kind === 'critical' || kind === 'open');
  const lines = open.flatMap(({ rules }) => rules.flatMap((rule) => rule.lines));
  const parentsGone = lines.flatMap(({ fold, items: [first] }) =>
    fold?.kind === 'parent' && first?.severity === 'critical' ? [fold.name] : [],
  );
  return { recipient, items, parentsGone };
}

/** True if the configuration of the trial is valid. */
function isConfig(given: Trial): boolean {
  try {
    configOf(elementsOf(given));
    return true;
  } catch (thrown) {
    if (thrown instanceof FleetError) return false;
    throw thrown;
  }
}

/** Plays the trial with rows in a database, the alerter with its clock, and the mails that a mail server accepted. */
async function playThroughPrograms(given: Trial, storage: StorageConfig): Promise<void> {
  const station = await openStation({ storage, elements: elementsOf(given), smtp: 'maxMailsPerHour="1000"' });
  try {
    const reader = new Reader(given);
    for (const [index, says] of given.runs.entries()) {
      station.at(at('08:00') + index * everyMinutes * minuteMs);
      for (const { from, runs: lasting, client, rule } of given.silences) {
        if (from !== index) continue;
        const startsAtMs = station.nowMs();
        const endsAtMs = startsAtMs + lasting * everyMinutes * minuteMs;
        const selected = { client, rule, subject: '', author: 'kim', comment: '' };
        await station.storage.operator.addSilence({ ...selected, startsAtMs, endsAtMs });
      }
      if (says !== null) await station.collect(says);
      reader.run(index);
      if (index % given.passEvery !== 0) continue;
      station.at(station.nowMs() + minuteMs);
      const { arrived } = await station.pass();
      for (const { mail } of arrived) if (mail !== null) reader.read(readMail(mail));
      reader.check(index);
    }
  } finally {
    await station.close();
  }
}

/** Plays the trial with the functions that the alerter calls. */
function playThroughFunctions(given: Trial): void {
  const world = new UnnotifiedWorld(configOf(elementsOf(given)));
  const reader = new Reader(given);
  for (const [index, says] of given.runs.entries()) {
    const atMs = at('08:00') + index * everyMinutes * minuteMs;
    for (const { from, runs: lasting, client, rule } of given.silences) {
      const endsAtMs = atMs + lasting * everyMinutes * minuteMs;
      if (from === index) world.silence({ client, rule, startsAtMs: atMs, endsAtMs });
    }
    if (says !== null) world.collect(atMs, says);
    reader.run(index);
    if (index % given.passEvery !== 0) continue;
    for (const mail of world.pass(atMs + minuteMs)) reader.read(readMail(mail));
    reader.check(index);
  }
}

/**
 * Returns the parameters of a property. PROPERTY_RUNS multiplies the runs, PROPERTY_SEED repeats earlier runs,
 * PROPERTY_SHRINK searches for a small counterexample.
 */
function parameters(usual: number): fc.Parameters<unknown> {
  const seed = Number(process.env['PROPERTY_SEED'] ?? 20261121);
  return {
    seed,
    numRuns: Math.ceil((isWide ? 1 : 0.1) * usual * Number(process.env['PROPERTY_RUNS'] ?? 1)),
    includeErrorInReport: true,
    endOnFailure: process.env['PROPERTY_SHRINK'] === undefined,
  };
}

test('by its functions: whatever stays critical and is not muted is notified in time, or what stands for it is', () => {
  fc.assert(fc.property(trial.filter(isConfig), playThroughFunctions), parameters(200));
});

test('by the alerter and a mail server: what stays critical, or what stands for it, is notified in time', async () => {
  const dir = tempFolder();
  const play = (given: Trial): Promise<void> =>
    playThroughPrograms(given, sqliteConfig(path.join(dir, `${randomUUID()}.db`)));
  await fc.assert(fc.asyncProperty(trial.filter(isConfig), play), parameters(5));
});

describe('on MariaDB', { skip: skipWithoutMariadb || (!isWide && 'npm run test:wide') }, () => {
  let mariadb: SharedMariadb;
  before(async () => {
    mariadb = await sharedMariadb();
  });
  after(() => mariadb.stop());

  test('by the alerter and a mail server: whatever stays critical is notified in time', async () => {
    const play = async (given: Trial): Promise<void> =>
      playThroughPrograms(given, (await mariadb.createDatabase()).storage);
    await fc.assert(fc.asyncProperty(trial.filter(isConfig), play), parameters(2));
  });
});
