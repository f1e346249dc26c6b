import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { boundJournals } from '../../../src/collector/pass/journal-files.ts';
import { journalOf, keepForwarded, keepPushedVisit, type JournalFile } from '../../../src/collector/pass/journal.ts';
import { replayJournals } from '../../../src/collector/pass/replay-journals.ts';
import { RunRecord } from '../../../src/collector/pass/run-record.ts';
import { FleetError, type ErrorCode } from '../../../src/errors.ts';
import { siteId } from '../../../src/state/collector-id.ts';
import { StorageFault } from '../../../src/storage/sql/fault.ts';
import type { ReportStore, VisitRecord } from '../../../src/storage/store/storage.ts';
import type { RunEnd, RunStart } from '../../../src/storage/store/run.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const freshDir = (): string => path.join(tempFolder(), 'journal');

const startOf = (number: number): RunStart => runStart({ id: `run-${number}`, startedAtMs: 1000 * number });
const endOf = (start: RunStart): RunEnd => runEnd(start, { clients: 1, succeeded: 1, failed: 0 });
const visitOf = (start: RunStart, client: string, ok = true): VisitRecord =>
  visit({ runId: start.id, client, startedAtMs: start.startedAtMs + 10, ok });

function startJournal(dir: string, start: RunStart): JournalFile {
  const journal = journalOf(dir, start);
  journal.begin();
  return journal;
}

/** Returns a store that records its calls. `fails` selects the calls that throw. */
function tellTale(fails: () => ErrorCode | null = () => null): { store: ReportStore; notified: string[] } {
  const notified: string[] = [];
  const tell = (what: string): Promise<void> => {
    const code = fails();
    if (code !== null) {
      const refusal = new StorageFault('refused', code);
      const fault = new FleetError({ code, stage: 'storage', message: code });
      return Promise.reject(code === refusal.code ? refusal : fault);
    }
    notified.push(what);
    return Promise.resolve();
  };
  const store: ReportStore = {
    startRun: (run) => tell(`start ${run.id}`),
    endRun: (start, end) => tell(`end ${start.id} ${end.outcome} ${end.succeeded}/${end.clients}`),
    endForwardedRun: (start) => tell(`forwarded ${start.id}`),
    saveVisits: (visits) => tell(`visits ${visits.map(({ client }) => client).join(' ')}`),
    ingest: () => Promise.resolve([]),
    saveSealed: () => Promise.resolve([]),
    clientFacts: () => Promise.resolve(new Map()),
    saveLabels: () => Promise.resolve(),
    saveStateDisks: () => Promise.resolve([]),
  };
  return { store, notified };
}

test('what the database did not receive is stored in order and then forgotten', async () => {
  const dir = freshDir();
  for (const number of [2, 11, 1]) {
    const start = startOf(number);
    const journal = startJournal(dir, start);
    journal.visits([visitOf(start, `a${number}`), visitOf(start, `b${number}`)]);
    journal.end(endOf(start));
  }
  const { store, notified } = tellTale();
  const replay = await replayJournals(dir, store, 99_000);
  assert.deepEqual(replay, { runs: 3, visits: 6, refused: 0, dropped: 0, left: 0 });
  const records = [1, 2, 11].flatMap((number) => [`end run-${number} finished 1/1`, `visits a${number} b${number}`]);
  assert.deepEqual(notified, records);
  assert.deepEqual(readdirSync(dir), []);
});

test('a run that left no end was killed, and its last line may be cut off', async () => {
  const dir = freshDir();
  const start = startOf(1);
  startJournal(dir, start).visits([visitOf(start, 'a'), visitOf(start, 'b', false)]);
  const [name = ''] = readdirSync(dir);
  appendFileSync(path.join(dir, name), '{"kind":"end","end":{"id":"run-1","outc');
  const { store, notified } = tellTale();
  await replayJournals(dir, store, 99_000);
  assert.deepEqual(notified, ['end run-1 failed 1/2', 'visits a b']);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
});

test('a journal whose beginning is lost is passed over', async () => {
  const dir = freshDir();
  startJournal(dir, startOf(1));
  writeFileSync(path.join(dir, '000000000000002-x.jsonl'), '\0\0\0\0');
  const { store, notified } = tellTale();
  await replayJournals(dir, store, 99_000);
  assert.deepEqual(notified, ['end run-1 failed 0/0']);
  assert.deepEqual(readdirSync(dir), []);
});

test('a database that is away again stops the replay without loss', async () => {
  const dir = freshDir();
  for (const number of [1, 2]) startJournal(dir, startOf(number)).end(endOf(startOf(number)));
  const away = tellTale(() => 'storage-unavailable');
  await assert.rejects(replayJournals(dir, away.store, 99_000), { code: 'storage-unavailable' });
  assert.equal(readdirSync(dir).length, 2);
});

test('a journal that failed in two runs is set aside, people are told, and its other records are stored', async () => {
  const dir = freshDir();
  const start = startOf(1);
  startJournal(dir, start).visits([visitOf(start, 'good'), visitOf(start, 'bad')]);
  const { store, notified } = tellTale();
  const refusing: ReportStore = {
    ...store,
    saveVisits: (visits) =>
      visits.some(({ client }) => client === 'bad')
        ? Promise.reject(new RangeError('Invalid time value'))
        : store.saveVisits(visits),
  };
  const lines: string[] = [];
  const replay = () => replayJournals(dir, refusing, 99_000, { onSetAside: (line) => lines.push(line) });
  const first = await replay();
  assert.deepEqual([first.runs, first.visits, first.refused, lines], [1, 1, 1, []]);
  await replay();
  assert.deepEqual(notified.slice(0, 2), ['end run-1 failed 2/2', 'visits good']);
  const target = path.join(dir, 'set-aside', '000000000001000-run-1.jsonl');
  const what = `${target}: two runs could not store 1 record of it (Invalid time value). All others are stored.`;
  assert.deepEqual(lines, [`${what} To try again, move it one folder up; otherwise delete it.`]);
  renameSync(target, path.join(dir, path.basename(target)));
  assert.equal((await replayJournals(dir, store, 99_000)).visits, 2);
  assert.deepEqual(readdirSync(dir), ['set-aside']);
});

test('beyond its bound the oldest journals go', () => {
  const dir = freshDir();
  for (const number of [1, 2, 3]) startJournal(dir, startOf(number));
  const [first = ''] = readdirSync(dir);
  const { size } = statSync(path.join(dir, first));
  const { kept, dropped } = boundJournals(dir, 2 * size);
  const names = kept.map((file) => path.basename(file).slice(0, 15));
  assert.deepEqual([names, dropped], [['000000000002000', '000000000003000'], 1]);
});

/** Returns a record of a run, and the codes of its faults. */
function recordOf(dir: string, start: RunStart, store: ReportStore) {
  const faults: ErrorCode[] = [];
  const onFault = ({ code }: FleetError): void => void faults.push(code);
  return { record: new RunRecord({ store, journal: journalOf(dir, start), start, onFault }), faults };
}

test('what the database takes is not kept', async () => {
  const dir = freshDir();
  const start = startOf(1);
  const { store, notified } = tellTale();
  const { record, faults } = recordOf(dir, start, store);
  for (let number = 0; number < 450; number++) record.visit(visitOf(start, `c${number}`));
  await record.end(endOf(start));
  assert.equal(notified.map((line) => line.split(' ', 1)[0]).join(' '), 'start visits visits visits end');
  assert.deepEqual([faults, readdirSync(dir)], [[], []]);
});

test('a visit that the database does not take costs no other visit, no fault, and is tried in later runs', async () => {
  const dir = freshDir();
  const start = startOf(1);
  const { store, notified } = tellTale();
  const saveVisits: ReportStore['saveVisits'] = (visits) => {
    if (visits.some(({ client }) => client === 'c7')) throw new RangeError('Invalid time value');
    return store.saveVisits(visits);
  };
  const refusing = { ...store, saveVisits };
  const { record, faults } = recordOf(dir, start, refusing);
  for (let number = 0; number < 10; number++) record.visit(visitOf(start, `c${number}`));
  await record.end(endOf(start));
  const stored = notified.flatMap((line) => line.split(' ').filter((word) => /^c\d$/.test(word)));
  assert.deepEqual(stored, ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c8', 'c9']);
  assert.deepEqual([faults, notified.at(-1)], [[], 'end run-1 finished 1/1']);
  const lines: string[] = [];
  for (const times of [1, 2]) {
    const { runs, refused } = await replayJournals(dir, refusing, 99_000, { onSetAside: (line) => lines.push(line) });
    assert.deepEqual([runs, refused, lines.length], [1, 1, times - 1]);
  }
  assert.match(lines[0] ?? '', /1 record of it \(Invalid time value\)/);
});

test('a journal that cannot be written is a fault of the run, reported once the database is back', async () => {
  const dir = freshDir();
  writeFileSync(dir, 'a file where the folder should be');
  const start = startOf(1);
  const { store, notified } = tellTale();
  const { record, faults } = recordOf(dir, start, store);
  record.visit(visitOf(start, 'a'));
  await record.end(endOf(start));
  assert.deepEqual(notified, ['start run-1', 'visits a', 'end run-1 finished 1/1']);
  assert.deepEqual(faults, ['spool-full']);
});

test('once the database is gone, everything that follows is kept', async () => {
  const dir = freshDir();
  const start = startOf(1);
  let gone = false;
  const { store } = tellTale(() => (gone ? 'storage-unavailable' : null));
  const { record, faults } = recordOf(dir, start, store);
  for (let number = 0; number < 200; number++) record.visit(visitOf(start, `c${number}`));
  await new Promise((resolve) => setImmediate(resolve));
  gone = true;
  for (let number = 200; number < 250; number++) record.visit(visitOf(start, `c${number}`));
  await record.end(endOf(start));
  assert.deepEqual(faults, ['storage-unavailable']);
  const { store: later, notified } = tellTale();
  const replay = await replayJournals(dir, later, 99_000);
  assert.equal(replay.visits, 50);
  assert.equal(notified[0], 'end run-1 finished 1/1');
});

test('visits that clients began are stored together, are no run, and stay while the database is away', async () => {
  const dir = freshDir();
  for (const number of [1, 3]) await keepPushedVisit(dir, visitOf(startOf(number), `pushed${number}`));
  const start = startOf(2);
  startJournal(dir, start).end(endOf(start));
  const away = tellTale(() => 'storage-unavailable');
  await assert.rejects(replayJournals(dir, away.store, 99_000));
  assert.equal(readdirSync(dir).length, 3);
  const { store, notified } = tellTale();
  const replay = await replayJournals(dir, store, 99_000);
  assert.deepEqual(replay, { runs: 1, visits: 0, refused: 0, dropped: 0, left: 0 });
  assert.deepEqual(notified, ['end run-2 finished 1/1', 'visits pushed1 pushed3']);
  assert.deepEqual(readdirSync(dir), []);
});

/** Writes the records that a site has forwarded at a time: a run and `count` visits. */
async function forwardedRun(dir: string, site: string, number: number, count = 1): Promise<void> {
  const start = startOf(number);
  const visits = Array.from({ length: count }, () => visitOf(start, `${site}-${number}`));
  await keepForwarded({
    ...{ dir, site: siteId(site), newestMs: start.startedAtMs, id: siteId(String(number)) },
    lines: [
      { kind: 'visits', visits },
      { kind: 'forwarded', start, end: endOf(start) },
    ],
  });
}

test('the newest run of each site is stored first, then the others, oldest first', async () => {
  const dir = freshDir();
  for (const number of [1, 2, 3, 5]) await forwardedRun(dir, 'fra', number);
  for (const number of [4, 6]) await forwardedRun(dir, 'ber', number);
  const { store, notified } = tellTale();
  await replayJournals(dir, store, 99_000);
  const runs = notified.flatMap((line) => /^forwarded run-(\d)$/.exec(line)?.[1] ?? []);
  assert.equal(runs.slice(0, 2).toSorted().join(' '), '5 6');
  assert.equal(runs.slice(2).join(' '), '1 2 3 4');
  assert.deepEqual(readdirSync(dir), []);
});

test('a run of a site that cannot be stored stays for the next run, and costs no other record', async () => {
  const dir = freshDir();
  for (const number of [1, 2]) await forwardedRun(dir, 'fra', number);
  const { store, notified } = tellTale();
  const endForwardedRun: ReportStore['endForwardedRun'] = (start, end) =>
    start.id === 'run-1' ? Promise.reject(new RangeError('Invalid time value')) : store.endForwardedRun(start, end);
  const replay = await replayJournals(dir, { ...store, endForwardedRun }, 99_000);
  assert.deepEqual([replay.refused, readdirSync(dir).length], [1, 1]);
  assert.deepEqual(notified, ['forwarded run-2', 'visits fra-2 fra-1']);
  await replayJournals(dir, store, 99_000);
  assert.deepEqual([notified.includes('forwarded run-1'), readdirSync(dir)], [true, []]);
});

test('visits of sites are stored some thousand at a time, as long as there is time', async (t) => {
  const dir = freshDir();
  for (let number = 1; number <= 6; number += 1) await forwardedRun(dir, 'fra', number, 1000);
  const { store, notified } = tellTale();
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const slow: ReportStore = {
    ...store,
    saveVisits: (visits) => {
      nowMs += 100;
      return store.saveVisits(visits);
    },
  };
  const replay = await replayJournals(dir, slow, 99_000, { timeMs: 500 });
  assert.equal(replay.left, 4);
  assert.equal(notified.filter((line) => line.startsWith('visits')).length, 10);
  assert.equal(readdirSync(dir).length, 4);
});

test('a run of which neither the database nor the journal takes a visit has failed', async () => {
  const start = startOf(1);
  const { store } = tellTale(() => 'storage-unavailable');
  const lost = recordOf('/dev/null/journal', start, store);
  lost.record.visit(visitOf(start, 'c1'));
  assert.equal((await lost.record.end(endOf(start))).outcome, 'failed');
  assert.deepEqual([...new Set(lost.faults)].toSorted(), ['spool-full', 'storage-unavailable']);
  for (const [dir, into] of [
    [freshDir(), store],
    ['/dev/null/journal', tellTale().store],
  ] as const) {
    const kept = recordOf(dir, start, into);
    kept.record.visit(visitOf(start, 'c1'));
    assert.equal((await kept.record.end(endOf(start))).outcome, 'finished');
  }
});
