import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { bundles, filesBelow, machine } from '../../support/agent-visit.ts';
import { shellConnection } from '../../support/shell-connection.ts';

const compiledFile = (clientDir: string): string =>
  path.join(path.dirname(clientDir), `${bundles.agent.digest}.t.cache`);

test('the second start keeps what was compiled, and later ones use it as it is', async (t) => {
  const { visit, clientDir } = machine(t);
  await visit();
  const file = compiledFile(clientDir());
  assert.ok(!existsSync(file), 'the start that brought the program has no file of its own yet');
  await visit();
  const kept = readFileSync(file);
  assert.ok(kept.length > 10_000);
  const { result } = await visit();
  assert.equal(result.fault, null);
  assert.deepEqual(readFileSync(file), kept);
});

const damages: readonly (readonly [what: string, damage: (kept: Buffer) => Buffer])[] = [
  ['empty', () => Buffer.alloc(0)],
  ['cut off', (kept) => kept.subarray(0, kept.length / 2)],
  ['with a flipped bit in the digest', (kept) => flipped(kept, 5)],
  ['with a flipped bit in the header of V8', (kept) => flipped(kept, 40)],
  ['with a flipped bit in the code', (kept) => flipped(kept, kept.length - 1000)],
  ['full of zeros, as after a loss of power', (kept) => Buffer.alloc(kept.length)],
  ['something else', () => Buffer.from('not what V8 has compiled')],
];

for (const [what, damage] of damages) {
  test(`a compiled form that is ${what} is not used, and is made anew`, async (t) => {
    const { visit, clientDir } = machine(t);
    await visit();
    await visit();
    const file = compiledFile(clientDir());
    const damaged = damage(readFileSync(file));
    writeFileSync(file, damaged);
    const { result } = await visit();
    assert.equal(result.fault, null);
    assert.equal(result.uploaded, false);
    assert.equal(result.reports, 1);
    assert.notDeepEqual(readFileSync(file), damaged);
  });
}

test('what is loaded on demand is loaded in every form: brought, compiled anew, compiled before', async (t) => {
  // No script of node:vm can import: systemctl, network mounts and, where there is no timeout, the watchdog want a module.
  assert.ok(!bundles.agent.content.includes('import('));
  const { visit, home } = machine(t);
  const PATH = path.join(home, 'nothing');
  for (const form of ['brought', 'anew', 'before']) {
    const { result } = await visit({ connection: shellConnection({ env: { HOME: home, PATH } }) });
    assert.equal(result.fault, null, form);
    assert.equal(result.reports, 1, form);
  }
  const agents = path.join(home, '.local/state/fleet-health');
  assert.ok(filesBelow(agents).some((file) => file.endsWith(`${bundles.agent.digest}.w.cache`)));
});

test('a new version takes the compiled form of the old one away', async (t) => {
  const { visit, clientDir } = machine(t);
  await visit();
  const dir = path.dirname(clientDir());
  const old = path.join(dir, `${'0'.repeat(64)}.t.cache`);
  writeFileSync(old, 'compiled', { mode: 0o600 });
  writeFileSync(path.join(dir, `${bundles.agent.digest}.t.cjs`), '');
  await visit();
  assert.ok(!existsSync(old));
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
