import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';

import { databaseKinds } from '../end-to-end/support/whole-fleet.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { Guest, guestKey, skipWithoutGuest } from './guest.ts';
import { livesInGuest, makeBothVersions } from './packages-in-guest.ts';

const readers = ['node', 'shell'] as const;

const scope = `docker-${'0123456789abcdef'.repeat(4)}.scope`;

type Kind = ReturnType<typeof databaseKinds>[number];

/** Makes a site that visits the machine with both agents. */
async function bothAgents(t: TestContext, kind: Kind, guest: Guest) {
  const site = await kind.site(
    t,
    `<ssh privateKey="${guestKey}"/><collector concurrency="1" agentTimeout="60s" connectTimeout="30s" clientDeadline="2m"/>
    <alerts logs="yes"><mail to="ops@example.org"/></alerts>
    ${readers.map((name) => `<client name="${name}" ip="127.0.0.1" port="${guest.port}" username="${name}"/>`).join('')}`,
  );
  const visit = async (): Promise<void> => {
    const { status, stdout, stderr } = await site.run('collect');
    assert.equal(status, 0, stdout + stderr);
  };
  /** Returns the rows of each agent's newest report. Fails unless both agents have the same. */
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
      `SELECT check_name, state, text FROM check_stats WHERE stat_id = NEWEST AND check_name LIKE '${names}' ORDER ` +
        'BY check_name',
    );
  return { site, visit, same, checks };
}

type Agents = Awaited<ReturnType<typeof bothAgents>>;

async function assertDevices({ same, checks }: Agents): Promise<void> {
  const [array = ''] = await checks('md:%');
  assert.match(array, /^md:[\da-f-]{36} 2 /);
  const [bond = ''] = await checks('bond:%');
  assert.match(bond, /^bond:bond0 1 .*dummy1/);
  const [btrfs = ''] = await checks('btrfs:%');
  assert.match(btrfs, /^btrfs:[0-9a-f-]{36} 0 /);
  assert.deepEqual(
    (await checks('textfile:%')).map((line) => line.split(' ', 2).join(' ')),
    ['textfile:/var/lib/prometheus/node-exporter 0', 'textfile:apt 0', 'textfile:ipmitool_sensor 0', 'textfile:nvme 0'],
  );
  const samples = await same(
    `SELECT e.metric, m.value FROM samples m JOIN series e ON e.id = m.series_id WHERE m.stat_id = NEWEST
     AND e.metric IN ('nvme_temperature_celsius', 'nvme_critical_warning', 'nvme_critical_warning_total', 'node_ipmi_status')
     ORDER BY e.metric`,
  );
  // Debian 12 has the suffix `_total`.
  assert.deepEqual(
    samples.map((sample) => sample.replace('_total', '')),
    ['node_ipmi_status 0', 'nvme_critical_warning 0', 'nvme_temperature_celsius 50'],
  );
}

async function assertHangingTimer({ site, visit, checks }: Agents): Promise<void> {
  // On a busy host systemctl does not answer each agent within its 2 s at once.
  const late =
    "SELECT name FROM clients WHERE 0 < (SELECT COUNT(*) FROM check_stats WHERE check_name = 'timer:hangs'\
    AND stat_id = (SELECT MAX(id) FROM stats WHERE client = name))";
  for (let tries = 0; tries < 5 && (await site.rows(late)).length < readers.length; tries += 1) await visit();
  assert.deepEqual(await checks('timer:hangs'), [
    'timer:hangs 1 last triggered 2 h ago, period 30 min at most; its unit has not ended',
  ]);
}

async function assertThinDisk({ same }: Agents): Promise<void> {
  // The size is that of the file system: it does not show the limit of a thin pool or quota.
  const [thin = ''] = await same(
    `SELECT mount, fstype, size_bytes > 200000000, used_bytes BETWEEN 8000000 AND 60000000 FROM disk_stats
     WHERE stat_id = NEWEST AND mount = '/mnt/thin'`,
  );
  assert.equal(thin, '/mnt/thin xfs 1 1');
}

async function assertKernelAndLog({ visit, same, checks }: Agents, guest: Guest): Promise<void> {
  // A container that both agents know exceeds its memory, and the log gets a line.
  guest.make(`touch /run/eat
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
  assert.deepEqual(await same('SELECT oom_kills FROM stats WHERE id = NEWEST'), ['0'], 'a kill is notified once');
  assert.deepEqual(await same(line), []);
}

// Boots only one machine: a start takes a minute, and two machines slow each other down.
describe('a Debian machine', { skip: skipWithoutGuest }, () => {
  const [kind] = databaseKinds(false);
  const work = tempFolder();
  const guest = new Guest(path.join(work, 'guest'));

  before(async () => {
    await Promise.all([guest.boot(), makeBothVersions(work)]);
    guest.make(readFileSync(path.join(import.meta.dirname, 'prepare-guest.sh'), 'utf8'));
    // The last line of the script restarts sshd.
    await guest.until('true', 60);
  });
  after(() => guest.end());

  test('says the same to both agents of its devices, kernel, log and textfiles', async (t) => {
    assert.ok(kind);
    const agents = await bothAgents(t, kind, guest);
    const { site, visit } = agents;
    guest.make(`systemd-run --quiet --collect --scope --unit=${scope} -p MemoryMax=30M -p MemorySwapMax=0 -p OOMPolicy=continue \
      sh -c 'until [ -e /run/eat ]; do sleep 1; done; tail /dev/zero; exec sleep 600' >/dev/null 2>&1 &`);
    assert.equal((await site.run('trust', '--yes')).status, 0);
    await visit();
    const known = await site.rows('SELECT name, reader FROM clients ORDER BY name');
    assert.deepEqual(
      known.map((row) => Object.values(row)),
      readers.map((name) => [name, name]),
    );

    await assertDevices(agents);
    await assertHangingTimer(agents);
    await assertThinDisk(agents);
    await assertKernelAndLog(agents, guest);
    assert.equal((await site.run('alert')).status, 0);
    const alerts = await site.rows("SELECT client FROM alerts WHERE subject LIKE 'md:%' ORDER BY client");
    assert.deepEqual(
      alerts.map((row) => Object.values(row).join(' ')),
      [...readers],
    );
  });

  test('lives with the packages through a boot and an upgrade, until they are purged', async () => {
    // Node is for all accounts again. Without later.conf sshd's monotonic clock counts from the boot again.
    guest.make('chmod 755 /usr/bin/node && rm /etc/systemd/system/ssh.service.d/later.conf');
    await livesInGuest(guest, work);
  });
});
