/** The package of `npm pack` is complete. test/wide/package.test.ts installs it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { tempFolder } from './support/temp-folder.ts';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '..');

interface Packed {
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

const wanted = [
  ...['LICENSE', 'README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'config.xml', 'config.xsd', 'crontab.example'],
  ...['docs/errors.md', 'docs/installation.md'],
  ...['man/fleet-health.1', 'man/fleet-health-agent.1', 'man/fleet-health-config.5'],
  ...['dist/fleet-health.cjs', 'dist/parts/compile-cache.cjs', 'dist/parts/cli.cjs'],
  ...['dist/agent/agent.cjs', 'dist/agent/inventory.cjs'],
  ...['dist/fleet-health-agent.cjs', 'dist/parts/agent-cli.cjs'],
  ...['src/seal/FORMAT.md', 'src/transport/openssh/openssh-askpass.sh', 'src/transport/openssh/openssh-hop.sh'],
];

test('the package holds everything that the programs need, and no sources', async () => {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle)_/.test(name)),
  );
  const packArgs = ['pack', '--json', '--ignore-scripts', '--dry-run'];
  const [packed] = JSON.parse((await run('npm', packArgs, { cwd: root, env })).stdout) as readonly Packed[];
  assert.ok(packed);
  const files = packed.files.map((file) => file.path);
  assert.deepEqual(
    wanted.filter((name) => !files.includes(name)),
    [],
    'missing from the package',
  );
  const askpass = packed.files.find((file) => file.path === 'src/transport/openssh/openssh-askpass.sh');
  assert.equal((askpass?.mode ?? 0) & 0o111, 0o111, 'ssh must be able to run it');
  for (const dialect of ['mysql', 'sqlite']) {
    const migrations = files.filter((name) => name.startsWith(`sql/${dialect}/001-`));
    assert.equal(migrations.length, 1, `the first migration for ${dialect}`);
  }
  const superfluous = files.filter((name) => /^(test|bench|agent|node_modules)\/|\.ts$|\.map$/.test(name));
  assert.deepEqual(superfluous, []);
  // Two programs and documents as they are; sources, maps and tests would be several times that.
  assert.ok(packed.unpackedSize < 4 * 1024 * 1024, `${packed.unpackedSize} bytes`);
});

test('a copy of dist/ alone says that it is not whole', async (t) => {
  const dir = tempFolder(t);
  cpSync(path.join(root, 'dist'), dir, { recursive: true, filter: (file) => path.basename(file) !== 'test' });
  const started = run(process.execPath, [path.join(dir, 'fleet-health.cjs'), 'status'], { timeout: 60_000 });
  await assert.rejects(started, /no package\.json above; install the whole package again/);
});
