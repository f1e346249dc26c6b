/** The package of `npm pack` is complete: it works when installed into an empty place, in an empty environment. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { tempFolder } from './support/temp-folder.ts';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '..');
const nodeDir = path.dirname(process.execPath);

/** Cron's environment, with the folder that holds this Node. */
const emptyEnvironment = { PATH: `${nodeDir}:/usr/bin:/bin` };

/** Returns the environment without the variables of the surrounding npm run. Registry and cache stay reachable. */
function npmEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle)_/.test(name)));
}

interface Packed {
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

test('the packed file holds everything, installs with ignored scripts, works in an empty environment', async (t) => {
  const dir = tempFolder(t);
  const env = npmEnvironment();

  const packArgs = ['pack', '--json', '--ignore-scripts', '--pack-destination', dir];
  const packed = (JSON.parse((await run('npm', packArgs, { cwd: root, env })).stdout) as Packed[])[0];
  assert.ok(packed);
  const files = packed.files.map((file) => file.path);
  const wanted = [
    ...['LICENSE', 'README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'config.xml', 'config.xsd', 'crontab.example'],
    ...['errors.md', 'installation.md'].map((name) => `docs/${name}`),
    ...['fleet-health.1', 'fleet-health-agent.1', 'fleet-health-config.5'].map((name) => `man/${name}`),
    ...[
      'fleet-health.cjs',
      'parts/compile-cache.cjs',
      'parts/complete-names.cjs',
      'parts/cli.cjs',
      'agent/agent.cjs',
      'agent/inventory.cjs',
    ].map((name) => `dist/${name}`),
    ...['fleet-health-agent.cjs', 'parts/agent-cli.cjs'].map((name) => `dist/${name}`),
    ...['seal/FORMAT.md', 'transport/openssh/openssh-askpass.sh', 'transport/openssh/openssh-hop.sh'].map(
      (name) => `src/${name}`,
    ),
  ];
  const missing = wanted.filter((name) => !files.includes(name));
  assert.deepEqual(missing, [], 'missing from the package');
  const askpass = packed.files.find((file) => file.path === 'src/transport/openssh/openssh-askpass.sh');
  assert.equal((askpass?.mode ?? 0) & 0o111, 0o111, 'ssh must be able to run it');
  for (const dialect of ['mysql', 'sqlite']) {
    assert.ok(
      files.some((name) => name.startsWith(`sql/${dialect}/001-`)),
      `no migration for ${dialect}`,
    );
  }
  const superfluous = files.filter((name) => /^(test|bench|agent|node_modules)\/|\.ts$|\.map$/.test(name));
  assert.deepEqual(superfluous, []);
  // Two programs and documents as they are; sources, maps and tests would be several times that.
  assert.ok(packed.unpackedSize < 4 * 1024 * 1024, `${packed.unpackedSize} bytes`);

  const prefix = path.join(dir, 'prefix');
  const tarball = path.join(dir, packed.filename);
  // With --prefix npm looks for the machine's own settings (a registry, its certificates) below that prefix.
  const settings = (await run('npm', ['config', 'get', 'globalconfig'], { cwd: root, env })).stdout.trim();
  const globally = ['install', '-g', '--prefix', prefix, '--globalconfig', settings];
  await run('npm', [...globally, '--prefer-offline', '--no-audit', '--no-fund', tarball], { env, timeout: 180_000 });

  const program = path.join(prefix, 'bin', 'fleet-health');
  const manifest = JSON.parse((await run('npm', ['pkg', 'get', 'version'], { cwd: root, env })).stdout) as string;
  const version = await run(program, ['--version'], { env: emptyEnvironment, cwd: '/' });
  assert.deepEqual([version.stdout, version.stderr], [`${manifest}\n`, '']);

  const agent = await run(`${program}-agent`, ['report', '--format', 'daemon-report'], {
    env: { ...emptyEnvironment, HOME: dir },
    cwd: '/',
  });
  assert.equal(agent.stderr, '');
  assert.equal((JSON.parse(agent.stdout) as { name: string }).name, 'Daemon report');

  const config = path.join(dir, 'config.xml');
  writeFileSync(config, '<config><client name="here" ip="127.0.0.1" transport="local"/></config>\n', { mode: 0o600 });
  const check = await run(program, ['-c', config, '--json', 'check'], { env: emptyEnvironment, cwd: '/' });
  assert.equal(check.stderr, '');
  assert.equal((JSON.parse(check.stdout) as { valid: boolean }).valid, true);

  const collect = await run(program, ['-c', config, '--json', 'collect'], { env: emptyEnvironment, cwd: '/' });
  assert.equal(collect.stderr, '');
  assert.equal((JSON.parse(collect.stdout) as { succeeded: number }).succeeded, 1);
});

test('a copy of dist/ alone says that it is not whole', async (t) => {
  const dir = tempFolder(t);
  cpSync(path.join(root, 'dist'), dir, { recursive: true, filter: (file) => path.basename(file) !== 'test' });
  const started = run(process.execPath, [path.join(dir, 'fleet-health.cjs'), 'status'], { timeout: 60_000 });
  await assert.rejects(started, /no package\.json above; install the whole package again/);
});
