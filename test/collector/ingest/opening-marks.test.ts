// Second tier: ends a process at each place where a file is opened.
/** A report that crashes the run that opens it must not crash every later run. The run is a process of its own here. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { loadKeyRing } from '../../../src/collector/keys/key-ring.ts';
import { openMarks } from '../../../src/collector/ingest/opening-marks.ts';
import { statePaths, type StatePaths } from '../../../src/state-folder/paths.ts';
import { makeFleet, quarantined, type Fleet } from '../../support/fleets/fleet.ts';
import { isWide } from '../../support/long-tests.ts';
import { programArgs } from '../../support/programs/program-args.ts';
import { sealedSample } from '../../support/clients/sealed-report.ts';
import { makeSplitFleet } from '../../support/fleets/split-fleet.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const freshFile = (): string => path.join(tempFolder(), 'marks');
const program = path.join(import.meta.dirname, '../../support/fleets/collect-leftovers.ts');

test('a name is a suspect after one death, and deadly once two runs died with it alone', async () => {
  const file = freshFile();
  await openMarks(file).begin(['a', 'b']);
  const second = openMarks(file);
  assert.equal(second.deathsOf('a'), 0);
  assert.equal(second.isDeadly('a'), false);
  assert.equal(second.deathsOf('c'), null);
  await second.begin(['c']);
  second.end();
  await second.begin(['a']);
  const third = openMarks(file);
  assert.equal(third.deathsOf('a'), 1);
  assert.equal(third.isDeadly('a'), false);
  assert.equal(third.deathsOf('b'), 0);
  await third.begin(['a']);
  const fourth = openMarks(file);
  assert.equal(fourth.deathsOf('a'), null);
  assert.equal(fourth.isDeadly('a'), true);
  assert.equal(fourth.isDeadly('b'), false);
  await fourth.begin(['b']);
  fourth.end();
  const fifth = openMarks(file);
  assert.equal(fifth.deathsOf('a'), null);
  assert.equal(fifth.isDeadly('a'), false);
  assert.equal(fifth.deathsOf('b'), null);
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

/**
 * A fleet of ten good clients and a hostile one. Its reports wait in one of the two places from which reports are
 * opened.
 */
interface Waiting {
  readonly fleet: Fleet;
  readonly opener: StatePaths;
  readonly put: (client: string) => Promise<string>;
  readonly isThere: (reportId: string) => Promise<boolean>;
}

function inFiles(): Waiting {
  const fleet = makeFleet();
  const opener = statePaths(fleet.stateDir);
  const { sealing } = loadKeyRing(opener, Date.now());
  return {
    fleet,
    opener,
    put: (client) => {
      const { sealed, reportId } = sealedSample({ key: sealing, inside: { client } });
      mkdirSync(path.join(opener.encryptedStats, client), { recursive: true, mode: 0o700 });
      writeFileSync(path.join(opener.encryptedStats, client, `${reportId}.fhs`), sealed);
      return Promise.resolve(reportId);
    },
    isThere: (id) =>
      Promise.resolve(fleet.sealedFiles().some((name) => /^\w+\/[0-9a-f-]+\.fhs$/.test(name) && name.includes(id))),
  };
}

function inRows(): Waiting {
  const { fleet, opener, keyId } = makeSplitFleet();
  const { sealing } = loadKeyRing(opener, Date.now());
  return {
    fleet,
    opener,
    put: async (client) => {
      const { sealed, reportId } = sealedSample({ key: sealing, inside: { client } });
      const storage = await fleet.openStorage();
      const row = { client, reportId, keyId, runId: 'r', receivedAtMs: Date.now(), clock: null, sealed };
      await storage.reports.saveSealed([row]);
      await storage.close();
      return reportId;
    },
    isThere: async (id) => (await fleet.query(`SELECT id FROM sealed_reports WHERE report_id = '${id}'`)).length > 0,
  };
}

const places = { file: inFiles, row: inRows } as const;

for (const kind of isWide ? (['file', 'row'] as const) : (['file'] as const)) {
  test(`a ${kind} that ends runs is opened last and alone, and set aside after two deaths with it alone`, async () => {
    const { fleet, opener, put, isThere } = places[kind]();
    const evil = await put('evil');
    for (let number = 0; number < 10; number++) await put(`good-${number}`);
    const run = (): number | null => {
      const args = [...programArgs(program), `${kind}s`, fleet.dir, opener.dir, evil];
      return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 }).status;
    };
    assert.notEqual(run(), 0, 'the first run dies');
    await put('good-0');
    assert.notEqual(run(), 0, 'the second dies too');
    assert.equal(await fleet.count('stats'), 1, 'after what was not open with it');
    assert.notEqual(run(), 0, 'and the third');
    assert.equal(await fleet.count('stats'), 11, 'after all that the good clients said');
    assert.equal(run(), 1, 'the fourth tells of it and goes on');
    assert.deepEqual(quarantined(opener.dir), [{ client: 'evil', code: 'report-deadly' }]);
    assert.equal(run(), 0);
    assert.equal(await isThere(evil), false);
  });
}
