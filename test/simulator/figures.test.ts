import assert from 'node:assert/strict';
import { test } from 'node:test';

import { columnsOf } from '../../src/report/columns.ts';
import { encodeReport } from '../../src/report/encode-report.ts';
import { metrics } from '../../src/report/metrics.ts';
import { parseReport } from '../../src/report/parse-report.ts';
import { withPlausibleValues } from '../../src/report/plausible-report.ts';
import type { Report } from '../../src/report/report.ts';
import { conditionOf } from '../../src/simulator/condition.ts';
import { figuresOf } from '../../src/simulator/figures.ts';
import { planFleet, type FleetPlan, type SimulatedClient } from '../../src/simulator/fleet-plan.ts';
import { inventoryOf } from '../../src/simulator/inventory.ts';
import { personalityOf } from '../../src/simulator/personality.ts';
import { pluck } from '../support/pluck.ts';

const statsColumns = (report: Report) => columnsOf(report).stats;
const diskRows = (report: Report) => columnsOf(report).disks;

const startedAtMs = 1_800_000_000_000;
const minuteMs = 60_000;
const clean: FleetPlan = { seed: 11, clients: 60, profile: 'clean', port: 1, startedAtMs, everyMs: 5 * minuteMs };

function reportOf(plan: FleetPlan, client: SimulatedClient, atMs: number): Report {
  const personality = personalityOf(plan.seed, client);
  const condition = conditionOf(plan, client, atMs);
  return {
    name: 'Daemon report',
    version: 1,
    datetime: new Date(atMs).toISOString(),
    report_id: '6f1c0e5a-1f0b-4f7e-9f43-0c3c7d1f2a10',
    run_id: '0b8a1c62-7d0e-4c55-8a3e-52e1f5f0c001',
    client: client.name,
    agent: { version: 'simulated', cpu_ms: 24, wall_ms: 31, rss_bytes: 1 },
    boot_id: null,
    monotonic_ms: atMs - condition.bootedAtMs,
    worker_reports: figuresOf({ seed: plan.seed, client, personality, condition, atMs }),
  };
}

test('what a client says is a report, with nothing out of any sense', () => {
  for (const client of planFleet(clean)) {
    const report = reportOf(clean, client, startedAtMs);
    const parsed = parseReport(encodeReport(report));
    assert.deepEqual(withPlausibleValues(parsed).doubts, []);
    const inventory = { ...report, name: 'Inventory report' as const };
    parseReport(encodeReport({ ...inventory, worker_reports: inventoryOf(client, personalityOf(clean.seed, client)) }));
  }
});

test('a clean fleet has nothing that anybody would be notified of, all day long', () => {
  for (const client of planFleet(clean)) {
    for (let minutes = 0; minutes < 24 * 60; minutes += 45) {
      const report = reportOf(clean, client, startedAtMs + minutes * minuteMs);
      const { cpu_percent: cpu, memory_percent: memory, failed_units: failed } = statsColumns(report);
      assert.ok(cpu !== null && cpu > 0 && cpu < 95, `${client.name} cpu ${String(cpu)}`);
      assert.ok(memory !== null && memory > 5 && memory < 95, `${client.name} memory ${String(memory)}`);
      assert.equal(failed, 0);
      for (const { mount, used_percent: used, inodes_percent: inodes } of diskRows(report)) {
        assert.ok(used !== null && used > 5 && used < 88, `${client.name} ${mount} ${String(used)}`);
        assert.ok(inodes !== null && inodes < 88);
      }
    }
  }
});

test('values move, and slowly', () => {
  const moved = new Set<number | null>();
  for (const client of planFleet(clean).slice(0, 20)) {
    for (let minutes = 0; minutes < 120; minutes += 5) {
      const at = startedAtMs + minutes * minuteMs;
      const reports = [at, at + 5 * minuteMs].map((atMs) => reportOf(clean, client, atMs));
      const [before, after] = reports.map(statsColumns);
      const step = (column: 'cpu_percent' | 'memory_percent' | 'disk_percent'): number =>
        Math.abs((before?.[column] ?? 0) - (after?.[column] ?? 0));
      assert.ok(step('cpu_percent') < 12 && step('memory_percent') < 2 && step('disk_percent') < 1);
      assert.ok((after?.uptime_s ?? 0) > 0);
      moved.add(before?.cpu_percent ?? null);
    }
  }
  assert.ok(moved.size > 100);
});

/** Families that no simulated client reports: nobody has asked for them, or they follow from an option. */
const notSimulated = ['disk_io', 'process_match', 'failed_unit', 'unit', 'check', 'temperature', 'log', 'log_match'];

test('a fleet has every figure of the list, but for named families', () => {
  const reported = planFleet(clean).flatMap((client) => reportOf(clean, client, startedAtMs).worker_reports);
  const rows = reported.flatMap((worker) =>
    worker.function_reports.flatMap(({ name, data }) => data.map((row) => ({ name, row }))),
  );
  const made = new Set(rows.flatMap(({ name, row }) => Object.keys(row).map((field) => `${name}_${field}`)));
  const missing = metrics.filter(({ name, family }) => !made.has(name) && !notSimulated.includes(family));
  assert.deepEqual(pluck(missing, 'name'), []);
});

test('machines differ from each other', () => {
  const values = planFleet(clean).map((client) => statsColumns(reportOf(clean, client, startedAtMs)));
  assert.ok(new Set(values.map(({ cpus }) => cpus)).size > 3);
  assert.ok(new Set(values.map(({ os }) => os)).size > 2);
  assert.ok(new Set(values.map(({ memory_percent: memory }) => memory)).size > 40);
});
