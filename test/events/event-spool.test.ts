import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import fc from 'fast-check';

import { EventIntake } from '../../src/events/events.ts';
import { makeFleet } from '../support/fleet.ts';
import { changedJson, changes } from '../support/hostile-values.ts';
import { isWide } from '../support/long-tests.ts';
import { madeEvent } from './support/event-samples.ts';

const list = [{ ...madeEvent('changed'), tags: ['a', 'b'], value: 1.5, ttl: 60 }];
const content = fc.oneof(
  fc.uint8Array({ maxLength: 100 }).map((some) => Buffer.from(some)),
  changes.map((those) => Buffer.from(changedJson(list, those))),
);

test('no bytes in the spool of events keep the other events from being stored', async () => {
  const fleet = makeFleet();
  const storage = await fleet.openStorage();
  let number = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(content, { maxLength: 4 }), async (contents) => {
      const folder = path.join(fleet.dir, `events-${(number += 1)}`);
      mkdirSync(folder, { mode: 0o700 });
      const put = (place: number, bytes: Buffer | string): void =>
        writeFileSync(path.join(folder, `${String(place).padStart(12, '0')}-1-7.json`), bytes);
      for (const [place, bytes] of contents.entries()) put(place, bytes);
      symlinkSync('/nowhere', path.join(folder, '000000000004-1-7.json'));
      mkdirSync(path.join(folder, '000000000005-1-7.json'));
      put(9, JSON.stringify([madeEvent(`good-${number}`)]));
      const intake = new EventIntake({
        ...{ folder, store: (events) => storage.events.saveEvents(events), close: () => Promise.resolve() },
        ...{ onFault: () => undefined, onTakenUp: () => undefined },
      });
      const queued = (): number => intake.queued;
      while (queued() > 0) await sleep(2);
      await intake.close();
      assert.equal(await fleet.count(`events WHERE event_id = 'good-${number}'`), 1);
      const left = readdirSync(folder).filter((name) => name.endsWith('.json'));
      assert.deepEqual(left, ['000000000004-1-7.json', '000000000005-1-7.json']);
      return (await storage.events.unprocessedEvents(1000)).length > 0;
    }),
    { numRuns: isWide ? 500 : 40 },
  );
  await storage.close();
});
