/** The package that README names, made in a fresh checkout, installed into an empty place, in an empty environment. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, before, test } from 'node:test';

import { tempFolder } from '../support/temp-folder.ts';

const root = path.join(import.meta.dirname, '../..');
/** Cron's environment, with the folder that holds this Node. */
const PATH = `${path.dirname(process.execPath)}:/usr/bin:/bin`;
const packageFile = 'fleet-health-0.2.0.tgz';

/** Copies the files of the checkout as they are, without a build and without packages. */
function checkout(dir: string): string {
  const folder = path.join(dir, 'checkout');
  const list = execFileSync('git', ['ls-files', '-z', '-c', '-o', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const name of list.split('\0').filter((one) => one !== '' && existsSync(path.join(root, one)))) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    cpSync(path.join(root, name), path.join(folder, name), { verbatimSymlinks: true });
  }
  return folder;
}

suite('the package of a fresh checkout', () => {
  const dir = tempFolder();
  const bin = path.join(dir, 'prefix', 'bin');
  const home = path.join(dir, 'home');
  let folder = '';
  const cache = execFileSync('npm', ['config', 'get', 'cache'], { cwd: root, encoding: 'utf8' }).trim();
  /** Runs a command in an empty environment; npm takes what the set-up has fetched. */
  const run = (cwd: string, command: string, ...args: readonly string[]): SpawnSyncReturns<string> =>
    spawnSync(command, args, {
      cwd,
      env: { PATH, HOME: home, npm_config_cache: cache, npm_config_prefer_offline: 'true' },
      encoding: 'utf8',
      timeout: 300_000,
    });
  const succeeded = (...words: Parameters<typeof run>): string => {
    const { status, stdout, stderr } = run(...words);
    assert.deepEqual([status, stderr], [0, ''], stdout);
    return stdout;
  };
  const made = (): readonly string[] => readdirSync(folder).filter((name) => name.endsWith('.tgz'));

  before(() => {
    folder = checkout(dir);
    mkdirSync(home);
    const { status, stderr } = run(folder, 'npm', 'run', '--silent', 'package');
    assert.equal(status, 0, stderr);
    const words = ['install', '-g', '--silent', '--ignore-scripts', '--offline', '--prefix', path.join(dir, 'prefix')];
    succeeded(folder, 'npm', ...words, packageFile);
    const config = '<config><client name="here" ip="127.0.0.1" transport="local"/></config>\n';
    writeFileSync(path.join(dir, 'config.xml'), config, { mode: 0o600 });
  });

  const fleetHealth = (...args: readonly string[]): string =>
    succeeded('/', path.join(bin, 'fleet-health'), '-c', path.join(dir, 'config.xml'), '--json', ...args);

  test('has both programs', () => {
    assert.equal(succeeded('/', path.join(bin, 'fleet-health'), '--version'), '0.2.0\n');
    const report = succeeded('/', path.join(bin, 'fleet-health-agent'), 'report', '--format', 'daemon-report');
    assert.equal((JSON.parse(report) as { name: string }).name, 'Daemon report');
  });

  test('checks a configuration and collects from this machine', () => {
    assert.equal((JSON.parse(fleetHealth('check')) as { valid: boolean }).valid, true);
    assert.equal((JSON.parse(fleetHealth('collect')) as { succeeded: number }).succeeded, 1);
  });

  test('is not made of an earlier build if the build fails, and the earlier package is gone', () => {
    assert.deepEqual(made(), [packageFile]);
    writeFileSync(path.join(folder, 'src/cli.ts'), 'export const = ;\n');
    assert.notEqual(run(folder, 'npm', 'run', '--silent', 'package').status, 0);
    assert.deepEqual(made(), []);
  });
});
