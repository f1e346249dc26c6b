import { formatValue } from '../../alerter/evaluate/describe-value.ts';
import type { Config } from '../../config/config.ts';
import { type StatsFigure, type StatsFigureEntry, statsFigures, type Unit } from '../../report/metrics.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { adviceFor } from '../../text/advice.ts';
import { alertLabel } from '../../about/alert-label.ts';
import { durationInWords, formatDuration } from '../../text/durations.ts';
import { counted, joined, namedUpTo } from '../../text/numbers.ts';
import type { ColumnLayout } from '../../text/text-columns.ts';
import type { TimeReader } from '../../text/time-words.ts';
import type { FactLevel, FactTable, WordCell } from '../page/page.ts';
import { pastAlerts } from './alert-views.ts';
import type { ClientDetail, NewestReport, ProcessFigure, SentMail } from './client-detail.ts';
import { forecastSentence } from './nearest-forecasts.ts';

type Facts = FactTable<WordCell>;
type Row = Facts['rows'][number];

const maxRows = 40;
/** The modules, disks or cards of a machine that are shown. */
const maxParts = 16;
/** The alerts of a mail that are named. */
const maxNamed = 4;

/** Returns the facts about a client that `show` and its page have in common, as tables in the order of the page. */
export function clientFacts(
  { retention }: Pick<Config, 'retention'>,
  detail: ClientDetail,
  moment: (atMs: number) => string,
) {
  const { newest, inventory, visits, mails, logCounts, member } = detail;
  return {
    figures: figuresTable(newest, member.beyond),
    disks: disksTable(detail),
    networks: networksTable(newest?.networks ?? []),
    logCounts: logCountsTable(logCounts),
    processes: processesTable(newest, retention.detailMs),
    services: servicesTable(newest),
    visits: visitsTable(visits, member.client, moment),
    machine: machineTable(inventory, moment),
    mails: mailsTable(mails, moment),
  };
}

/** Returns the newest of a client's ended alerts as a table. */
export function endedAlerts(ended: readonly Alert[], reader: TimeReader): FactTable {
  return pastAlerts(ended.slice(0, maxRows), reader, {
    ...{ id: 'ended', title: 'Ended alerts of this span', about: firstOf(ended.length), beside: ['Alert'] },
  });
}

const firstOf = (rows: number): string | null => (rows > maxRows ? `The first ${maxRows} of ${rows}.` : null);

/** Returns a table of the first rows. `none`: the sentence that takes their place if there are none. */
function table(
  [id, title]: readonly [id: string, title: string],
  columns: readonly (string | ColumnLayout)[],
  rows: readonly Row[],
  none: string | null = null,
): Facts {
  return {
    ...{ id, title },
    about: rows.length === 0 ? none : firstOf(rows.length),
    columns: columns.map((column) => (typeof column === 'string' ? { title: column } : column)),
    rows: rows.slice(0, maxRows),
  };
}

/** Returns a table of names and values. Omits values that are unknown or empty. */
function namedValues(
  head: readonly [id: string, title: string],
  name: string,
  values: readonly (readonly [name: string, value: WordCell])[],
  none: string | null = null,
): Facts {
  const known = values.filter(([, value]) => value !== null && value !== '');
  return table(
    head,
    [name, 'value'],
    known.map((cells) => ({ cells })),
    none,
  );
}

const right = (title: string): ColumnLayout => ({ title, align: 'right' });

const worded = (unit: Unit, value: number | null | undefined): string | null =>
  typeof value === 'number' ? formatValue(unit, value) : null;

const words = (parts: readonly (string | null)[], separator = ' '): string =>
  joined(
    parts.map((part) => part ?? ''),
    separator,
  );

/** Returns the values of a row in the order of their names, for instance the three loads; null if none is known. */
const several = (unit: Unit, values: readonly (number | null)[]): string | null =>
  values.every((value) => value === null) ? null : values.map((value) => worded(unit, value) ?? '-').join(', ');

const levelled = (text: string, level: FactLevel | null): WordCell => (level === null ? text : { text, level });

/** Returns a percentage with words beside it. Says that the value has reached its limit. */
function limited(percent: number | null, more: string | null, level: FactLevel | null): WordCell {
  return levelled(words([worded('percent', percent), more, level === null ? null : '(at its limit)']), level);
}

const ownFigures = Object.entries<StatsFigureEntry>(statsFigures).flatMap(([name, { line, unit }]) =>
  line === null ? [] : [[name as StatsFigure, line, unit] as const],
);

function figuresTable(newest: NewestReport | null, beyond: ClientDetail['member']['beyond']): Facts {
  return namedValues(['figures', 'Figures'], 'figure', newest === null ? [] : figuresOf(newest, beyond));
}

function figuresOf(
  { row, whole }: NewestReport,
  beyond: ClientDetail['member']['beyond'],
): readonly (readonly [name: string, value: WordCell])[] {
  const [total, swap] = [whole?.memoryBytes ?? null, whole?.swapBytes ?? null];
  const swapSize = swap === null ? null : `of ${formatValue('bytes', swap)}`;
  const available = worded('bytes', whole?.memoryAvailableBytes) ?? '?';
  const some = (count: number | null): string | null => ((count ?? 0) > 0 ? String(count) : null);
  return [
    ['CPU', limited(row.cpu_percent, row.cpus === null ? null : `of ${counted(row.cpus, 'CPU')}`, beyond.cpu)],
    [
      'Memory',
      limited(
        row.memory_percent,
        total === null ? null : `with ${available} of ${formatValue('bytes', total)} available`,
        beyond.memory,
      ),
    ],
    ['Swap', swap === 0 ? 'there is none' : words([worded('percent', row.swap_percent), swapSize])],
    ['Load of 1, 5, 15 minutes', several('load', [row.load1, row.load5, row.load15])],
    [
      'Pressure of CPU, memory, disks',
      several('percent', [row.pressure_cpu_percent, row.pressure_memory_percent, row.pressure_io_percent]),
    ],
    ...ownFigures.map(([name, title, unit]) => [title, worded(unit, row[name])] as const),
    ['Processes', worded('count', row.processes)],
    ['Up', row.uptime_s === null ? null : durationInWords(row.uptime_s * 1000)],
    ['Reboot', row.reboot_required === 1 ? 'needed' : null],
    ['Clock', row.clock_synchronised === 0 ? 'not synchronised' : null],
    ['Killed for want of memory', some(row.oom_kills)],
    ['Mounts that do not answer', some(row.unresponsive_mounts)],
    ['Probes that failed', some(row.probe_errors)],
  ];
}

/** Returns the mounts, missing and unresponsive ones first, then the fullest, with their forecasts. */
function disksTable({ newest, forecasts }: ClientDetail): Facts {
  const faultOf = ({ mode, unresponsive }: NewestReport['disks'][number]): string | null =>
    mode === 'missing' ? 'missing' : unresponsive === 1 ? 'no answer' : null;
  const rank = (one: NewestReport['disks'][number]): number => (faultOf(one) === null ? (one.used_percent ?? -1) : 200);
  return table(
    ['disks', 'Disks'],
    [
      { title: 'mount', shrinks: true, keepsEnd: true },
      ...['used', 'available', 'size', 'inodes'].map(right),
      { title: 'type', drops: 2 },
      { title: 'from', drops: 1, shrinks: true, keepsEnd: true },
    ],
    [...(newest?.disks ?? [])]
      .sort((one, other) => rank(other) - rank(one))
      .map((disk) => {
        const fault = faultOf(disk);
        return {
          cells: [
            disk.mount,
            fault === null ? worded('percent', disk.used_percent) : { text: fault, level: 'critical' },
            ...[worded('bytes', disk.available_bytes), worded('bytes', disk.size_bytes)],
            ...[worded('percent', disk.inodes_percent), words([disk.fstype, disk.mode]), disk.source],
          ],
          notes: forecasts.filter(({ mount }) => mount === disk.mount).map(forecastSentence),
        };
      }),
  );
}

function networksTable(networks: NewestReport['networks']): Facts {
  const sum = (received: number | null, sent: number | null): string | null =>
    worded('per_second', received === null ? sent : received + (sent ?? 0));
  return table(
    ['networks', 'Network'],
    [
      { title: 'interface', shrinks: true },
      'link',
      ...['received', 'sent'].map(right),
      ...['errors', 'drops'].map((title, index) => ({ ...right(title), drops: 2 - index })),
    ],
    networks.map((one) => ({
      cells: [
        one.interface,
        one.link_up === null ? null : one.link_up === 1 ? 'up' : 'down',
        ...[one.rx_bytes_per_s, one.tx_bytes_per_s].map((rate) => worded('bytes_per_second', rate)),
        ...[sum(one.rx_errors_per_s, one.tx_errors_per_s), sum(one.rx_drops_per_s, one.tx_drops_per_s)],
      ],
    })),
  );
}

function logCountsTable(counts: ClientDetail['logCounts']): Facts {
  return table(
    ['log-counts', 'New lines of logs'],
    [{ title: 'of', shrinks: true }, 'priority', right('new lines')],
    counts.map(({ labels: { source, match = '', priority = 'err' }, count }) => ({
      cells: [source ?? (match || 'any text'), priority, String(count)],
    })),
  );
}

/** Returns the processes by CPU, then those by memory that are not among them. */
function processesTable(newest: NewestReport | null, keptMs: number): Facts {
  const { processesByCpu: byCpu = [], processesByMemory: byMemory = [] } = newest?.whole ?? {};
  const keyOf = ({ process, pid }: ProcessFigure): string => `${pid} ${process}`;
  const valuesOf = (list: readonly ProcessFigure[]) => new Map(list.map((one) => [keyOf(one), one.value]));
  const [cpu, memory] = [valuesOf(byCpu), valuesOf(byMemory)];
  const found = new Map([...byCpu, ...byMemory].map((one) => [keyOf(one), one]));
  const notKept = `The whole report is not kept any more (<retention detail> is ${formatDuration(keptMs)}).`;
  return table(
    ['processes', 'Processes by CPU and memory'],
    [{ title: 'process', shrinks: true }, ...['PID', 'of one CPU', 'memory'].map(right)],
    [...found].map(([key, { process, pid }]) => ({
      cells: [
        ...[process, pid === null ? null : String(pid)],
        ...[worded('percent', cpu.get(key)), worded('bytes', memory.get(key))],
      ],
    })),
    newest === null ? null : newest.whole === null ? notKept : 'No process is known.',
  );
}

/** Returns the failed units, and the probes that could not read something. */
function servicesTable(newest: NewestReport | null): Facts {
  const { failedUnits = [], probeErrors = [] } = newest?.whole ?? {};
  const failed = newest?.row.failed_units ?? null;
  const count = failed === null ? 'not known' : failed === 0 ? 'none has failed' : `${failed} failed`;
  return table(
    ['services', 'Services'],
    ['unit', 'state'],
    [
      ...failedUnits.map((unit): Row => ({ cells: [unit, { text: 'failed', level: 'critical' }] })),
      ...(newest === null || failedUnits.length > 0 ? [] : [{ cells: ['units', count] }]),
      ...probeErrors.map(({ probe, error }): Row => ({
        cells: [`probe ${probe}`, { text: 'failed', level: 'failing' }],
        notes: [error],
      })),
    ],
  );
}

/** Returns the newest visits with their faults and remedies, and with their hosts if there are several collectors. */
function visitsTable(visits: ClientDetail['visits'], client: string, moment: (atMs: number) => string): Facts {
  const hasHosts = new Set(visits.map(({ host }) => host)).size > 1;
  return table(
    ['visits', 'Visits'],
    ['started', 'result', ...['took', 'login'].map(right), ...(hasHosts ? ['by'] : [])],
    visits.map(({ startedAtMs, ok, code, stage, message, durationMs, connectMs, host }, index) => ({
      cells: [
        moment(startedAtMs),
        ok ? { text: 'ok', level: 'fine' } : { text: code ?? stage ?? 'failed', level: 'failing' },
        ...[worded('milliseconds', durationMs), worded('milliseconds', connectMs)],
        ...(hasHosts ? [host] : []),
      ],
      // Visits in a row that fail alike have one remedy.
      notes: [message, ok || visits[index - 1]?.code === code ? null : adviceFor(code, [client])].filter(
        (note) => note !== null,
      ),
    })),
    'No visit is stored.',
  );
}

/** Returns the parts of the machine, as its newest inventory names them. */
function machineTable(inventory: ClientDetail['inventory'], moment: (atMs: number) => string): Facts {
  const none = 'No inventory is stored: it comes with a visit once a day.';
  const head = ['machine', 'Machine'] as const;
  if (inventory === null) return namedValues(head, 'part', [], none);
  const { os, osVersion, kernel, architecture, manufacturer, model, cpus, cpuModel, virtualisation } = inventory;
  return namedValues(head, 'part', [
    ['Name', inventory.hostname],
    ['System', words([os, osVersion, kernel, architecture])],
    ['Machine', words([manufacturer, model, virtualisation && `(${virtualisation})`])],
    ['Serial', inventory.serial],
    ['CPU', words([cpus === null ? null : `${cpus} x`, cpuModel])],
    ['Memory', worded('bytes', inventory.memoryBytes)],
    ...parts('Module', inventory.memoryModules, ({ slot, sizeBytes, form, type, megahertz, ...module }) => [
      ...[slot, worded('bytes', sizeBytes), form, type, megahertz === null ? null : `${megahertz} MHz`],
      ...[module.manufacturer, module.part, module.serial && `serial ${module.serial}`],
    ]),
    ...parts('Disk', inventory.diskDevices, ({ device, sizeBytes, kind, vendor, model, firmware, ...disk }) => [
      ...[device, worded('bytes', sizeBytes), disk.interface, kind, vendor, model],
      ...[firmware && `firmware ${firmware}`, disk.serial && `serial ${disk.serial}`],
    ]),
    ...parts('Card', inventory.networkCards, ({ address, mac, type, mtu, ...card }) => [
      ...[card.interface, address, mac, type, mtu === null ? null : `MTU ${mtu}`],
    ]),
    ['Since', moment(inventory.observedAtMs)],
  ]);
}

/** Returns the words of the first parts of a kind, and the number of the others. */
function parts<Part>(
  name: string,
  all: readonly Part[] | null,
  wordsOf: (part: Part) => readonly (string | null)[],
): readonly (readonly [name: string, value: string])[] {
  const named = (all ?? []).map((part) => words(wordsOf(part), ', '));
  const more = named.length - maxParts;
  return [...named.slice(0, maxParts), ...(more > 0 ? [`and ${more} more`] : [])].map((value) => [name, value]);
}

const deliveryLevels: Readonly<Record<SentMail['delivery'], FactLevel>> = {
  sent: 'fine',
  written: 'warning',
  waiting: 'warning',
  refused: 'failing',
  discarded: 'quiet',
};

/** Returns the newest mails about the client: recipients, alerts, deliveries and faults. */
function mailsTable(mails: ClientDetail['mails'], moment: (atMs: number) => string): Facts {
  const about = (line: SentMail['lines'][number]): string =>
    words([line.transition === 'firing' ? line.severity : line.transition, ...alertLabel(line)]);
  return table(
    ['mails', 'Mails'],
    ['made', 'mail', { title: 'to', shrinks: true, keepsEnd: true }, { title: 'about', shrinks: true }],
    mails.map(({ createdAtMs, delivery, recipient, lines, error }) => ({
      cells: [
        ...[moment(createdAtMs), { text: delivery, level: deliveryLevels[delivery] }],
        ...[recipient, namedUpTo(maxNamed, lines.map(about))],
      ],
      notes: error === null || delivery === 'sent' ? [] : [error],
    })),
    'Nobody was mailed about it.',
  );
}
