/**
 * The files of units/: systemd's verdict on the units, logrotate's on its file, and the modes under the init script.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { packageDir } from '../../src/state-folder/paths.ts';
import { agentProgram, type CliResult } from '../support/programs/run-cli.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** The units, with ten times the permitted exposure of each. Agents need access to all that they read. */
const exposures: Readonly<Record<string, number>> = {
  'fleet-health-agent@.service': 25,
  'fleet-health-agent-push.service': 25,
  'fleet-health-agent-push.timer': 0,
  ...Object.fromEntries(
    ['collect', 'alert', 'ingest'].flatMap((name) => [
      [`fleet-health-${name}.service`, 20],
      [`fleet-health-${name}.timer`, 0],
    ]),
  ),
  'fleet-health-serve.service': 20,
  'fleet-health-serve.socket': 0,
};
const fileOf = (name: string): string => path.join(packageDir, 'units', name);

function run(command: string, args: readonly string[]): Promise<CliResult> {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  return new Promise((resolve) => {
    execFile(command, args, { env }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

function missing(...commands: readonly string[]): string | false {
  const absent = commands.find((name) => !['/usr/bin', '/usr/sbin'].some((dir) => existsSync(path.join(dir, name))));
  return absent === undefined ? false : `needs ${absent}`;
}

/** Copies all units, with an existing program: a timer needs its service beside it. Returns the path of one unit. */
function installed(t: TestContext, name: string): string {
  const dir = tempFolder(t);
  for (const one of Object.keys(exposures)) {
    const text = readFileSync(fileOf(one), 'utf8');
    writeFileSync(path.join(dir, one), text.replaceAll(/\/usr\/bin\/fleet-health(-agent)?/g, '/bin/true'));
  }
  return path.join(dir, name);
}

for (const [name, exposure] of Object.entries(exposures)) {
  test(`systemd has nothing to say against ${name}`, { skip: missing('systemd-analyze') }, async (t) => {
    const file = installed(t, name);
    const verified = await run('systemd-analyze', ['verify', '--man=no', file]);
    assert.deepEqual(verified, { status: 0, stdout: '', stderr: '' });
    if (!name.endsWith('.service')) return;
    const options = ['--offline=true', `--threshold=${exposure}`, '--no-pager'];
    const security = await run('systemd-analyze', ['security', ...options, file]);
    assert.equal(security.status, 0, security.stdout);
  });
}

test('each unit of units/ is evaluated', () => {
  const units = readdirSync(path.join(packageDir, 'units')).filter((name) => /\.(service|timer|socket)$/.test(name));
  assert.deepEqual(units.toSorted(), Object.keys(exposures).toSorted());
});

test('logrotate reads its file', { skip: missing('logrotate') }, async (t) => {
  const file = path.join(tempFolder(t), 'fleet-health-agent');
  const account = userInfo().username;
  const text = readFileSync(fileOf('fleet-health-agent.logrotate'), 'utf8');
  writeFileSync(file, text.replaceAll('su fleet-health-agent fleet-health-agent', `su ${account} ${account}`));
  const { status, stderr } = await run('logrotate', ['--debug', file]);
  assert.equal(status, 0, stderr);
  assert.ok(!/error/i.test(stderr), stderr);
});

interface Service {
  readonly init: (verb: string) => Promise<CliResult>;
  readonly program: string;
  readonly defaults: string;
}

/** Installs the init script for this account, with the built program. */
function service(t: TestContext): Service {
  // Ends the mode before the folder is removed: without its lock the mode cannot be found.
  t.after(async () => {
    await run(program, ['stop', '--force', 'report']);
  });
  const dir = tempFolder(t);
  const inside = (name: string): string => path.join(dir, name);
  const [program, defaults, config] = [inside('program'), inside('defaults'), inside('agent.json')];
  mkdirSync(path.join(dir, 'state'), { mode: 0o700 });
  writeFileSync(config, JSON.stringify({ state_directory: path.join(dir, 'state') }), { mode: 0o600 });
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${agentProgram}' -c '${config}' "$@"\n`);
  chmodSync(program, 0o755);
  writeFileSync(defaults, `MODES=report\nACCOUNT=${userInfo().username}\n`);
  const script = path.join(dir, 'init');
  const text = readFileSync(fileOf('fleet-health-agent.init'), 'utf8')
    .replace('program=/usr/bin/fleet-health-agent', `program=${program}`)
    .replace('state=/var/lib/fleet-health-agent', `state=${path.join(dir, 'state')}`)
    .replace('defaults=/etc/default/fleet-health-agent', `defaults=${defaults}`);
  writeFileSync(script, text);
  return { init: (verb) => run('/bin/sh', [script, verb]), program, defaults };
}

test('the init script starts, looks at and ends modes, with the exit statuses of LSB', async (t) => {
  const { init } = service(t);
  const statuses: (number | null)[] = [];
  const verbs = [
    ...['status', 'try-restart', 'start', 'start', 'status', 'reload', 'force-reload', 'restart', 'try-restart'],
    ...['status', 'stop', 'stop', 'status'],
  ];
  for (const verb of verbs) statuses.push((await init(verb)).status);
  assert.deepEqual(statuses, [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]);
});

test('the init script says what it lacks', async (t) => {
  const { init, program, defaults } = service(t);
  assert.equal((await init('begin')).status, 2);
  writeFileSync(defaults, '');
  assert.deepEqual([(await init('start')).status, (await init('status')).status], [6, 3]);
  chmodSync(program, 0o644);
  const absent = ['start', 'status', 'stop'].map(async (verb) => (await init(verb)).status);
  assert.deepEqual(await Promise.all(absent), [5, 4, 0]);
});

test('the init script has the header of LSB', () => {
  const text = readFileSync(fileOf('fleet-health-agent.init'), 'utf8');
  const header = /^### BEGIN INIT INFO\n([^]*?)^### END INIT INFO$/m.exec(text)?.[1] ?? '';
  for (const key of [
    'Provides',
    'Required-Start',
    'Required-Stop',
    'Default-Start',
    'Default-Stop',
    'Short-Description',
  ]) {
    assert.match(header, new RegExp(`^# ${key}:`, 'm'));
  }
});
