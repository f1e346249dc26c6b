/** The reports that are known to be safe already: those of earlier streams, and those in the spool. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { RememberedReports, spooledFinder } from '../../../src/collector/receive/known-reports.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { times } from '../../support/times.ts';

test('the newest 150 reports of a client are remembered by their bytes, and those of no other', () => {
  const remembered = new RememberedReports();
  const reports = times(151, (at) => Buffer.from(`report ${at}`));
  for (const report of reports.slice(0, 150)) remembered.add('web-1', report);
  assert.ok(reports.slice(0, 150).every((report) => remembered.has('web-1', report)));
  remembered.add('web-1', reports[150] ?? Buffer.alloc(0));
  assert.deepEqual(
    [0, 1, 150].map((at) => remembered.has('web-1', reports[at] ?? Buffer.alloc(0))),
    [false, true, true],
  );
  assert.equal(remembered.has('web-2', reports[1] ?? Buffer.alloc(0)), false);
});

test('a report is in the spool if a file of its id has its bytes, as of the first question', async (t) => {
  const dir = tempFolder(t);
  const folder = path.join(dir, 'web-1');
  mkdirSync(folder);
  const id = '01234567-89ab-4def-8123-456789abcdef';
  const other = id.replace('0', 'f');
  writeFileSync(path.join(folder, `${id}.5.-.-.-.fhs`), 'sealed');
  const isSpooled = spooledFinder(dir, 'web-1');
  assert.deepEqual(
    [
      await isSpooled(id, Buffer.from('sealed')),
      await isSpooled(id, Buffer.from('other')),
      await isSpooled(other, Buffer.from('sealed')),
      await spooledFinder(dir, 'web-2')(id, Buffer.from('sealed')),
    ],
    [true, false, false, false],
  );
  // A run has stored it meanwhile: it is written again, and known as a duplicate by then.
  rmSync(path.join(folder, `${id}.5.-.-.-.fhs`));
  assert.equal(await isSpooled(id, Buffer.from('sealed')), false);
});
