import { randomUUID } from 'node:crypto';

import type { CheckResult, RefusedCheck } from '../../../src/report/checks.ts';
import type { Report, Row, WorkerReport } from '../../../src/report/report.ts';
import type { IngestItem, VisitRecord } from '../../../src/storage/store/storage.ts';
import type { RunEnd, RunStart } from '../../../src/storage/store/run.ts';

/** 2026-11-20 10:00:00.000 UTC. */
export const noonMs = Date.UTC(2026, 10, 20, 10);

/** Returns a worker report with one family. */
export function worker(family: string, ...data: readonly Row[]): WorkerReport {
  return { name: family, duration_ms: 1, error: null, function_reports: [{ name: family, data }] };
}

/** Returns the result of a plugin that has run. */
export function check(name: string, exit: number | null, output = '', more: Partial<CheckResult> = {}): CheckResult {
  return { name, format: 'nagios', exit, why: exit === null ? 'timeout' : null, output, age_s: 0, ...more };
}

/** Returns the probes of an ordinary machine, about 2 KB, as agents send them. */
export function ordinaryWorkers(): readonly WorkerReport[] {
  const disk = (mount: string, used_percent: number): Row => ({
    mount,
    fstype: 'ext4',
    source: `/dev/vd${mount.length}`,
    scope: 'local',
    mode: 'rw',
    size_bytes: 270553518080,
    used_bytes: 170553518080,
    available_bytes: 86000000000,
    used_percent,
    inodes_percent: 4.2,
    unresponsive: 0,
  });
  const shares = { used_percent: 12.5, user_percent: 8, system_percent: 4.5, iowait_percent: 0.3 };
  return [
    worker('cpu', { ...shares, cpus: 4, interval_s: 300 }),
    worker('load', { load1: 0.5, load5: 0.4, load15: 0.3 }),
    worker('memory', { total_bytes: 8345677824, available_bytes: 4865527808, used_percent: 41.7 }),
    worker('swap', { total_bytes: 0, used_bytes: 0, used_percent: null }),
    worker('disk', disk('/', 63.1), disk('/data', 91.5), disk('/boot', 22)),
    worker('network', { interface: 'eth0', rx_bytes_per_s: 1024.5, tx_bytes_per_s: 2048, link_up: 1 }),
    worker('os', { hostname: 'web-1', distribution: 'Debian GNU/Linux 12', kernel: '6.1.0', reboot_required: 0 }),
    worker('kernel', { oom_kills: 2, open_files_percent: 0.5, conntrack_percent: null }),
    worker('pressure', { cpu_percent: 1.25, memory_percent: 0, io_percent: 3.5 }),
    worker('clock', { synchronised: 1 }),
    worker('temperature', { sensor: 'coretemp/Core 0', celsius: 61.5 }, { sensor: 'nvme/Composite', celsius: 38 }),
    worker('uptime', { seconds: 86400 }),
    worker('processes', { total: 180, running: 2, blocked: 0, zombies: 0 }),
    worker('process_cpu', { process: 'nginx', pid: 812, used_percent_of_one_cpu: 7.5 }),
    worker('services', { failed_units: 1 }),
  ];
}

export interface ItemOptions {
  readonly client?: string;
  readonly id?: string;
  readonly observedAtMs?: number;
  readonly receivedAtMs?: number;
  readonly name?: Report['name'];
  readonly bootId?: string;
  readonly workers?: readonly WorkerReport[];
  readonly checks?: readonly CheckResult[];
  readonly refused?: readonly RefusedCheck[];
}

/** Returns a report in the form for ingest. */
export function item(options: ItemOptions = {}): IngestItem {
  const client = options.client ?? 'web-1';
  const observedAtMs = options.observedAtMs ?? noonMs;
  const report: Report = {
    name: options.name ?? 'Daemon report',
    version: 1,
    datetime: new Date(observedAtMs).toISOString(),
    report_id: options.id ?? randomUUID(),
    run_id: randomUUID(),
    client,
    agent: { version: '0.1.0', cpu_ms: 24, wall_ms: 31, rss_bytes: 47185920 },
    boot_id: options.bootId ?? 'boot-1',
    monotonic_ms: 123456,
    worker_reports: options.workers ?? ordinaryWorkers(),
    ...(options.checks === undefined ? {} : { checks: options.checks }),
    ...(options.refused === undefined ? {} : { checks_refused: options.refused }),
  };
  const receivedAtMs = options.receivedAtMs ?? observedAtMs + 250;
  return { client, report, receivedAtMs, observedAtMs, collectedAtMs: observedAtMs, clockOffsetMs: -12 };
}

export function runStart(options: Partial<RunStart> = {}): RunStart {
  return {
    id: randomUUID(),
    program: 'collect',
    collectorId: 'collector-1',
    host: 'mon-1',
    scope: 'full',
    configDigest: 'c'.repeat(64),
    startedAtMs: noonMs,
    ...options,
  };
}

export function runEnd(start: RunStart, options: Partial<RunEnd> = {}): RunEnd {
  return {
    id: start.id,
    outcome: 'finished',
    finishedAtMs: start.startedAtMs + 5000,
    clients: 3,
    succeeded: 2,
    failed: 1,
    skipped: 0,
    cpuMs: 321.5,
    maxRssBytes: 90000000,
    ...options,
  };
}

/** The columns of a run that did not look for forgotten rows. */
export const notLooked = {
  ...{ restored: null, restoredReports: null, restoredFromMs: null, restoredToMs: null, restoredNote: null },
};

export function visit(options: Partial<VisitRecord> = {}): VisitRecord {
  return {
    runId: 'run-1',
    client: 'web-1',
    address: '192.0.2.1',
    startedAtMs: noonMs,
    durationMs: 750.4,
    ok: true,
    stage: null,
    code: null,
    message: null,
    connectMs: 81.7,
    bytesIn: 4000,
    bytesOut: 3000,
    uploaded: false,
    reader: 'node',
    bootId: 'boot-1',
    nextAttemptAtMs: null,
    ...options,
  };
}

/** A failed visit. */
export const refusedVisit = {
  ok: false,
  stage: 'connect',
  code: 'connect-refused',
  message: 'connect ECONNREFUSED 192.0.2.1:22',
  reader: null,
  bootId: null,
} as const satisfies Partial<VisitRecord>;
