/** States that depend on what a client reported before. */
import assert from 'node:assert/strict';

import type { IngestItem } from '../../../src/storage/store/storage.ts';
import { onEachDatabase, type Opened } from '../support/databases.ts';
import { check, item, noonMs } from '../support/samples.ts';

const hourMs = 3_600_000;
const files = (lines: Readonly<Record<string, string | number>>): string =>
  Object.entries(lines)
    .map(([file, text]) => `${file}=${text}`)
    .join('\n');

/** Returns a report in a boot of its own, with an array that lacks disks or with errors of ext4. */
function report(
  hour: number,
  { missing, errors }: { readonly missing?: number; readonly errors?: number },
): IngestItem {
  const md = files({
    '/md/array_state': 'clean',
    '/md/level': 'raid1',
    '/md/raid_disks': 3,
    '/md/degraded': missing ?? 0,
  });
  return item({
    observedAtMs: noonMs + hour * hourMs,
    bootId: `boot-${hour}`,
    checks: [
      ...(missing === undefined ? [] : [check('md:md0', 0, md, { format: 'device' })]),
      ...(errors === undefined ? [] : [check('ext4:sda1', 0, `/errors_count=${errors}`, { format: 'device' })]),
    ],
  });
}

const statesSql = 'SELECT observed_at, check_name, state FROM check_stats ORDER BY observed_at, check_name';
const states = async ({ rows }: Opened): Promise<readonly unknown[]> => (await rows(statesSql)).map((row) => row[2]);

onEachDatabase('earlier results', ({ it }) => {
  it('an array of which a disk is lost is critical over boots, until it is whole', async (opened) => {
    const reports = [1, 1, 2, 2, 1, 0, 1].map((missing, hour) => report(hour, { missing }));
    for (const one of reports) await opened.reports.ingest([one]);
    assert.deepEqual(await states(opened), [0, 0, 2, 2, 0, 0, 2]);
  });

  it('reports that arrive together have the same states, in any order', async (opened) => {
    const reports = [1, 1, 2, 2, 1, 0, 1].map((missing, hour) => report(hour, { missing }));
    await opened.reports.ingest([0, 2, 1].flatMap((at) => reports[at] ?? []));
    await opened.reports.ingest([5, 3, 6, 4].flatMap((at) => reports[at] ?? []));
    assert.deepEqual(await states(opened), [0, 0, 2, 2, 0, 0, 2]);
  });

  it('errors of a file system are new once, also the first ones after a clean report', async (opened) => {
    for (const [hour, errors] of [2, 2, 3, 0, 1, 1].entries()) await opened.reports.ingest([report(hour, { errors })]);
    assert.deepEqual(await states(opened), [1, 1, 2, 2, 1]);
  });

  it('are of the same client alone', async (opened) => {
    await opened.reports.ingest([report(0, { missing: 0, errors: 0 })]);
    const other = report(1, { missing: 2, errors: 5 });
    await opened.reports.ingest([{ ...other, client: 'web-2', report: { ...other.report, client: 'web-2' } }]);
    assert.deepEqual(await states(opened), [0, 1, 1]);
  });
});
