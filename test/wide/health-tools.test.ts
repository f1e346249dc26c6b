/** The collectors of prometheus-node-exporter-collectors and a real chronyd, read by both agents. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { clock } from '../../agent/probes/clock.ts';
import { checkStats } from '../../src/report/checks/checks.ts';
import { contextOf, onlyRow } from '../agent/probes/fixture-context.ts';
import { checkAgents, checkClient } from '../support/clients/check-client.ts';
import { freePort } from '../support/servers/free-port.ts';
import { shellAgent } from '../support/clients/shell-report.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { skipWithoutUnpacked, unpacked } from './support/plugins.ts';
import { startProgram } from './support/prometheus.ts';

const collectors = path.join(
  unpacked('prometheus-node-exporter-collectors'),
  'usr/share/prometheus-node-exporter-collectors',
);
const tools = ['smartmontools/usr/sbin', 'mdadm/sbin'].map(unpacked).join(':');
const PATH = `${tools}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
const modules = '/usr/lib/python3/dist-packages/apt';
const skip =
  skipWithoutUnpacked('prometheus-node-exporter-collectors', 'smartmontools', 'mdadm') ||
  (existsSync(modules) ? false : 'python3-apt is missing');

/** The collectors that need no hardware, by the name of their file. */
const programs = {
  apt: ['apt_info.py'],
  fstab: ['fstab-check.sh'],
  md: ['md_info.sh'],
  size: ['directory-size.sh', collectors],
  smartmon: ['smartmon.py'],
} as const;

test('what collectors print without hardware is read as it is, by both agents', { skip }, async (t) => {
  const dir = path.join(tempFolder(t), 'files');
  mkdirSync(dir);
  const printed = new Map<string, string>();
  for (const [name, [program, ...args]] of Object.entries(programs)) {
    // The units of the package ignore the status, too: md_info.sh ends with 1 if there is no array.
    const { stdout } = spawnSync(path.join(collectors, program), args, { env: { PATH }, cwd: '/', encoding: 'utf8' });
    printed.set(name, stdout);
    writeFileSync(path.join(dir, `${name}.prom`), stdout);
  }
  assert.match(printed.get('smartmon') ?? '', /^smartmon_smartctl_version\{version="\d+\.\d+"\} 1$/m);
  assert.match(printed.get('size') ?? '', /^node_directory_size_bytes\{directory="\/.*"\} \d+$/m);
  const pending = [...(printed.get('apt') ?? '').matchAll(/^apt_upgrades_pending\{(.*)\} (\d+)$/gm)];
  const sumOf = (some: typeof pending): number => some.reduce((sum, [, , count]) => sum + Number(count), 0);
  const security = sumOf(pending.filter(([, labels = '']) => /security/i.test(labels)));
  assert.ok(pending.length > 0);
  for (const agent of checkAgents) {
    const client = checkClient(t, agent);
    client.conf(
      `textfile ${dir} stale=1h\nsize format=prom /usr/bin/env PATH=${PATH} ` +
        `${path.join(collectors, programs.size[0])} ${collectors}\n`,
    );
    const { checks, refused } = await client.visit();
    assert.deepEqual(refused, []);
    const ran = checks.find(({ name }) => name === 'size');
    assert.deepEqual([ran?.exit, ran?.why, ran?.output], [0, null, printed.get('size')?.trimEnd()]);
    const rows = checkStats({ datetime: new Date().toISOString(), checks });
    const states = rows.map(({ check_name: name, state }) => `${name} ${state}`).sort();
    const names = Object.keys(programs).map((name) => `textfile:${name} 0`);
    assert.deepEqual(states, [`size 0`, ...names, `textfile:${dir} 0`].sort(), JSON.stringify(rows));
    const apt = rows.find(({ check_name: name }) => name === 'textfile:apt');
    assert.match(apt?.perfdata ?? '', new RegExp(` upgrades=${sumOf(pending)} security_upgrades=${security}$`));
  }
});

const noChrony = skipWithoutUnpacked('chrony');
for (const { what, line, expected } of [
  { what: 'follows a clock', line: 'local stratum 8', expected: 1 },
  { what: 'follows none', line: '', expected: 0 },
]) {
  test(
    `a chronyd that ${what} is reported as ${expected === 1 ? '' : 'not '}synchronised`,
    { skip: noChrony },
    async (t) => {
      const root = tempFolder(t);
      const port = await startChronyd(t, root, line);
      const real = path.join(unpacked('chrony'), 'usr/bin/chronyc');
      const chronyc = path.join(root, 'usr/bin/chronyc');
      mkdirSync(path.dirname(chronyc), { recursive: true });
      mkdirSync(path.join(root, 'run/chrony'), { recursive: true });
      writeFileSync(chronyc, `#!/bin/sh\nexec ${real} -h 127.0.0.1 -p ${port} "$@"\n`, { mode: 0o755 });
      const isUp = (): boolean => spawnSync(chronyc, ['-n', 'tracking'], { stdio: 'ignore' }).status === 0;
      await until(isUp, 'chronyd does not answer', 10_000, 50);
      assert.equal(onlyRow((await clock.run(contextOf(root))).functions, 'clock')['synchronised'], expected);
      const shell = shellAgent(t);
      symlinkSync(chronyc, path.join(shell.bin, 'chronyc'));
      const { report } = await shell.run({ root });
      const families = (report?.worker_reports ?? []).flatMap(({ function_reports: functions }) => functions);
      assert.equal(onlyRow(families, 'clock')['synchronised'], expected);
    },
  );
}

/** Starts a chronyd that neither serves nor sets a clock. Returns the port for chronyc. */
async function startChronyd(t: TestContext, root: string, line: string): Promise<number> {
  const port = await freePort();
  const file = path.join(root, 'chrony.conf');
  const pidFile = path.join(root, 'chronyd.pid');
  const lines = [`cmdport ${port}`, 'port 0', 'bindcmdaddress 127.0.0.1', `pidfile ${pidFile}`, line];
  writeFileSync(file, `${lines.join('\n')}\n`);
  startProgram(t, path.join(unpacked('chrony'), 'usr/sbin/chronyd'), ['-x', '-U', '-d', '-u', 'root', '-f', file]);
  return port;
}
