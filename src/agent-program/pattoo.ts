import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hostname, release, type, version } from 'node:os';

import type { JsonValue } from '../../agent/probes/collected.ts';
import { secondMs } from '../platform/units.ts';
import type { Report, Row } from '../report/report.ts';
import { kernelCounters } from './kernel-counters.ts';
import type { TakenReport } from './take-report.ts';

/** The type of a value. null: text. 1: a gauge. 64: a counter. */
type BaseType = null | 1 | 64;
type Datum = readonly [label: string | null, value: string | number];

interface PattooSeries {
  readonly base_type: BaseType;
  readonly description: string;
  readonly data: readonly Datum[];
}

/** A gauge in pattoo's list of names: family, field, label, name and description. */
type Gauge = readonly [family: string, field: string, label: string | null, name: string, description: string];

const gauges: readonly Gauge[] = [
  ['cpu', 'cpus', null, 'cpu_count', 'CPU Count'],
  ['cpu', 'user_percent', null, 'cpu_times_percent_user', 'CPU%'],
  ['cpu', 'system_percent', null, 'cpu_times_percent_system', 'CPU%'],
  ['cpu', 'iowait_percent', null, 'cpu_times_percent_iowait', 'CPU%'],
  ['cpu', 'steal_percent', null, 'cpu_times_percent_steal', 'CPU%'],
  ['load', 'load1', null, 'load_average_01min', 'Load Average (1 minute)'],
  ['load', 'load5', null, 'load_average_05min', 'Load Average (5 minute)'],
  ['load', 'load15', null, 'load_average_15min', 'Load Average (15 minute)'],
  ['memory', 'total_bytes', null, 'memory_total', 'Memory Usage'],
  ['memory', 'available_bytes', null, 'memory_available', 'Memory Usage'],
  ['memory', 'used_percent', null, 'memory_percent', 'Memory Usage'],
  ['swap', 'total_bytes', null, 'swap_total', 'Swap Size'],
  ['swap', 'used_bytes', null, 'swap_used', 'Swap Used'],
  ['swap', 'used_percent', null, 'swap_percent', 'Swap Utilization (%)'],
  ['disk', 'size_bytes', 'mount', 'disk_usage_total', 'Partition Size'],
  ['disk', 'used_bytes', 'mount', 'disk_usage_used', 'Partition Bytes Used'],
  ['disk', 'available_bytes', 'mount', 'disk_usage_free', 'Partition Bytes Available'],
  ['disk', 'used_percent', 'mount', 'disk_usage_percent', 'Partition Utilization (%)'],
  ['processes', 'total', null, 'process_count', 'Process Count'],
];

/** The counters of an interface, in the order in which its probe stores them. */
const networkCounters = [
  ['network_bytes_recv', 'Bytes (In)'],
  ['network_bytes_sent', 'Bytes (Out)'],
  ['network_packets_recv', 'Packets (In)'],
  ['network_packets_sent', 'Packets (Out)'],
  ['network_errin', 'Errors (In)'],
  ['network_errout', 'Errors (Out)'],
  ['network_dropin', 'Dropped Packets (In)'],
  ['network_dropout', 'Dropped Packets (Out)'],
] as const;

/** The times of all CPUs, in the order in which their probe stores them, in hundredths of a second. */
const cpuTimes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;
const ticksPerSecond = 100;

/** Returns the document of pattoo-os (its DATA.md), with the names of its list. Omits unknown values. */
export function pattooReport({ report, counters }: TakenReport): object {
  const host = hostname();
  const [os] = rowsOf(report, 'os');
  return {
    agent_program: 'fleet-health-agent',
    agent_id: agentId(host),
    timestamp: Math.floor(Date.parse(report.datetime) / secondMs),
    agent_hostname: host,
    devices: {
      [host]: {
        timefixed: withData([
          ['system', textSeries('Operating System', type())],
          ['distribution', textSeries('Linux Distribution', os?.['distribution'])],
          ['release', textSeries('Kernel Version', release())],
          ['version', textSeries('Kernel Type', version())],
        ]),
        timeseries: withData([
          ...gaugesOf(report),
          ...cpuCounters(counters?.values['cpu']),
          ...networkCountersOf(counters?.values['network']),
          ...kernelCounters().map(([name, data]) => [name, counterSeries(name, data)] as const),
        ]),
      },
    },
  };
}

/** A stored report, with the hub that has it. */
export interface StoredPattooReport {
  readonly collectorId: string;
  readonly client: string;
  readonly atMs: number;
  readonly report: Report;
}

/** Returns the document of a hub from a stored report of one of its machines. Counters are not stored. */
export function pattooHubReport({ collectorId, client, atMs, report }: StoredPattooReport): object {
  const [os] = rowsOf(report, 'os');
  return {
    agent_program: 'fleet-health',
    agent_id: createHmac('sha256', collectorId).update('fleet-health pattoo').digest('hex'),
    timestamp: Math.floor(atMs / secondMs),
    agent_hostname: hostname(),
    devices: {
      [client]: {
        timefixed: withData([
          ['distribution', textSeries('Linux Distribution', os?.['distribution'])],
          ['release', textSeries('Kernel Version', os?.['kernel'])],
        ]),
        timeseries: withData(gaugesOf(report)),
      },
    },
  };
}

/** Returns 64 hexadecimal digits that stay the same on this machine and do not reveal its machine-id(5). */
export function agentId(host: string): string {
  const file = '/etc/machine-id';
  const machine = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  return createHmac('sha256', machine === '' ? host : machine)
    .update('fleet-health-agent pattoo')
    .digest('hex');
}

function textSeries(description: string, value: Row[string] | undefined): PattooSeries {
  const isKnown = typeof value === 'string' && value !== '';
  return { base_type: null, description, data: isKnown ? [[null, value]] : [] };
}

function gaugesOf(report: Report): readonly (readonly [string, PattooSeries])[] {
  const [swap] = rowsOf(report, 'swap');
  const { total_bytes: total, used_bytes: used } = swap ?? {};
  const free: readonly Datum[] = typeof total === 'number' && typeof used === 'number' ? [[null, total - used]] : [];
  return [...listedGaugesOf(report), ['swap_free', { base_type: 1, description: 'Swap Free', data: free }]];
}

function listedGaugesOf(report: Report): readonly (readonly [string, PattooSeries])[] {
  return gauges.map(([family, field, label, name, description]) => {
    const data = rowsOf(report, family).flatMap((row): readonly Datum[] => {
      const value = row[field];
      return typeof value === 'number' ? [[label === null ? null : String(row[label]), value]] : [];
    });
    return [name, { base_type: 1, description, data }];
  });
}

function cpuCounters(cpu: JsonValue | undefined): readonly (readonly [string, PattooSeries])[] {
  const ticks = ((cpu ?? {}) as Readonly<Record<string, readonly number[]>>)['cpu'] ?? [];
  return cpuTimes.map((name, index) => {
    const value = ticks[index];
    const data: readonly Datum[] = value === undefined ? [] : [[null, value / ticksPerSecond]];
    return [`cpu_times_${name}`, { base_type: 64, description: 'CPU Usage', data }];
  });
}

/** The words of pattoo's list for the counters of the kernel, by the beginning of their names. */
const counterWords: readonly (readonly [beginning: string, description: string])[] = [
  ['cpu_stats_', 'CPU Statistics'],
  ['swap_', 'Swap Activity'],
  ['disk_io_', 'Disk I/O'],
];

function counterSeries(name: string, data: readonly Datum[]): PattooSeries {
  const description = counterWords.find(([beginning]) => name.startsWith(beginning))?.[1] ?? name;
  return { base_type: 64, description, data };
}

function networkCountersOf(network: JsonValue | undefined): readonly (readonly [string, PattooSeries])[] {
  const interfaces = Object.entries((network ?? {}) as Readonly<Record<string, readonly number[]>>);
  return networkCounters.map(([name, description], index) => {
    const data = interfaces.flatMap(([label, counts]): readonly Datum[] => {
      const value = counts[index];
      return value === undefined || !Number.isFinite(value) ? [] : [[label, value]];
    });
    return [name, { base_type: 64, description, data }];
  });
}

function withData(series: readonly (readonly [string, PattooSeries])[]): Readonly<Record<string, PattooSeries>> {
  return Object.fromEntries(series.filter(([, { data }]) => data.length > 0));
}

function rowsOf(report: Report, family: string): readonly Row[] {
  const functions = report.worker_reports.flatMap((worker) => worker.function_reports);
  return functions.find(({ name }) => name === family)?.data ?? [];
}
