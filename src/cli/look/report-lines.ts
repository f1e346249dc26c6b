import { formatValue } from '../../alerter/evaluate/describe-value.ts';
import type { Config } from '../../config/config.ts';
import type { ClientDetail, ProcessFigure, WholeReport } from '../../look/data/client-detail.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import type { DiskRow, NetworkRow } from '../../report/columns.ts';
import { type StatsFigure, type StatsFigureEntry, statsFigures, type Unit } from '../../report/metrics.ts';
import { describeAge, formatDuration } from '../../text/durations.ts';
import { counted, describeSize, namedUpTo } from '../../text/numbers.ts';
import { percent } from '../command/member-words.ts';
import type { Output } from '../terminal/output.ts';
import type { ReaderTime } from '../terminal/reader-time.ts';
import { type Cell, renderTable } from '../terminal/table.ts';
import { forecastSentence } from './forecast-text.ts';

/** The output, configuration and times that a section needs. */
export interface DetailWords {
  readonly output: Output;
  readonly config: Config;
  readonly time: ReaderTime;
  readonly nowMs: number;
}

const maxRows = 20;
const maxUnits = 20;

const ownLines = Object.entries<StatsFigureEntry>(statsFigures).flatMap(([name, { line, unit }]) =>
  line === null ? [] : [[name as StatsFigure, line, unit] as const],
);

/** Returns the table of CPU, memory, swap, load and other figures. */
export function nowLines({ member, newest }: ClientDetail, { output }: DetailWords): readonly string[] {
  if (newest === null) return [];
  const { row, whole } = newest;
  const { beyond } = member;
  const size = (bytes: number | null | undefined): string => (typeof bytes === 'number' ? describeSize(bytes) : '?');
  const total = whole?.memoryBytes ?? null;
  const available = total === null ? '' : `${size(whole?.memoryAvailableBytes)} of ${size(total)} available`;
  const loads = [row.load1, row.load5, row.load15].map((load) => load?.toFixed(2) ?? '-').join(' ');
  const pressures = [row.pressure_cpu_percent, row.pressure_memory_percent, row.pressure_io_percent]
    .map((value) => (value === null ? '-' : `${Math.round(value)}%`))
    .join(' ');
  const figures: readonly (readonly [name: string, value: Cell, more: string])[] = [
    ['cpu', percent(row.cpu_percent, beyond.cpu), row.cpus === null ? '' : `of ${counted(row.cpus, 'CPU')}`],
    ['memory', percent(row.memory_percent, beyond.memory), available],
    ['swap', percent(row.swap_percent, null), swapWords(whole)],
    ['load', loads, 'of 1, 5 and 15 minutes'],
    ['pressure', pressures, 'of CPU, memory and disks'],
    ...ownLines.map(([name, title, unit]) => [title, figureCell(unit, row[name]), ''] as const),
    ['up', row.uptime_s === null ? '-' : describeAge(row.uptime_s * 1000), stateWords(row)],
  ];
  return [
    renderTable(
      output,
      [
        { title: 'figure', cell: ([name]) => name },
        { title: 'value', cell: ([, value]) => value },
        { title: '', cell: ([, , more]) => more },
      ],
      figures,
    ),
  ];
}

function figureCell(unit: Unit, value: number | null): Cell {
  if (unit === 'percent') return percent(value, null);
  return value === null ? '-' : formatValue(unit, value);
}

function swapWords(whole: WholeReport | null): string {
  const bytes = whole?.swapBytes ?? null;
  return bytes === null ? '' : bytes === 0 ? 'there is none' : `of ${describeSize(bytes)}`;
}

function stateWords(row: NonNullable<ClientDetail['newest']>['row']): string {
  const mounts = row.unresponsive_mounts ?? 0;
  return [
    ...(row.processes === null ? [] : [counted(row.processes, 'process').replace(/ss(s)$/, 'sse$1')]),
    ...(row.reboot_required === 1 ? ['it wants a reboot'] : []),
    ...(row.clock_synchronised === 0 ? ['its clock is not synchronised'] : []),
    ...((row.oom_kills ?? 0) > 0 ? [`it ran out of memory`] : []),
    ...(mounts > 0 ? [`${counted(mounts, 'mount')} ${mounts === 1 ? 'does' : 'do'} not answer`] : []),
    ...(row.probe_errors === 0 ? [] : [`${counted(row.probe_errors, 'probe')} failed`]),
  ].join(', ');
}

/** Returns the mounts, missing and unresponsive ones first, then the fullest, and their forecasts. */
export function diskLines({ newest, forecasts }: ClientDetail, { output }: DetailWords): readonly string[] {
  const disks = newest?.disks ?? [];
  if (disks.length === 0) return [];
  const rank = ({ unresponsive, mode, used_percent: used }: DiskRow): number =>
    unresponsive === 1 || mode === 'missing' ? 200 : (used ?? -1);
  const size = (bytes: number | null): string => (bytes === null ? '-' : describeSize(bytes));
  const sorted = [...disks].sort((one, other) => rank(other) - rank(one));
  const table = renderTable(
    output,
    [
      { title: 'mount', shrinks: true, keepsEnd: true, cell: ({ mount }) => mount },
      { title: 'used', align: 'right', cell: usedCell },
      { title: 'available', align: 'right', cell: ({ available_bytes: bytes }) => size(bytes) },
      { title: 'size', align: 'right', cell: ({ size_bytes: bytes }) => size(bytes) },
      { title: 'inodes', align: 'right', cell: ({ inodes_percent: inodes }) => percent(inodes, null) },
      { title: 'type', drops: 2, cell: ({ fstype, mode }) => [fstype, mode].filter(Boolean).join(' ') },
      { title: 'from', drops: 1, shrinks: true, keepsEnd: true, cell: ({ source }) => source ?? '-' },
    ],
    sorted.slice(0, maxRows),
  );
  return [table, ...moreLines(sorted.length - maxRows), ...forecasts.slice(0, maxRows).map(forecastSentence)];
}

function usedCell({ unresponsive, mode, used_percent: used }: DiskRow): Cell {
  if (mode === 'missing') return { text: 'missing', colour: 'red' };
  return unresponsive === 1 ? { text: 'no answer', colour: 'red' } : percent(used, null);
}

/** Returns the interfaces with their rates. */
export function networkLines({ newest }: ClientDetail, { output }: DetailWords): readonly string[] {
  const networks = newest?.networks ?? [];
  if (networks.length === 0) return [];
  const rate = (bytes: number | null): string => (bytes === null ? '-' : `${describeSize(bytes)}/s`);
  const faults = (row: NetworkRow): string => {
    const sum = (...parts: (number | null)[]): string =>
      parts.every((part) => part === null)
        ? '-'
        : String(Math.round(parts.reduce<number>((a, b) => a + (b ?? 0), 0) * 100) / 100);
    return `${sum(row.rx_errors_per_s, row.tx_errors_per_s)} ${sum(row.rx_drops_per_s, row.tx_drops_per_s)}`;
  };
  const table = renderTable(
    output,
    [
      { title: 'interface', shrinks: true, cell: (row) => row.interface },
      { title: 'link', cell: ({ link_up: up }) => (up === null ? '-' : up === 1 ? 'up' : 'down') },
      { title: 'received', align: 'right', cell: ({ rx_bytes_per_s: bytes }) => rate(bytes) },
      { title: 'sent', align: 'right', cell: ({ tx_bytes_per_s: bytes }) => rate(bytes) },
      { title: 'errors, drops a second', drops: 1, align: 'right', cell: faults },
    ],
    networks.slice(0, maxRows),
  );
  return [table, ...moreLines(networks.length - maxRows)];
}

function moreLines(count: number): readonly string[] {
  return count > 0 ? [`and ${count} more; --json has all`] : [];
}

/** Returns the processes that use most CPU or memory, the failed units, and the probes with an error. */
export function processLines({ newest }: ClientDetail, { output, config }: DetailWords): readonly string[] {
  if (newest === null) return [];
  const { whole, row } = newest;
  if (whole === null) {
    const kept = formatDuration(config.retention.detailMs);
    const units = row.failed_units === null ? '' : `, ${counted(row.failed_units, 'failed unit')}`;
    return [`The whole report is not kept any more (<retention detail> is ${kept})${units}.`];
  }
  const processes = ranked(whole);
  const units = whole.failedUnits;
  return [
    ...(processes.length === 0
      ? ['No process is known.']
      : [
          renderTable(
            output,
            [
              { title: 'process', shrinks: true, cell: ({ process }) => process },
              { title: 'pid', align: 'right', cell: ({ pid }) => (pid === null ? '-' : String(pid)) },
              { title: 'of one CPU', align: 'right', cell: ({ cpu }) => percent(cpu, null) },
              { title: 'memory', align: 'right', cell: ({ bytes }) => (bytes === null ? '-' : describeSize(bytes)) },
            ],
            processes,
          ),
        ]),
    units.length > 0
      ? output.colour('red', `Failed: ${escapeControls(namedUpTo(maxUnits, units))}`)
      : unitsText(row.failed_units),
    ...whole.probeErrors.map(({ probe, error }) => escapeControls(`Probe ${probe}: ${error}`)),
  ];
}

/** Describes how many units have failed if the report does not name them. */
function unitsText(failed: number | null): string {
  if (failed === null) return 'Units are not known.';
  return failed === 0 ? 'No unit is failed.' : `${counted(failed, 'unit')} failed.`;
}

interface RankedProcess {
  readonly process: string;
  readonly pid: number | null;
  readonly cpu: number | null;
  readonly bytes: number | null;
}

/** Merges both lists by process, the most CPU first, then the most memory. */
function ranked({ processesByCpu, processesByMemory }: WholeReport): readonly RankedProcess[] {
  const found = new Map<string, RankedProcess>();
  const add = ({ process, pid }: ProcessFigure, figure: Partial<RankedProcess>): void => {
    const key = `${pid} ${process}`;
    found.set(key, { process, pid, cpu: null, bytes: null, ...found.get(key), ...figure });
  };
  for (const one of processesByCpu) add(one, { cpu: one.value });
  for (const one of processesByMemory) add(one, { bytes: one.value });
  return [...found.values()];
}
