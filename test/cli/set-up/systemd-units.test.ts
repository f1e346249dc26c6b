/** `crontab --systemd`: the units of this machine. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { systemdUnits, unitsToEnable } from '../../../src/cli/set-up/systemd-units.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { configFolder, exits, program, runCli, succeeded } from '../../support/programs/run-cli.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** Returns the lines of each unit, for the children of a config.xml in /etc. */
function unitsOf(t: TestContext, children: string): Readonly<Record<string, readonly string[]>> {
  const file = path.join(
    configFolder(t, `<config><state dir="/var/lib/fleet-health"/>${children}</config>`),
    'config.xml',
  );
  const config = loadConfig({ file, nowMs: 0 });
  const paths = {
    node: '/opt/node 22/bin/node',
    program: '/opt/50%/$x.cjs',
    configFile: '/etc/fleet-health/config.xml',
  };
  const units = systemdUnits({ config, ...paths, account: 'fleet' });
  return Object.fromEntries(units.map(({ name, text }) => [name, text.split('\n')]));
}

function value(lines: readonly string[] | undefined, key: string): readonly string[] {
  return (lines ?? []).filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
}

test('the units have the paths, the account and the pause of this machine', (t) => {
  const units = unitsOf(t, '<collector every="10m"/><client ip="192.0.2.1"/>');
  assert.deepEqual(Object.keys(units), [
    ...['fleet-health-alert.service', 'fleet-health-alert.timer'],
    ...['fleet-health-collect.service', 'fleet-health-collect.timer'],
  ]);
  const collect = units['fleet-health-collect.service'];
  assert.deepEqual(value(collect, 'ExecStart'), [
    '"/opt/node 22/bin/node" "/opt/50%%/$$x.cjs" -c /etc/fleet-health/config.xml collect',
  ]);
  assert.deepEqual([value(collect, 'User'), value(collect, 'Group')], [['fleet'], []]);
  assert.deepEqual([value(collect, 'StateDirectory'), value(collect, 'ReadWritePaths')], [['fleet-health'], []]);
  assert.deepEqual(value(units['fleet-health-collect.timer'], 'OnCalendar'), ['*:0/10']);
  assert.deepEqual(value(units['fleet-health-alert.timer'], 'OnCalendar'), ['*:*:20']);
});

test('collectors that share a fleet begin at the same moment', (t) => {
  const shared = '<storage url="mysql://fleet@db/fleet"/><collector share="yes" site="fra"/><client ip="192.0.2.1"/>';
  const delay = (children: string) => value(unitsOf(t, children)['fleet-health-collect.timer'], 'RandomizedDelaySec');
  assert.deepEqual([delay('<client ip="192.0.2.1"/>'), delay(shared)], [['180'], ['0']]);
});

for (const [every, calendar] of [
  ['1m', ['*:0/1']],
  ['7m', []],
  ['2h', ['0/2:00']],
  ['1d', ['daily']],
] as const) {
  test(`a pause of ${every} is a timer`, (t) => {
    const timer = unitsOf(t, `<collector every="${every}"/><client ip="192.0.2.1"/>`)['fleet-health-collect.timer'];
    assert.deepEqual(value(timer, 'OnCalendar'), calendar);
    assert.deepEqual(value(timer, 'OnUnitActiveSec'), every === '7m' ? ['420'] : []);
  });
}

test('folders that config.xml writes may be written, and the server has its own sockets', (t) => {
  const units = unitsOf(
    t,
    `<storage url="sqlite:/srv/fleet 1/f.db"/><metrics textfile="/var/prom/f.prom"/>
    <serve host="::1" port="8080" socket="/run/x/s"><look/></serve><collector open="no"/><client ip="192.0.2.1"/>`,
  );
  assert.deepEqual(value(units['fleet-health-ingest.service'], 'ReadWritePaths'), [
    ...['"-/srv/fleet 1"', '-/var/prom', '-/run/x'],
  ]);
  assert.deepEqual(value(units['fleet-health-serve.socket'], 'ListenStream'), ['[::1]:8080', '/run/x/s']);
});

test('an agent on this machine sees its mounts as they are', (t) => {
  const units = unitsOf(t, '<client ip="127.0.0.1" transport="local"/>');
  assert.deepEqual(value(units['fleet-health-collect.service'], 'ProtectSystem'), []);
  assert.deepEqual(value(units['fleet-health-collect.service'], 'NoNewPrivileges'), ['yes']);
  assert.deepEqual(value(units['fleet-health-alert.service'], 'ProtectSystem'), ['strict']);
});

test('crontab --systemd writes them into a folder, and says how to start them', async (t) => {
  const dir = configFolder(t, '<config><serve><look/></serve><client ip="192.0.2.1"/></config>');
  const out = path.join(tempFolder(t), 'units');
  const run = (...words: readonly string[]): ReturnType<typeof runCli> =>
    runCli(['-c', path.join(dir, 'config.xml'), 'crontab', ...words]);
  await exits(3, run('--systemd', out), /there is no folder .*\(crontab-failed\)/);
  mkdirSync(out);
  const said = await succeeded(run('--systemd', out));
  assert.match(
    said,
    /enable --now fleet-health-alert\.timer fleet-health-collect\.timer fleet-health-serve\.service\n$/,
  );
  assert.equal(readdirSync(out).length, 6);
  const text = readFileSync(path.join(out, 'fleet-health-alert.service'), 'utf8');
  assert.ok(text.includes(`ExecStart=${process.execPath} ${realpathSync(program)} -c ${dir}/config.xml alert\n`), text);
  await exits(2, run('--systemd', '--install'), /cannot be used with/);
});

test('crontab --systemd says how to make a state folder that no unit can make', async (t) => {
  const dir = configFolder(t, '<config><state dir="far/state dir"/><client ip="192.0.2.1"/></config>');
  const out = tempFolder(t);
  const run = (): Promise<string> =>
    succeeded(runCli(['-c', path.join(dir, 'config.xml'), 'crontab', '--systemd', out]));
  const owner = process.getuid?.() === 0 ? 'fleet-health' : userInfo().username;
  const making = `\n  install -d -m 0700 -o ${owner} '${dir}/far/state dir' && systemctl daemon-reload`;
  assert.ok((await run()).includes(making), making);
  mkdirSync(path.join(dir, 'far', 'state dir'), { recursive: true });
  assert.match(await run(), /\n {2}systemctl daemon-reload/);
});

test('what is enabled are timers and the server', () => {
  const units = ['a.service', 'a.timer', 'fleet-health-serve.service', 'fleet-health-serve.socket'];
  assert.deepEqual(unitsToEnable(units.map((name) => ({ name, text: '' }))), ['a.timer', 'fleet-health-serve.service']);
});
