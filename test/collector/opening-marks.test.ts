/** A report whose opening ends the run must not end every later one: the run is a process of its own here, and dies. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { loadKeyRing } from '../../src/collector/key-ring.ts';
import { openMarks } from '../../src/collector/opening-marks.ts';
import { statePaths } from '../../src/paths.ts';
import { makeFleet, quarantined } from '../support/fleet.ts';
import { programArgs } from '../support/program-args.ts';
import { sealedSample } from '../support/sealed-report.ts';
import { worker } from '../report/sample-report.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'fh-marks-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const freshFile = (): string => path.join(folder, `marks-${files++}`);
const program = path.join(import.meta.dirname, '../support/collect-leftovers.ts');

test('a name is a suspect after one death, and deadly once two runs died with it alone', async () => {
  const file = freshFile();
  await openMarks(file).begin(['a', 'b']);
  const second = openMarks(file);
  assert.deepEqual([second.deathsOf('a'), second.isDeadly('a'), second.deathsOf('c')], [0, false, null]);
  await second.begin(['c']);
  second.end();
  await second.begin(['a']);
  const third = openMarks(file);
  assert.deepEqual([third.deathsOf('a'), third.isDeadly('a'), third.deathsOf('b')], [1, false, 0]);
  await third.begin(['a']);
  const fourth = openMarks(file);
  assert.deepEqual([fourth.deathsOf('a'), fourth.isDeadly('a'), fourth.isDeadly('b')], [null, true, false]);
  await fourth.begin(['b']);
  fourth.end();
  const fifth = openMarks(file);
  assert.deepEqual([fifth.deathsOf('a'), fifth.isDeadly('a'), fifth.deathsOf('b')], [null, false, null]);
});

test('whatever stands in the place of the marks, no run is stopped and nothing is followed', async () => {
  const kinds: readonly ((file: string) => void)[] = [
    (file) => symlinkSync('/etc/passwd', file),
    (file) => mkdirSync(file),
    (file) => writeFileSync(file, 'no JSON'),
    (file) => writeFileSync(file, '{"open":[1],"deaths":{}}'),
    (file) => writeFileSync(file, '{"open":["a"],"deaths":{"a":"x"}}'),
  ];
  for (const make of kinds) {
    const file = freshFile();
    make(file);
    const marks = openMarks(file);
    assert.equal(marks.deathsOf('a'), null);
    await marks.begin(['a']);
    marks.end();
  }
  assert.match(readFileSync('/etc/passwd', 'utf8'), /^root:/);
});

test('a file that ends runs is opened last and alone, and is set aside once two of them died with it alone', async () => {
  const fleet = makeFleet();
  try {
    const paths = statePaths(fleet.stateDir);
    const { sealing } = loadKeyRing(paths, Date.now());
    const put = (client: string, bytes?: number): string => {
      const data = Array.from({ length: (bytes ?? 0) / 250 }, (_, at) => ({ mount: `/${at}${'x'.repeat(230)}` }));
      const inside = { client, worker_reports: [worker('disks', [{ name: 'disk', data: data.slice(0, 1000) }])] };
      const { sealed, reportId } = sealedSample({ key: sealing, inside });
      mkdirSync(path.join(paths.encryptedStats, client), { recursive: true, mode: 0o700 });
      writeFileSync(path.join(paths.encryptedStats, client, `${reportId}.fhs`), sealed);
      return reportId;
    };
    const evil = put('evil');
    for (let number = 0; number < 10; number++) put(`good-${number}`);
    const run = (): number | null => {
      const args = ['--max-old-space-size=256', ...programArgs(program), fleet.dir, evil];
      return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 }).status;
    };
    const storedClients = async (): Promise<number> => (await fleet.query('SELECT client FROM stats')).length;
    assert.notEqual(run(), 0, 'the first run dies');
    put('good-0');
    assert.notEqual(run(), 0, 'the second dies too');
    assert.equal(await storedClients(), 1, 'after what was not open with it');
    assert.notEqual(run(), 0, 'and the third');
    assert.equal(await storedClients(), 11, 'after all that the good clients said');
    assert.equal(run(), 1, 'the fourth tells of it and goes on');
    assert.deepEqual(quarantined(fleet), [{ client: 'evil', code: 'report-deadly' }]);
    assert.equal(run(), 0);
    assert.equal(existsSync(path.join(paths.encryptedStats, 'evil', `${evil}.fhs`)), false);
  } finally {
    fleet.remove();
  }
});
