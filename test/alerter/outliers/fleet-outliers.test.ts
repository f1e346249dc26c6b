import assert from 'node:assert/strict';

import type { Client, Config } from '../../../src/config/config.ts';
import { areLasting } from '../../../src/alerter/outliers/lasting.ts';
import { type FleetOutliers, fleetOutliers } from '../../../src/alerter/outliers/outliers.ts';
import type { IngestItem } from '../../../src/storage/store/storage.ts';
import { item, noonMs, worker } from '../../storage/support/samples.ts';
import { onEachDatabase, type Opened } from '../../storage/support/databases.ts';
import { times } from '../../support/times.ts';

const everyMs = 300_000;
const gib = 2 ** 30;

function settings(
  groupsOf: Readonly<Record<string, readonly string[]>>,
  state = 'active',
): Pick<Config, 'clients' | 'collector'> {
  const clients = Object.entries(groupsOf).map(([name, groups]) => ({ name, groups, state }) as unknown as Client);
  return { clients, collector: { everyMs } as Config['collector'] };
}

interface Made {
  readonly cpu?: number;
  readonly data?: number | null;
  readonly received?: number;
  readonly kernel?: string;
  /** The degrees of each sensor. Default: no sensors. */
  readonly sensors?: readonly (number | null)[];
}

/** Returns a report or an inventory of `ago` runs ago. */
function report(client: string, ago: number, { cpu = 10, data = 40, received = 1000, sensors = [] }: Made): IngestItem {
  const disk = (mount: string, used_percent: number) => ({
    mount,
    fstype: 'ext4',
    scope: 'local',
    mode: 'rw',
    used_percent,
  });
  const workers = [
    worker('cpu', { used_percent: cpu, cpus: 4 }),
    worker('disk', disk('/', 20), ...(data === null ? [] : [disk('/data', data)])),
    worker('network', { interface: 'eth0', rx_bytes_per_s: received }, { interface: 'eth1', rx_bytes_per_s: 5 }),
    worker('temperature', ...sensors.map((celsius, index) => ({ sensor: `coretemp/Core ${index}`, celsius }))),
  ];
  return item({ client, observedAtMs: noonMs - ago * everyMs, workers });
}

function inventory(client: string, kernel: string): IngestItem {
  const facts = [
    worker('os_release', { distribution: 'Debian', release: '12', kernel }),
    worker('system', { memory_bytes: 8 * gib }),
  ];
  return item({ client, observedAtMs: noonMs, name: 'Inventory report', workers: facts });
}

const ten = times(10, (index) => `web-${index}`);
const web = Object.fromEntries(ten.map((name) => [name, ['web']]));

async function fill({ reports }: Opened, odd: Readonly<Record<string, Made>>, names = ten): Promise<void> {
  for (const name of names) {
    await reports.ingest(times(14, (ago) => report(name, ago, odd[name] ?? {})));
    await reports.ingest([inventory(name, odd[name]?.kernel ?? '6.1')]);
  }
}

const read = (
  opened: Opened,
  config: Pick<Config, 'clients' | 'collector'>,
  groups: readonly string[] | null = null,
): Promise<FleetOutliers> => fleetOutliers({ config, figures: opened.figures, groups, nowMs: noonMs + 1000 });

onEachDatabase('outliers of a fleet', ({ it }) => {
  it('are read from the newest reports and inventories', async (opened) => {
    await fill(opened, {
      'web-1': { cpu: 95 },
      'web-2': { data: 90, kernel: '5.10' },
      'web-3': { received: 80 * 2 ** 20, data: null },
    });
    const { groups, figures, kinds } = await read(opened, settings(web));
    assert.deepEqual(groups, [{ group: 'web', clients: ten }]);
    assert.deepEqual(
      figures.map(({ client, metric, subject, value, median, rows, of }) => ({
        client,
        metric,
        subject,
        value,
        median,
        rows,
        of,
      })),
      [
        { client: 'web-3', metric: 'received', subject: '', value: 80 * 2 ** 20, median: 1000, rows: 12, of: 12 },
        { client: 'web-1', metric: 'cpu', subject: '', value: 95, median: 10, rows: 12, of: 12 },
        { client: 'web-2', metric: 'mount', subject: '/data', value: 90, median: 40, rows: 12, of: 12 },
      ],
    );
    assert.deepEqual(kinds, [
      { group: 'web', fact: 'kernel', usual: '6.1', value: '5.10', members: 10, clients: ['web-2'] },
      { group: 'web', fact: 'mount', usual: '/data', value: null, members: 10, clients: ['web-3'] },
    ]);
  });

  it('are of the hottest sensor of each machine that has any', async (opened) => {
    const rack = Object.fromEntries(times(6, (index) => [`web-${index}`, { sensors: [30, 44 + index] }]));
    await fill(opened, { ...rack, 'web-2': { sensors: [30, null, 84.5, 46] }, 'web-6': { sensors: [null] } });
    const { figures } = await read(opened, settings(web));
    assert.deepEqual(
      figures.map(({ client, metric, subject, value, median, of }) => ({ client, metric, subject, value, median, of })),
      [{ client: 'web-2', metric: 'temperature', subject: '', value: 84.5, median: 47.5, of: 12 }],
    );
    const lasting = { exports: opened.exports, everyMs, beforeMs: noonMs - everyMs };
    assert.equal(await areLasting(figures, lasting), true);
  });

  it('are lasting if the reports before a time were as far off', async (opened) => {
    await fill(opened, { 'web-1': { cpu: 95 }, 'web-2': { data: 90 }, 'web-3': { received: 80 * 2 ** 20 } });
    const { figures } = await read(opened, settings(web));
    assert.equal(figures.length, 3);
    const before = (ago: number): Promise<boolean> =>
      areLasting(figures, { exports: opened.exports, everyMs, beforeMs: noonMs - ago * everyMs });
    assert.deepEqual([await before(1), await before(4), await before(5), await before(20)], [true, true, false, false]);
    const lower = figures.map((one) => ({ ...one, value: 0, median: 50 }));
    assert.equal(await areLasting(lower, { exports: opened.exports, everyMs, beforeMs: noonMs }), false, 'other side');
  });

  it('leave out who is silent, paused, alone, or in a group of four', async (opened) => {
    await fill(opened, { 'web-1': { cpu: 95 } });
    const later = { config: settings(web), figures: opened.figures, groups: null, nowMs: noonMs + 4 * everyMs };
    assert.deepEqual((await fleetOutliers(later)).figures, []);
    assert.deepEqual((await read(opened, settings(web, 'paused'))).groups, []);
    assert.deepEqual(
      (await read(opened, settings({ ...web, ...Object.fromEntries(ten.slice(4).map((name) => [name, []])) }))).groups,
      [],
    );
    assert.deepEqual(await read(opened, settings({})), { groups: [], figures: [], kinds: [] });
  });

  it('are of the innermost group of five, and of all members where a group is named', async (opened) => {
    const databases = times(5, (index) => `db-${index}`);
    const odd = Object.fromEntries(databases.map((name) => [name, { cpu: 95 }]));
    await fill(opened, odd, [...ten, ...databases]);
    const site =
      (inner: string) =>
      (name: string): readonly [string, readonly string[]] => [name, ['site', inner]];
    const config = settings(Object.fromEntries([...ten.map(site('web')), ...databases.map(site('db'))]));
    assert.deepEqual((await read(opened, config)).figures, []);
    const named = await read(opened, config, ['si*']);
    assert.deepEqual(
      named.figures.map(({ group, client }) => [group, client]),
      databases.map((name) => ['site', name]),
    );
    assert.deepEqual(
      (await read(opened, config, ['web', 'db'])).groups.map(({ group }) => group),
      ['web', 'db'],
    );
    await assert.rejects(read(opened, config, ['wbe']), /there is no group "wbe"/);
  });
});
