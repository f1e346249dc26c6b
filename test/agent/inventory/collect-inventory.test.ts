// Runs alone: programs that systeminformation has started go on for a while.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { machine } from 'node:os';
import { test } from 'node:test';

import { openSource } from '../../../agent/live/live-source.ts';
import { collectInventory, users } from '../../../agent/inventory/collect-inventory.ts';
import { collectPortable } from '../../../agent/portable/collect-portable.ts';
import type { CollectOptions } from '../../../agent/probes/collected.ts';
import { metricOf } from '../../../src/report/metrics.ts';
import { inventoryFamilies } from '../../../src/storage/reports/inventory.ts';
import { contextOf, familyOf } from '../probes/fixture-context.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const options: CollectOptions = {
  source: openSource(''),
  options: { processes: ['node'] },
  previous: null,
  bootId: 'b',
  monotonicMs: 1e6,
  // Each probe has a share of it, which a busy machine needs.
  deadlineMs: 300_000,
};

/** The facts of this machine, which take a second to collect. */
const inventory = collectInventory(options);

test('an unchanged machine has the same facts, in the same order', async () => {
  const facts = async (collecting: typeof inventory) => {
    const { workerReports, counters } = await collecting;
    assert.equal(counters, null);
    return workerReports.map(({ name, error, function_reports: families }) => ({ name, error, families }));
  };
  const first = await facts(inventory);
  // Other tests may add and remove accounts on this machine. Another test covers the users.
  const withoutUsers = (all: typeof first) => all.filter(({ name }) => name !== 'users');
  assert.deepEqual(withoutUsers(await facts(collectInventory(options))), withoutUsers(first));
  const names = first.flatMap(({ families }) => families.map(({ name }) => name));
  assert.deepEqual(names, [...inventoryFamilies], 'the families that the collector keeps');
  for (const { name, error, families } of first) {
    assert.equal(error, null, name);
    for (const { data, unknown = [] } of families) {
      data.forEach((row, index) => {
        for (const [field, value] of Object.entries(row)) {
          const isNotified = unknown.some((entry) => entry.field === field && (entry.row ?? index) === index);
          assert.equal(isNotified, value === null, `${name}.${field} and its reason`);
          assert.ok(value !== '' && value !== '-' && value !== 'unknown', `${name}.${field}`);
        }
      });
    }
  }
});

test('the architecture is that of uname -m, and the processor has its maker', async () => {
  const families = (await inventory).workerReports.flatMap((worker) => worker.function_reports);
  assert.equal(familyOf(families, 'os_release').data[0]?.['architecture'], machine());
  const [cpu] = familyOf(families, 'cpu_model').data;
  const { manufacturer, model } = cpu ?? {};
  if (typeof manufacturer === 'string' && typeof model === 'string') assert.ok(model.startsWith(manufacturer), model);
});

test('what takes too long is an error of its own part', async () => {
  const { workerReports } = await collectInventory({ ...options, deadlineMs: 101 });
  assert.equal(workerReports.length, 8);
  assert.match(workerReports.find(({ name }) => name === 'system')?.error ?? '', /^no (answer within|time left)/);
});

test('accounts with a login shell', async (t) => {
  const root = tempFolder(t);
  mkdirSync(`${root}/etc`);
  const passwd = [
    'zoe:x:1001:1001:Zoe:/home/zoe:/bin/zsh',
    'root:x:0:0:root:/root:/bin/bash',
    'www:x:33:33::/var/www:/usr/sbin/nologin',
    'sync:x:4:65534:sync:/bin:/bin/sync',
    'old:x:5:5::/:',
    'broken',
    '',
  ];
  writeFileSync(`${root}/etc/passwd`, passwd.join('\n'));
  assert.deepEqual(familyOf((await users.run(contextOf(root))).functions, 'user').data, [
    { user: 'old', home: '/', shell: '/bin/sh', uid: 5 },
    { user: 'root', home: '/root', shell: '/bin/bash', uid: 0 },
    { user: 'zoe', home: '/home/zoe', shell: '/bin/zsh', uid: 1001 },
  ]);
});

test('the portable metrics are metrics that are listed, and their second visit has rates', async () => {
  const first = await collectPortable(options);
  const { workerReports } = await collectPortable({ ...options, previous: first.counters, monotonicMs: 1e6 + 300_000 });
  const names = new Set<string>();
  for (const { name, error, function_reports: families } of workerReports) {
    assert.equal(error, null, name);
    for (const { name: family, data } of families) {
      for (const row of data) {
        for (const [field, value] of Object.entries(row)) {
          if (typeof value === 'string') continue;
          const metric = metricOf(family, field);
          assert.ok(metric, `${family}_${field}`);
          if (value === null) continue;
          names.add(metric.name);
          assert.ok(value >= metric.minimum && value <= metric.maximum, `${metric.name} ${value}`);
        }
      }
    }
  }
  for (const name of [
    'cpu_used_percent',
    'memory_used_percent',
    'disk_used_percent',
    'load_load1',
    'processes_total',
  ]) {
    assert.ok(names.has(name), name);
  }
});
