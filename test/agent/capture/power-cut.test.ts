// Second tier: each cut of the shell agent.
/**
 * The shell agent after a loss of power and on a full disk: it repairs its files, and still reports the values that it
 * has.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { bundles } from '../../support/clients/agent-visit.ts';
import { isWide } from '../../support/long-tests.ts';
import { shellClient } from '../../support/clients/shell-client.ts';
import { fill, withSmallDisk } from '../../support/programs/small-disk.ts';

const skip = process.getuid?.() !== 0 && 'needs root, to mount a small file system';

const damages = [
  ['empty', () => Buffer.alloc(0)],
  ['cut off in the middle', (content) => content.subarray(0, content.length / 2)],
  ['zeros', (content) => Buffer.alloc(content.length)],
  ['something else', (content) => Buffer.from(content).reverse()],
] as const satisfies readonly (readonly [string, (content: Buffer) => Buffer])[];

for (const [what, damage] of isWide ? damages : damages.slice(0, 2)) {
  test(`agent, counters and record are ${what} after a loss of power`, async (t) => {
    const client = shellClient(t);
    const { result } = await client.visit();
    assert.equal(result.fault, null);
    const place = result.end?.place ?? '';
    const agent = path.join(path.dirname(place), `${bundles.shell.digest}.t.sh`);
    writeFileSync(path.join(place, 'running'), '4194304 1-2\n');
    for (const file of [agent, path.join(place, 'notes'), path.join(place, 'running')]) {
      writeFileSync(file, damage(readFileSync(file)));
    }
    writeFileSync(path.join(place, '.new-4194304'), 'cut short');
    const next = await client.visit();
    assert.equal(next.result.fault, null);
    assert.equal(next.result.uploaded, true);
    assert.equal(next.reports.length, 1);
    assert.deepEqual(readFileSync(agent), bundles.shell.content);
    assert.ok(statSync(path.join(place, 'notes')).size > 50);
    const unfinished = readdirSync(place).filter((name) => name.startsWith('.new'));
    assert.deepEqual(unfinished, []);
    const cpu = next.reports[0]?.worker_reports.find(({ name }) => name === 'cpu')?.function_reports[0]?.data[0];
    assert.ok(Number(cpu?.['interval_s']) < 9, 'the counters are read twice');
    assert.ok(Number(cpu?.['cpus']) > 0, JSON.stringify(cpu));
  });
}

test('a file system without a byte left: the report comes, and the counters of before stay', { skip }, async (t) => {
  const client = shellClient(t);
  const state = path.join(client.home, '.local');
  await withSmallDisk(state, 96, async () => {
    const { result } = await client.visit();
    const counters = path.join(result.end?.place ?? '', 'notes');
    const before = readFileSync(counters);
    fill(state);
    const next = await client.visit();
    assert.equal(next.result.fault, null);
    assert.equal(next.reports.length, 1);
    assert.deepEqual(readFileSync(counters), before);
    assert.deepEqual(readdirSync(path.dirname(counters)).sort(), ['asked', 'notes', 'running']);
  });
});
