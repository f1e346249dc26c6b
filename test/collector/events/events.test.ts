import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { EventDocuments } from '../../../src/collector/inbox/event-documents.ts';
import { EventIntake, EventsFull } from '../../../src/collector/events/events.ts';
import { StorageFault } from '../../../src/storage/sql/fault.ts';
import type { NewEvent } from '../../../src/storage/store/event-store.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { madeEvent } from './support/event-samples.ts';

/** A database in memory that can be made to fail. */
class Stored {
  readonly ids: string[] = [];
  readonly batches: number[] = [];
  fault: ((events: readonly NewEvent[]) => Promise<void> | void) | null = null;
  readonly faults: unknown[] = [];

  open(t: TestContext, stateDir: string): EventIntake {
    const intake = new EventIntake({
      waiting: new EventDocuments(statePaths(stateDir), (line) => this.faults.push(new Error(line))),
      store: async (events) => {
        await this.fault?.(events);
        this.batches.push(events.length);
        for (const { eventId } of events) if (!this.ids.includes(eventId)) this.ids.push(eventId);
      },
      close: () => Promise.resolve(),
      onFault: (thrown) => this.faults.push(thrown),
      onStored: () => undefined,
      onTakenUp: () => undefined,
    });
    t.after(() => intake.close());
    return intake;
  }

  async until(count: number): Promise<void> {
    while (this.ids.length < count) await sleep(10);
  }
}

/** Returns the folder of the events that wait. */
const waitingIn = (stateDir: string): string => path.join(stateDir, 'inbox', 'events');
const accept = (intake: EventIntake, ...ids: readonly string[]) =>
  Promise.all(ids.map((id) => intake.accept([madeEvent(id)], 100)));
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `e${String(index).padStart(4, '0')}`);
const away = () => {
  throw new StorageFault('lost', 'the database is away');
};

test('events that arrive together share a file, and keep their order', async (t) => {
  const stored = new Stored();
  const ids = numbered(1_000);
  await accept(stored.open(t, tempFolder(t)), ...ids);
  await stored.until(ids.length);
  assert.deepEqual(stored.ids, ids);
  assert.ok(stored.batches.length <= 3, `${stored.batches.length} commits`);
});

test('while the database is away events wait on disk, and are taken up in their order', async (t) => {
  const stored = new Stored();
  const folder = tempFolder(t);
  const intake = stored.open(t, folder);
  stored.fault = away;
  await accept(intake, 'a', 'b');
  await accept(intake, 'c');
  assert.equal(intake.queued, 3);
  assert.equal(readdirSync(waitingIn(folder)).length, 2);
  while (stored.faults.length === 0) await sleep(10);
  assert.equal(stored.faults.length, 1, 'said once');
  stored.fault = null;
  await accept(intake, 'd');
  await stored.until(4);
  assert.deepEqual(stored.ids, ['a', 'b', 'c', 'd']);
  // The last file is removed a moment before its folder is synced; `queued` counts until the sync.
  const waiting = (): number => intake.queued;
  while (waiting() > 0) await sleep(10);
  assert.deepEqual(readdirSync(waitingIn(folder)), []);
});

test('a database that is blocked keeps nobody waiting, and stores nothing twice', async (t) => {
  const stored = new Stored();
  const intake = stored.open(t, tempFolder(t));
  let free = (): void => undefined;
  const blocked = new Promise<void>((resolve) => (free = resolve));
  stored.fault = () => blocked;
  await accept(intake, 'a');
  await accept(intake, 'b');
  assert.equal(intake.queued, 2);
  free();
  await stored.until(2);
  assert.deepEqual(stored.ids, ['a', 'b']);
});

test('what a killed process has left is taken up at the next start, without damaged files', async (t) => {
  const folder = tempFolder(t);
  const dead = new Stored();
  dead.fault = away;
  const intake = dead.open(t, folder);
  await accept(intake, 'a');
  await accept(intake, 'b');
  await intake.close();
  const waiting = waitingIn(folder);
  const [first = ''] = readdirSync(waiting).sort();
  writeFileSync(path.join(waiting, first), '[{"eventId');
  writeFileSync(path.join(waiting, '.000000000009-1-1.json.part'), '[{"event');
  const stored = new Stored();
  await accept(stored.open(t, folder), 'c');
  await stored.until(2);
  assert.deepEqual(stored.ids, ['b', 'c']);
  while (stored.faults.length === 0) await sleep(10);
  assert.match(String(stored.faults[0]), /set-aside.* another form/);
  assert.ok(readdirSync(path.join(folder, 'set-aside', 'events')).includes(first));
});

test('an event that the database refuses holds up no other', async (t) => {
  const stored = new Stored();
  stored.fault = (events) => {
    if (events.some(({ eventId }) => eventId === 'e0003')) throw new StorageFault('refused', 'not this one');
  };
  await accept(stored.open(t, tempFolder(t)), ...numbered(8));
  await stored.until(7);
  while (stored.faults.length === 0) await sleep(10);
  assert.match(String(stored.faults[0]), /two runs could not store 1 record of it \(not this one\)/);
});

test('events that cannot be made durable are not acknowledged, and neither are too many', async (t) => {
  const stored = new Stored();
  const folder = path.join(tempFolder(t), 'file');
  writeFileSync(folder, '');
  stored.fault = away;
  const intake = stored.open(t, folder);
  await assert.rejects(accept(intake, 'a'), /ENOTDIR|EEXIST/);
  await assert.rejects(intake.accept([madeEvent('b')], 9 * 1024 * 1024), EventsFull);
  await intake.close();
  await assert.rejects(accept(intake, 'c'), EventsFull);
  assert.deepEqual(stored.ids, []);
});
