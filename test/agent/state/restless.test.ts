/** Paths that change all the time use up no looks at the state, and real changes are seen beside them. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { openSource } from '../../../agent/live/live-source.ts';
import { readState } from '../../../agent/state/collect-state.ts';
import { liveState } from '../../../agent/state/live-state.ts';
import { looksName } from '../../../agent/state/watched.ts';
import { watchName } from '../../../agent/spool/stamp.ts';
import type { Report } from '../../../src/report/report.ts';
import { stateAttempt } from '../../../src/report/state/state-due.ts';
import { isWide } from '../../support/long-tests.ts';
import { awks, shells } from '../../support/clients/shell-client.ts';
import { rootWith, shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const beganMs = Date.UTC(2026, 10, 20, 0, 1);

const files = {
  'etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
  'etc/app/data.db': 'a',
  'etc/app/status': 'a',
  'etc/nginx/nginx.conf': 'a',
  'etc/systemd/system/a.service': '[Service]\n',
  'proc/uptime': '1000.5 1.0\n',
};

const fileItems = (report: Partial<Report> | null): readonly string[] =>
  report?.sections?.find(({ kind }) => kind === 'file')?.lines?.filter((line) => line.endsWith('\trestless')) ?? [];

/** Lives with a machine that a collector visits: each visit changes files, and looks at the state if a look is due. */
function lab(root: string, place: string) {
  let nowMs = beganMs;
  let facts: Parameters<typeof stateAttempt>[0]['facts'];
  const live = liveState(openSource(root, place), root);
  const source = { ...live, reader: { ...live.reader, nowMs: () => nowMs } };
  const stamp = (): string =>
    readFileSync(path.join(place, watchName), 'utf8')
      .split('\n')
      .map((one) => live.paths.statusOf(one))
      .join();
  const looks: { readonly atMs: number; readonly report: Partial<Report> }[] = [];
  return {
    looks,
    /** Visits every five minutes for a time. Before each visit `change` gets its number. */
    visits: async (count: number, change: (visit: number) => void): Promise<void> => {
      for (let visit = 0; visit < count; visit++, nowMs += 5 * minuteMs) {
        change(visit);
        const runs = stateAttempt({ facts, stamp: looks.length === 0 ? '' : stamp(), booted: false, nowMs });
        if (runs === null) continue;
        const { report = {} } = await readState(source, { options: {}, deadlineMs: 9000 });
        looks.push({ atMs: nowMs, report });
        facts = { stateStamp: stamp(), stateAtMs: nowMs, stateRuns: runs, stateWantedAtMs: null };
      }
    },
  };
}

/** Changes at every visit, and the paths that are named restless. */
const restless: readonly (readonly [
  string,
  change: (root: string, visit: number) => void,
  named: readonly string[],
])[] = [
  ['a file', (root, n) => writeFileSync(path.join(root, 'etc/app/data.db'), 'a'.repeat(n % 97)), ['/etc/app/data.db']],
  [
    'two files by turns',
    (root, n) => appendFileSync(path.join(root, 'etc/app', n % 2 === 0 ? 'data.db' : 'status'), 'a'),
    ['/etc/app/data.db', '/etc/app/status'],
  ],
  [
    'a file and its folder, as a database with a journal',
    (root, n) => {
      const journal = path.join(root, 'etc/app/data.db-journal');
      writeFileSync(path.join(root, 'etc/app/data.db'), String(n));
      if (n % 2 === 0) writeFileSync(journal, String(n));
      else rmSync(journal);
    },
    ['/etc/app', '/etc/app/data.db', '/etc/app/data.db-journal'],
  ],
];
for (const [what, change, named] of restless) {
  test(`${what} that changes at every visit uses up no looks, and real changes are seen at the next visit`, async (t) => {
    const root = rootWith(tempFolder(t), files);
    const machine = lab(root, tempFolder(t));
    const perDay = dayMs / (5 * minuteMs);
    const real = path.join(root, 'etc/nginx/nginx.conf');
    await machine.visits(3 * perDay, (visit) => {
      change(root, visit);
      // A person changes another file in the evening of each day.
      if (visit % perDay === perDay - 40) appendFileSync(real, 'a');
    });
    const days = [0, 1, 2].map(
      (day) => machine.looks.filter(({ atMs }) => Math.floor((atMs - beganMs) / dayMs) === day).length,
    );
    assert.ok((days[0] ?? 0) <= 12 && (days[1] ?? 9) <= 3 && (days[2] ?? 9) <= 3, `looks a day: ${days.join()}`);
    for (const day of [0, 1, 2])
      assert.ok(
        machine.looks.some(({ atMs }) => atMs === beganMs + day * dayMs + (perDay - 40) * 5 * minuteMs),
        `the change of day ${day} was not seen at once`,
      );
    assert.deepEqual(
      fileItems(machine.looks.at(-1)?.report ?? null),
      named.map((one) => `${one}\trestless`),
    );
  });
}

test('a restless path that rests for a day is watched again, and an installation makes nothing restless', async (t) => {
  const root = rootWith(tempFolder(t), files);
  for (let n = 0; n < 6; n++) writeFileSync(path.join(root, `etc/app/part${n}`), 'a');
  const [place, data] = [tempFolder(t), path.join(root, 'etc/app/data.db')];
  const machine = lab(root, place);
  await machine.visits(5, () => {
    for (let n = 0; n < 6; n++) appendFileSync(path.join(root, `etc/app/part${n}`), 'a');
  });
  assert.doesNotMatch(readFileSync(path.join(place, looksName), 'utf8'), /^[1-9]/m);
  await machine.visits(5, () => appendFileSync(data, 'a'));
  assert.deepEqual(fileItems(machine.looks.at(-1)?.report ?? null), ['/etc/app/data.db\trestless']);
  await machine.visits(700, () => undefined);
  assert.deepEqual(fileItems(machine.looks.at(-1)?.report ?? null), []);
  const before = machine.looks.length;
  await machine.visits(2, (visit) => {
    if (visit === 1) appendFileSync(data, 'a');
  });
  assert.equal(machine.looks.length, before + 1);
});

for (const text of ['', 'x\n'.repeat(99), '3 1 1 - - - /etc/app\n', '9 9 9 9 9 9\n', '{"a":1}', '\u2028 = \0']) {
  test(`a file of looks with ${JSON.stringify(text.slice(0, 24))} costs nothing but its notes`, async (t) => {
    const [root, place] = [rootWith(tempFolder(t), files), tempFolder(t)];
    writeFileSync(path.join(place, looksName), text);
    const machine = lab(root, place);
    await machine.visits(1, () => undefined);
    assert.equal(machine.looks[0]?.report.sections?.find(({ kind }) => kind === 'file')?.error, null);
  });
}

const variants = isWide
  ? [...shells.map((shell) => ({ shell })), ...awks.map((awk) => ({ awk }))]
  : [{ shell: shells[0] }];
for (const variant of variants) {
  test(`the shell agent finds the same restless paths (${Object.values(variant).join()})`, async (t) => {
    const root = rootWith(tempFolder(t), files);
    const client = shellAgent(t, variant);
    const data = path.join(root, 'etc/app/data.db');
    const look = async (): Promise<readonly string[]> => fileItems((await client.run({ root, state: true })).report);
    for (let n = 0; n < 3; n++) {
      assert.deepEqual(await look(), [], `after ${n} changes`);
      appendFileSync(data, 'a');
    }
    assert.deepEqual(await look(), ['/etc/app/data.db\trestless']);
    if (!isWide) return;
    const stamp = (await client.run({ root })).end?.stamp;
    appendFileSync(data, 'a');
    assert.equal((await client.run({ root })).end?.stamp, stamp);
    appendFileSync(path.join(root, 'etc/nginx/nginx.conf'), 'a');
    assert.notEqual((await client.run({ root })).end?.stamp, stamp);
    // A day ago: the notes say so, as no clock of this machine can.
    const looks = path.join(client.place, looksName);
    await look();
    const old = readFileSync(looks, 'utf8').replace(/^(3) (\d+) (\d+)/gm, (_, count, first, newest) =>
      [count, Number(first) - 90_000, Number(newest) - 90_000].join(' '),
    );
    writeFileSync(looks, old);
    assert.deepEqual(await look(), []);
  });
}
