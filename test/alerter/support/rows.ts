import { type CheckStat, checkStats } from '../../../src/report/checks/checks.ts';
import { type DiskRow, type NetworkRow, columnsOf } from '../../../src/report/columns.ts';
import type { Report } from '../../../src/report/report.ts';
import type { UnprocessedReport, UnprocessedVisit } from '../../../src/storage/store/evaluation-store.ts';

/** 20 November 2026; times in tests are UTC. */
export const day = Date.UTC(2026, 10, 20);

/** Returns the milliseconds since 1970 of `08:05`, or of `+1 08:05` on the next day. */
export function at(time: string): number {
  const parts = /^(?:\+(\d+) )?(\d\d):(\d\d)$/.exec(time);
  if (parts === null) throw new Error(`no time: ${time}`);
  const [, days = '0', hours = '0', minutes = '0'] = parts;
  return day + ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60_000;
}

let lastId = 0;

/** Returns a healthy row with all values known, except the given ones. */
export function reportRow(over: Partial<UnprocessedReport> = {}): UnprocessedReport {
  lastId += 1;
  return {
    id: lastId,
    client: 'web-1',
    reportId: `report-${lastId}`,
    runId: `run-${lastId}`,
    observedAtMs: at('08:00'),
    receivedAtMs: over.observedAtMs ?? at('08:00'),
    clockOffsetMs: 12,
    bootId: 'boot-1',
    uptime_s: 86_400,
    cpu_percent: 5,
    memory_percent: 40,
    swap_percent: 0,
    load1: 0.1,
    load5: 0.1,
    load15: 0.1,
    processes: 120,
    cpus: 4,
    interval_s: 300,
    failed_units: 0,
    reboot_required: 0,
    oom_kills: 0,
    pressure_cpu_percent: 1,
    pressure_memory_percent: 0,
    pressure_io_percent: 2,
    open_files_percent: 3,
    conntrack_percent: 4,
    clock_synchronised: 1,
    temperature_celsius: 50,
    disk_percent: 50,
    probe_errors: 0,
    unresponsive_mounts: 0,
    ...over,
  };
}

export function diskRow(over: Partial<DiskRow> = {}): DiskRow {
  const gib = 2 ** 30;
  return {
    mount: '/',
    fstype: 'ext4',
    source: `/dev/disk${over.mount ?? '/'}`,
    scope: 'local',
    mode: 'rw',
    size_bytes: 100 * gib,
    used_bytes: 50 * gib,
    available_bytes: 50 * gib,
    used_percent: 50,
    inodes_percent: 5,
    unresponsive: 0,
    ...over,
  };
}

export function networkRow(over: Partial<NetworkRow> = {}): NetworkRow {
  return {
    interface: 'eth0',
    rx_bytes_per_s: 1000,
    tx_bytes_per_s: 1000,
    rx_packets_per_s: 10,
    tx_packets_per_s: 10,
    rx_errors_per_s: 0,
    tx_errors_per_s: 0,
    rx_drops_per_s: 0,
    tx_drops_per_s: 0,
    link_up: 1,
    speed_bits_per_s: 1e9,
    interval_s: 300,
    ...over,
  };
}

export function checkRow(over: Partial<CheckStat> = {}): CheckStat {
  return { check_name: 'mailq', state: 0, text: '', perfdata: '', age_s: 0, refused: 0, ...over };
}

/** Returns the row, disks, interfaces and checks that the storage derives from a report. */
export function rowOfReport(report: Report, over: Partial<UnprocessedReport> = {}) {
  const { stats, disks, networks } = columnsOf(report);
  return {
    row: reportRow({ ...stats, reportId: report.report_id, bootId: report.boot_id, ...over }),
    disks,
    networks,
    checks: checkStats(report),
    report,
  };
}

export function visitRow(over: Partial<UnprocessedVisit> = {}): UnprocessedVisit {
  lastId += 1;
  return {
    id: lastId,
    client: 'web-1',
    runId: `run-${lastId}`,
    full: true,
    startedAtMs: at('08:00'),
    ok: true,
    stage: null,
    code: null,
    message: null,
    ...over,
  };
}

/** Returns a failed visit. */
export function failedVisit(stage: string, code: string, over: Partial<UnprocessedVisit> = {}): UnprocessedVisit {
  return visitRow({ ok: false, stage, code, message: `it was ${code}`, ...over });
}
