/** The package of `npm pack` works when installed into an empty place, in an empty environment. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, before, test } from 'node:test';
import { promisify } from 'node:util';

import { tempFolder } from '../support/temp-folder.ts';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '../..');
const nodeDir = path.dirname(process.execPath);

/** Cron's environment, with the folder that holds this Node. */
const emptyEnvironment = { PATH: `${nodeDir}:/usr/bin:/bin` };

/** Returns the environment without the variables of the surrounding npm run. Registry and cache stay reachable. */
function npmEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle)_/.test(name)));
}

const env = npmEnvironment();

/** Packs the project and installs the file below a folder. Returns the folder of the programs. */
async function install(dir: string): Promise<string> {
  const packArgs = ['pack', '--json', '--ignore-scripts', '--pack-destination', dir];
  const [packed] = JSON.parse((await run('npm', packArgs, { cwd: root, env })).stdout) as { filename: string }[];
  assert.ok(packed);
  const prefix = path.join(dir, 'prefix');
  // With --prefix npm looks for the machine's own settings (a registry, its certificates) below that prefix.
  const settings = (await run('npm', ['config', 'get', 'globalconfig'], { cwd: root, env })).stdout.trim();
  const globally = ['install', '-g', '--prefix', prefix, '--globalconfig', settings, '--prefer-offline'];
  const tarball = path.join(dir, packed.filename);
  await run('npm', [...globally, '--no-audit', '--no-fund', tarball], { env, timeout: 180_000 });
  return path.join(prefix, 'bin');
}

suite('the installed package', () => {
  const dir = tempFolder();
  let bin = '';
  before(async () => {
    bin = await install(dir);
    const config = '<config><client name="here" ip="127.0.0.1" transport="local"/></config>\n';
    writeFileSync(path.join(dir, 'config.xml'), config, { mode: 0o600 });
  });

  /** Runs an installed program, which must succeed and print nothing on stderr. Returns its output. */
  async function succeeded(program: string, ...args: readonly string[]): Promise<string> {
    const home = program === 'fleet-health-agent' ? { HOME: dir } : {};
    const { stdout, stderr } = await run(path.join(bin, program), args, {
      env: { ...emptyEnvironment, ...home },
      cwd: '/',
    });
    assert.equal(stderr, '');
    return stdout;
  }
  const fleetHealth = (...args: readonly string[]): Promise<string> =>
    succeeded('fleet-health', '-c', path.join(dir, 'config.xml'), '--json', ...args);

  test('prints the version of package.json', async () => {
    const version = JSON.parse((await run('npm', ['pkg', 'get', 'version'], { cwd: root, env })).stdout) as string;
    assert.equal(await succeeded('fleet-health', '--version'), `${version}\n`);
  });

  test('has the agent program', async () => {
    const report = await succeeded('fleet-health-agent', 'report', '--format', 'daemon-report');
    assert.equal((JSON.parse(report) as { name: string }).name, 'Daemon report');
  });

  test('checks a configuration and collects from this machine', async () => {
    assert.equal((JSON.parse(await fleetHealth('check')) as { valid: boolean }).valid, true);
    assert.equal((JSON.parse(await fleetHealth('collect')) as { succeeded: number }).succeeded, 1);
  });
});
