// Second tier: kills agents at chosen instants; shell/power-cut.test.ts does for the shell agent
/**
 * The folders of an agent after a loss of power, after another version, or after foreign changes. The next visit
 * repairs the folders.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { bundles, keep, ownMachine, type Visited } from '../support/clients/agent-visit.ts';
import { fill, withSmallDisk } from '../support/programs/small-disk.ts';

interface Damage {
  readonly what: string;
  readonly damage: (content: Buffer) => Buffer;
  readonly inSpool: 'dropped' | 'sent';
}

const damages: readonly Damage[] = [
  { what: 'empty', damage: () => Buffer.alloc(0), inSpool: 'dropped' },
  { what: 'cut off in the middle', damage: (content) => content.subarray(0, content.length / 2), inSpool: 'sent' },
  { what: 'zeros', damage: (content) => Buffer.alloc(content.length), inSpool: 'dropped' },
  { what: 'something else', damage: (content) => Buffer.from(content).reverse(), inSpool: 'dropped' },
];

const idsOf = ({ received }: Visited): string[] => received.map(({ header }) => header.reportId);
const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/**
 * Damages the agent, one report of the spool and the other files in the client's folder. Leaves unfinished files beside
 * them. Returns the agent's file.
 */
function damageFolder(own: string, damagedReport: string, { what, damage }: Damage): string {
  const dir = path.dirname(own);
  const agent = path.join(dir, `${bundles.agent.digest}.t.cjs`);
  writeFileSync(path.join(own, 'hanging-mounts.json'), '[{"pid":1,"start":2,"mounts":["/x"]}]');
  writeFileSync(path.join(own, 'spool.sh'), 'exit 3');
  const names = ['counters.json', 'hanging-mounts.json', 'spool.sh', damagedReport];
  const files = names.map((name) => path.join(own, name));
  for (const file of [agent, ...files]) writeFileSync(file, damage(readFileSync(file)));
  for (const folder of [dir, own]) writeFileSync(path.join(folder, '.new-4194305'), 'cut short');
  symlinkSync(what, path.join(own, 'running'));
  return agent;
}

for (const damage of damages) {
  test(`files that are ${damage.what} after a loss of power: only what was damaged is lost, and reported`, async (t) => {
    const { visit, clientDir, spool } = ownMachine(t);
    const first = await visit({ onReport: keep });
    const second = await visit({ onReport: keep });
    const [damaged = '', good = ''] = spool();
    const own = clientDir();
    const agent = damageFolder(own, damaged, damage);

    const { result, reports, received } = await visit();
    assert.equal(result.fault, null);
    assert.equal(result.uploaded, true, 'the agent itself was damaged');
    assert.deepEqual(readFileSync(agent), bundles.agent.content);
    const home = idsOf({ result, reports, received });
    const [lost, kept] = [idsOf(first)[0] ?? '', idsOf(second)[0] ?? ''];
    assert.ok(home.includes(kept), 'what was not damaged comes home');
    assert.ok(good.includes(kept));
    if (damage.inSpool === 'dropped') {
      assert.ok(!home.includes(lost));
      assert.equal(result.end?.dropped, 1);
      assert.equal(reports[0]?.agent.dropped_reports, 1);
    } else {
      // The header of the damaged report is whole. The collector cannot open the report, quarantines it and reports
      // this.
      assert.ok(home.includes(lost));
      assert.equal(reports.length, received.length - 1);
    }
    const named = reports[0]?.worker_reports.filter(({ error }) => error !== null && !/systemd|network/.test(error));
    assert.deepEqual(
      named?.map(({ name, error }) => `${name} ${error ?? ''}`),
      ['kept cannot be read: counters.json'],
    );
    assert.deepEqual(spool(), []);

    const again = await visit();
    assert.equal(again.result.fault, null);
    assert.equal(again.result.uploaded, false);
    assert.equal(again.result.end?.dropped, undefined, 'reported once');
    assert.ok(statSync(path.join(own, 'spool.sh')).size > 1000);
    const left = [path.dirname(own), own].flatMap((folder) => readdirSync(folder));
    const unfinished = left.filter((name) => /^\.new|^running$/.test(name));
    assert.deepEqual(unfinished, []);
  });
}

test('from a home that is full, or nearly, reports come home, and the new one is kept elsewhere', async (t) => {
  if (process.getuid?.() !== 0) {
    t.skip('needs root, to mount a small file system');
    return;
  }
  const { visit, home, spool } = ownMachine(t);
  const state = path.join(home, '.local');
  await withSmallDisk(state, 1024, async () => {
    const waiting = idsOf(await visit({ onReport: keep }));
    const page = 4096;
    for (const pages of [0, 1, 2]) {
      const full = fill(state);
      truncateSync(full, statSync(full).size - pages * page);
      const visited = await visit({ onReport: keep });
      assert.equal(visited.result.fault, null);
      assert.equal(visited.result.end?.spool_error, null);
      assert.deepEqual(idsOf(visited).slice(1), waiting);
      waiting.push(idsOf(visited)[0] ?? '');
      rmSync(full);
    }
    assert.ok(spool().length < waiting.length, 'some are elsewhere');
    assert.deepEqual(idsOf(await visit()).slice(1), waiting);
    assert.deepEqual(idsOf(await visit()).length, 1);
  });
});

test('counters that make no sense make no figures that make none', async (t) => {
  const { visit, clientDir } = ownMachine(t);
  await visit();
  const file = path.join(clientDir(), 'counters.json');
  const { values, ...counters } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly monotonicMs: number;
    readonly bootId: string;
    readonly values: Readonly<Record<string, unknown>>;
  };
  const everywhere = (value: unknown): unknown => Object.fromEntries(Object.keys(values).map((name) => [name, value]));
  const earlier = { ...counters, monotonicMs: counters.monotonicMs - 60_000 };
  for (const content of [
    { ...earlier, values: everywhere(null) },
    { ...earlier, values: everywhere('x') },
    { ...earlier, values: everywhere([1, 'x', null]) },
    { ...earlier, values: everywhere({ cpu: -1, lo: { rx_bytes: 'x' }, all: [1e308, -1e308] }) },
    { ...earlier, values: [] },
    { ...counters, monotonicMs: -1e300, values },
    { ...earlier, values, visitedMs: 'x', dropped: -7 },
    { ...earlier, values, dropped: 1e300 },
  ]) {
    writeFileSync(file, JSON.stringify(content));
    const { result, reports } = await visit();
    assert.equal(result.fault, null, JSON.stringify(content));
    const [report] = reports;
    assert.ok(report);
    assert.equal(report.agent.dropped_reports, undefined);
    for (const { name, error, function_reports } of report.worker_reports) {
      assert.ok(
        error === null || name === 'kept' || /systemd|network/.test(error),
        `${name}: ${error ?? ''} of ${JSON.stringify(content)}`,
      );
      for (const { data } of function_reports) {
        for (const [field, value] of data.flatMap((row) => Object.entries(row))) {
          if (!field.endsWith('_percent') || value === null) continue;
          assert.ok(typeof value === 'number' && value >= 0 && value <= 100, `${name} ${field} ${value}`);
        }
      }
    }
  }
});

test('what a newer agent has left is no damage: its reports wait for it, its programs go as any others', async (t) => {
  const { visit, clientDir, spool } = ownMachine(t);
  await visit({ onReport: keep });
  const [name = ''] = spool();
  const theirs = readFileSync(path.join(clientDir(), name));
  theirs.write('FHS2', 0);
  const newer = path.join(clientDir(), `${Date.now() - 5000}-${uuid(1)}.fhs`);
  writeFileSync(newer, theirs);
  for (const strange of ['1795000000000-of-another-form.fhs2', 'index.json']) {
    writeFileSync(path.join(clientDir(), strange), 'x');
  }
  const dir = path.dirname(clientDir());
  writeFileSync(path.join(dir, `${'e'.repeat(64)}.t.cjs`), 'newer');
  // A newer collector has visited the machine, so this collector's agent was removed.
  rmSync(path.join(dir, `${bundles.agent.digest}.t.cjs`));
  const { result, received } = await visit();
  assert.equal(result.fault, null);
  assert.equal(result.uploaded, true);
  assert.equal(received.length, 2);
  assert.equal(result.end?.dropped, undefined);
  assert.deepEqual(readFileSync(newer), theirs);
  const earlier = readdirSync(dir).filter((entry) => entry.startsWith('e'.repeat(64)));
  assert.deepEqual(earlier, []);
});

test('an agent that vanishes between the look and the start is brought again', async (t) => {
  const { visit, clientDir, home } = ownMachine(t);
  await visit();
  const file = path.join(path.dirname(clientDir()), `${bundles.agent.digest}.t.cjs`);
  const node = path.join(home, 'node');
  writeFileSync(
    node,
    `#!/bin/sh\nfor x; do case $x in *.cjs) rm -f "$x" ;; esac; done\nexec '${process.execPath}' "$@"\n`,
    {
      mode: 0o755,
    },
  );
  const { result } = await visit({ node });
  assert.equal(result.fault, null);
  assert.equal(result.uploaded, true);
  assert.deepEqual(readFileSync(file), bundles.agent.content);
});

test('two collectors at once on one account, and one twice: each brings its own, none hinders another', async (t) => {
  const [one, two] = [ownMachine(t), ownMachine(t)];
  const second = { collectorId: two.collectorId };
  for (let round = 0; round < 2; round += 1) {
    const visits = await Promise.all([one.visit(), one.visit(second), one.visit({ client: 'web-2' }), one.visit()]);
    for (const { result } of visits) assert.deepEqual([result.fault, result.acknowledged], [null, 1]);
  }
  const place = path.join(one.home, '.local/state/fleet-health');
  const [machine = ''] = readdirSync(place);
  assert.deepEqual(readdirSync(path.join(place, machine)).sort(), [one.collectorId, two.collectorId].sort());
  for (const id of [one.collectorId, two.collectorId]) {
    const left = readdirSync(path.join(place, machine, id), { recursive: true, encoding: 'utf8' });
    const own = /^[0-9a-f]{32}(\/counters\.json)?$|^[0-9a-f]{64}\.t\.(cjs|cache)$/;
    const others = left.filter((name) => !own.test(name));
    assert.deepEqual(others, []);
  }
});
