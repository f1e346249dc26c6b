/** The order in which a site sends its files, and what becomes of one that cannot be read. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { waitingFiles, type WaitingFilesOptions } from '../../../src/collector/forward/waiting-files.ts';
import type { SpooledReport } from '../../../src/collector/sealed-reports/sealed-names.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const dir = tempFolder();
const minute = 60_000;
const report = (client: string | null, receivedAtMs: number): SpooledReport => ({
  ...{ client, origin: null, receivedAtMs, clock: null, bytes: 4096 },
  file: path.join(dir, client ?? 'unnamed', `11111111-2222-4333-8444-555555555555.${receivedAtMs}.fhs`),
});
const document = (atMs: number): string => path.join(dir, `${String(atMs).padStart(15, '0')}-run.json`);
const none = { reports: [], documents: [] };

function filesOf(more: Partial<WaitingFilesOptions>) {
  const told: string[] = [];
  const files = waitingFiles({
    ...{ present: none, backlog: none, refusedBefore: [] },
    spool: { remove: ({ client }) => void told.push(`removed ${client ?? ''}`) },
    onDamaged: ({ client }, reason) => told.push(`${client ?? ''}: ${reason}`),
    onUnreadable: (file, reason) => told.push(`${path.basename(file)}: ${reason}`),
    ...more,
  });
  return { files, told };
}
const timesOf = (more: Partial<WaitingFilesOptions>): readonly number[] =>
  filesOf(more).files.map(({ name }) => Number(name.endsWith('.fhs') ? name.split('.')[1] : name.slice(0, 15)));

test('what is new goes first, reports before records; then what waits, oldest first', () => {
  const present = { reports: [report('a', 9), report('b', 8)], documents: [document(7)] };
  const backlog = { reports: [report('a', 5 * minute), report('b', minute)], documents: [document(2 * minute)] };
  assert.deepEqual(timesOf({ present, backlog }), [9, 8, 7, minute, 2 * minute, 5 * minute]);
});

for (const [reportMs, isReportFirst] of [
  [2 * minute - 1, true],
  [2 * minute + 1, false],
] as const) {
  test(`the record of a run counts as a minute later than its name says: a report at ${reportMs} ms`, () => {
    const backlog = { reports: [report('a', reportMs)], documents: [document(minute)] };
    assert.deepEqual(timesOf({ backlog }), isReportFirst ? [reportMs, minute] : [minute, reportMs]);
  });
}

test('clients that were refused before go last, new reports too, and no record does', () => {
  const present = { reports: [report('refused', 3), report('web', 4)], documents: [document(5)] };
  const backlog = { reports: [report('refused', 1), report(null, 2)], documents: [] };
  assert.deepEqual(timesOf({ present, backlog, refusedBefore: ['refused'] }), [4, 5, 2, 3, 1]);
});

test('a report is sent under its client’s folder, with its client; a record in the folder of records', () => {
  // The folder of a long name is a hash.
  const long = { ...report('long', 3), file: report('%h0', 3).file };
  const { files } = filesOf({
    present: { reports: [report('web', 4), long, report(null, 2)], documents: [document(5)] },
  });
  assert.deepEqual(
    files.map(({ folder, client }) => [folder, client]),
    [
      ['web', 'web'],
      ['%h0', 'long'],
      ['unnamed', 'unnamed'],
      ['collector', null],
    ],
  );
});

test('a file that cannot be read is told with its reason; one that a person removed is not', () => {
  const [reported, recorded] = filesOf({ present: { reports: [report('web', 4)], documents: [document(5)] } }).files;
  const { files, told } = filesOf({ present: { reports: [report('web', 4)], documents: [document(5)] } });
  for (const file of files) {
    file.onUnreadable(new Error('damaged'));
    file.onUnreadable(Object.assign(new Error('gone'), { code: 'ENOENT' }));
  }
  assert.deepEqual(told, [`web: damaged`, '000000000000005-run.json: damaged', '000000000000005-run.json: gone']);
  assert.throws(() => reported?.read(), { code: 'ENOENT' });
  assert.throws(() => recorded?.read(), { code: 'ENOENT' });
});

test('what was acknowledged is removed: a report from the spool, a record from its folder', () => {
  const file = document(5);
  writeFileSync(file, '{}');
  const { files, told } = filesOf({ present: { reports: [report('web', 4)], documents: [file] } });
  assert.equal(files[1]?.read().toString(), '{}');
  for (const one of files) one.remove();
  assert.deepEqual([told, existsSync(file)], [['removed web'], false]);
});
