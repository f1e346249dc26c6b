import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { databaseKinds } from '../end-to-end/support/whole-fleet.ts';
import { freePort } from '../support/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';

const script = path.join(import.meta.dirname, 'guest.sh');
const cache = process.env['FLEET_HEALTH_GUESTS'] ?? '';
const image = path.join(cache, `guest-${process.env['SUITE'] ?? 'trixie'}`);
const skip = existsSync(path.join(image, 'disk')) ? false : 'there is no guest: npm run test:machines makes one';
const readers = ['node', 'shell'] as const;

const scope = `docker-${'0123456789abcdef'.repeat(4)}.scope`;

// Only one machine is booted: a start takes a minute, and two starve each other.
describe('a Debian machine that both agents visit', { skip }, () => {
  const guestDir = path.join(tempFolder(), 'guest');
  const [kind] = databaseKinds();
  let [port, pid] = [0, 0];

  const inGuest = (command: string): { readonly status: number | null; readonly said: string } => {
    const options = ['BatchMode=yes', 'ConnectTimeout=60', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null'];
    const words = ['-i', path.join(image, 'key'), '-p', String(port), ...options.flatMap((option) => ['-o', option])];
    const { status, stdout, stderr } = spawnSync('ssh', [...words, 'root@127.0.0.1', command], { encoding: 'utf8' });
    return { status, said: stdout + stderr };
  };
  const make = (command: string): void => {
    const { status, said } = inGuest(command);
    assert.equal(status, 0, said);
  };

  before(async () => {
    port = await freePort();
    pid = Number(execFileSync('sh', [script, 'start', cache, guestDir, String(port)], { encoding: 'utf8' }));
    for (let tries = 0; inGuest('true').status !== 0; tries += 1) {
      if (tries === 90) assert.fail(readFileSync(path.join(guestDir, 'console'), 'latin1').slice(-2000));
      await sleep(2000);
    }
    make(readFileSync(path.join(import.meta.dirname, 'prepare-guest.sh'), 'utf8'));
  });
  after(() => {
    if (pid > 0) process.kill(pid, 'SIGKILL');
  });

  test('says the same to both of its devices, kernel, log and textfiles', async (t) => {
    assert.ok(kind);
    const key = path.join(image, 'key');
    const site = await kind.site(
      t,
      `<ssh privateKey="${key}"/><collector agentTimeout="60s" connectTimeout="30s" clientDeadline="2m"/>
      <alerts logs="yes"><mail to="ops@example.org"/></alerts>
      ${readers.map((name) => `<client name="${name}" ip="127.0.0.1" port="${port}" username="${name}"/>`).join('')}`,
    );
    const visit = async (): Promise<void> => {
      const { status, stdout, stderr } = await site.run('collect');
      assert.equal(status, 0, stdout + stderr);
    };
    /** Returns what the newest report of each agent says, which has to be the same. */
    const same = async (select: string): Promise<readonly string[]> => {
      const [node, shell] = await Promise.all(
        readers.map(async (reader) => {
          const newest = `(SELECT MAX(id) FROM stats WHERE client = '${reader}')`;
          const rows = await site.rows(select.replaceAll('NEWEST', newest));
          return rows.map((row) =>
            Object.values(row)
              .join(' ')
              .replaceAll(/\d+ s ago/g, 'N s ago'),
          );
        }),
      );
      assert.deepEqual(shell, node);
      return node ?? [];
    };
    const checks = (names: string): Promise<readonly string[]> =>
      same(
        `SELECT check_name, state, text FROM check_stats WHERE stat_id = NEWEST AND check_name LIKE '${names}' ORDER BY check_name`,
      );

    make(`systemd-run --quiet --collect --scope --unit=${scope} -p MemoryMax=30M -p MemorySwapMax=0 -p OOMPolicy=continue \
      sh -c 'until [ -e /run/eat ]; do sleep 1; done; tail /dev/zero; exec sleep 600' >/dev/null 2>&1 &`);
    assert.equal((await site.run('trust', '--yes')).status, 0);
    await visit();
    const known = await site.rows('SELECT name, reader FROM clients ORDER BY name');
    assert.deepEqual(
      known.map((row) => Object.values(row)),
      readers.map((name) => [name, name]),
    );

    const [array = ''] = await checks('md:%');
    assert.match(array, /^md:md0 2 /);
    const [bond = ''] = await checks('bond:%');
    assert.match(bond, /^bond:bond0 1 .*dummy1/);
    const [btrfs = ''] = await checks('btrfs:%');
    assert.match(btrfs, /^btrfs:[0-9a-f-]{36} 0 /);
    assert.deepEqual(
      (await checks('textfile:%')).map((line) => line.split(' ', 2).join(' ')),
      [
        'textfile:/var/lib/prometheus/node-exporter 0',
        'textfile:apt 0',
        'textfile:ipmitool_sensor 0',
        'textfile:nvme 0',
      ],
    );
    const samples = await same(
      `SELECT e.metric, m.value FROM samples m JOIN series e ON e.id = m.series_id WHERE m.stat_id = NEWEST
       AND e.metric IN ('nvme_temperature_celsius', 'nvme_critical_warning', 'node_ipmi_status') ORDER BY e.metric`,
    );
    assert.deepEqual(samples, ['node_ipmi_status 0', 'nvme_critical_warning 0', 'nvme_temperature_celsius 50']);

    // A container that both know takes more than it may have, and the log gets a line.
    make(`touch /run/eat
      for try in $(seq 60); do grep -q 'oom_kill [1-9]' /sys/fs/cgroup/system.slice/${scope}/memory.events && break; sleep 1; done
      logger -p err -t fleet 'a line that both find'`);
    await visit();
    assert.deepEqual(await same('SELECT oom_kills FROM stats WHERE id = NEWEST'), ['1']);
    const pressure = ['cpu', 'memory', 'io'].map((part) => `pressure_${part}_percent IS NULL`);
    assert.deepEqual(await same(`SELECT ${pressure.join(', ')} FROM stats WHERE id = NEWEST`), ['0 0 0']);
    const [container = ''] = await checks('container:%');
    assert.match(container, /^container:0123456789ab 1 /);
    const line = "SELECT priority, times, text FROM log_lines WHERE stat_id = NEWEST AND text LIKE '%that both find%'";
    assert.deepEqual(await same(line), ['3 1 a line that both find']);

    await visit();
    assert.deepEqual(await same('SELECT oom_kills FROM stats WHERE id = NEWEST'), ['0'], 'a kill is told once');
    assert.deepEqual(await same(line), []);
    assert.equal((await site.run('alert')).status, 0);
    const alerts = await site.rows("SELECT client, subject FROM alerts WHERE subject = 'md:md0' ORDER BY client");
    assert.deepEqual(
      alerts.map((row) => Object.values(row).join(' ')),
      readers.map((name) => `${name} md:md0`),
    );
  });
});
