import { formatValue } from '../../alerter/evaluate/describe-value.ts';
import { type StatsFigure, type StatsFigureEntry, statsFigures } from '../../report/metrics.ts';
import { adviceFor } from '../../text/advice.ts';
import { alertLabel } from '../../text/alert-label.ts';
import { durationInWords } from '../../text/durations.ts';
import { describeSize, namedUpTo } from '../../text/numbers.ts';
import { momentInWords, type TimeReader } from '../../text/time-words.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { FactCell, FactTable } from '../page/page.ts';
import type { ClientDetail, NewestReport, ProcessFigure, WholeReport } from './client-detail.ts';
import { pastAlerts } from './alert-views.ts';
import { forecastMountWords } from './nearest-forecasts.ts';

const maxRows = 40;
const maxNamed = 4;

/** Returns the facts of `show` about a client that its page has no other place for, as tables in their order. */
export function clientFacts(detail: ClientDetail, ended: readonly Alert[], reader: TimeReader): readonly FactTable[] {
  const { newest, inventory, visits, mails, member } = detail;
  return [
    figuresTable(newest),
    ...(newest === null ? [] : [disksTable(newest, detail), networksTable(newest), processesTable(newest.whole)]),
    servicesTable(newest),
    visitsTable(visits, member.client, reader),
    inventoryTable(inventory, reader),
    mailsTable(mails, reader),
    pastAlerts(ended.slice(0, maxRows), reader, {
      ...{ id: 'ended', title: 'Ended alerts of this span', about: firstOf(ended.length), beside: ['Alert'] },
    }),
  ];
}

const firstOf = (rows: number): string | null => (rows > maxRows ? `The first ${maxRows} of ${rows}.` : null);

const table = (id: string, title: string, columns: readonly string[], rows: FactTable['rows']): FactTable => ({
  ...{ id, title, columns },
  about: firstOf(rows.length),
  rows: rows.slice(0, maxRows),
});

const percents = (value: number | null): string | null => (value === null ? null : formatValue('percent', value));
const size = (bytes: number | null): string | null => (bytes === null ? null : describeSize(bytes));
const words = (...parts: readonly (string | number | null | undefined)[]): string =>
  parts.filter((part) => part !== null && part !== undefined && part !== '').join(' ');

const ownFigures = Object.entries<StatsFigureEntry>(statsFigures).flatMap(([name, { line, unit }]) =>
  line === null ? [] : [[name as StatsFigure, line, unit] as const],
);

function figuresTable(newest: NewestReport | null): FactTable {
  if (newest === null) return table('figures', 'Figures', [], []);
  const { row, whole } = newest;
  const loads = [row.load1, row.load5, row.load15].map((load) => load?.toFixed(2) ?? '–').join(', ');
  const pressures = [row.pressure_cpu_percent, row.pressure_memory_percent, row.pressure_io_percent].map(percents);
  const memory = whole === null ? null : words(size(whole.memoryAvailableBytes), 'of', size(whole.memoryBytes), 'free');
  const facts: readonly (readonly [string, FactCell])[] = [
    ['Memory available', memory],
    ['Swap', words(percents(row.swap_percent), whole?.swapBytes ? `of ${describeSize(whole.swapBytes)}` : '')],
    ['Load of 1, 5, 15 minutes', loads],
    ['Pressure of CPU, memory, disks', pressures.some((value) => value !== null) ? pressures.join(', ') : null],
    ...ownFigures.map(([name, title, unit]): readonly [string, FactCell] => {
      const value = row[name];
      return [title.replace(/^./, (first) => first.toUpperCase()), value === null ? null : formatValue(unit, value)];
    }),
    ['Processes', row.processes === null ? null : String(row.processes)],
    ['Up', row.uptime_s === null ? null : durationInWords(row.uptime_s * 1000)],
    ['Reboot', row.reboot_required === 1 ? 'needed' : null],
  ];
  const known = facts.filter(([, value]) => value !== null && value !== '');
  return table(
    'figures',
    'Figures',
    [],
    known.map((cells) => ({ cells })),
  );
}

function disksTable({ disks }: NewestReport, { forecasts }: ClientDetail): FactTable {
  const full = new Map(forecasts.map((one) => [forecastMountWords(one), one.daysLeft]));
  const rank = (one: (typeof disks)[number]): number =>
    one.unresponsive === 1 || one.mode === 'missing' ? 200 : (one.used_percent ?? -1);
  const rows = [...disks].sort((one, other) => rank(other) - rank(one));
  return table(
    'disks',
    'Disks',
    ['Mount', 'Used', 'Available', 'Size', 'Inodes', 'Full in', 'Type', 'From'],
    rows.map((disk) => {
      const { mount, mode, unresponsive, used_percent: used, inodes_percent: inodes } = disk;
      const days = full.get(mount) ?? full.get(`${mount} (inodes)`);
      const fault = mode === 'missing' ? 'missing' : unresponsive === 1 ? 'no answer' : null;
      return {
        ...(fault !== null && { level: 'critical' as const }),
        cells: [
          ...[mount, fault ?? percents(used), size(disk.available_bytes), size(disk.size_bytes), percents(inodes)],
          days === undefined ? null : `${Math.round(days)} days`,
          ...[words(disk.fstype, mode), disk.source],
        ],
      };
    }),
  );
}

function networksTable({ networks }: NewestReport): FactTable {
  const rate = (bytes: number | null): string | null => (bytes === null ? null : `${describeSize(bytes)}/s`);
  return table(
    'networks',
    'Network',
    ['Interface', 'Link', 'Received', 'Sent'],
    networks.map((one) => {
      const link = one.link_up === null ? null : one.link_up === 1 ? 'up' : 'down';
      return { cells: [one.interface, link, rate(one.rx_bytes_per_s), rate(one.tx_bytes_per_s)] };
    }),
  );
}

/** Returns the processes by CPU, then those by memory that are not among them. */
function processesTable(whole: WholeReport | null): FactTable {
  const { processesByCpu: byCpu = [], processesByMemory: byMemory = [] } = whole ?? {};
  const key = ({ process, pid }: ProcessFigure): string => `${pid} ${process}`;
  const found = new Map([...byCpu, ...byMemory].map((one) => [key(one), one]));
  const valueOf = (list: readonly ProcessFigure[], wanted: string): number | null =>
    list.find((one) => key(one) === wanted)?.value ?? null;
  return table(
    'processes',
    'Processes by CPU and memory',
    ['Process', 'PID', 'Of one CPU', 'Memory'],
    [...found].map(([name, { process, pid }]) => ({
      cells: [
        process,
        pid === null ? null : String(pid),
        percents(valueOf(byCpu, name)),
        size(valueOf(byMemory, name)),
      ],
    })),
  );
}

/** Returns the failed units, and the probes that could not read something. */
function servicesTable(newest: NewestReport | null): FactTable {
  const { failedUnits = [], probeErrors = [] } = newest?.whole ?? {};
  const failed = newest?.row.failed_units ?? null;
  const rows: FactTable['rows'] = [
    ...failedUnits.map((unit) => ({ level: 'critical' as const, cells: [unit, 'failed'] })),
    ...probeErrors.map(({ probe, error }) => ({ level: 'failing' as const, cells: [`probe ${probe}`, error] })),
    ...(failedUnits.length === 0 && failed !== null
      ? [{ cells: ['units', failed === 0 ? 'none has failed' : `${failed} failed`] }]
      : []),
  ];
  return table('services', 'Services', [], rows);
}

function visitsTable(visits: ClientDetail['visits'], client: string, reader: TimeReader): FactTable {
  const ms = (value: number | null): string | null => (value === null ? null : `${Math.round(value)} ms`);
  return table(
    'visits',
    'Visits',
    ['Started', 'Result', 'Took', 'Login', 'What to do'],
    visits.map(({ startedAtMs, ok, code, stage, message, durationMs, connectMs }) => ({
      ...(!ok && { level: 'failing' as const }),
      cells: [
        momentInWords(reader, startedAtMs),
        ok ? 'ok' : (message ?? code ?? stage ?? 'failed'),
        ...[ms(durationMs), ms(connectMs), ok ? null : adviceFor(code, [client])],
      ],
    })),
  );
}

function inventoryTable(inventory: ClientDetail['inventory'], reader: TimeReader): FactTable {
  if (inventory === null) return table('machine', 'Machine', [], []);
  const { virtualisation: virtual, memoryModules, diskDevices, networkCards } = inventory;
  const rows: readonly (readonly [string, string])[] = [
    ['Name', inventory.hostname ?? ''],
    ['System', words(inventory.os, inventory.osVersion, inventory.kernel, inventory.architecture)],
    ['Machine', words(inventory.manufacturer, inventory.model, virtual === null ? null : `(${virtual})`)],
    ['Serial', inventory.serial ?? ''],
    ['CPU', words(inventory.cpus === null ? null : `${inventory.cpus} x`, inventory.cpuModel)],
    ['Memory', size(inventory.memoryBytes) ?? ''],
    ...(memoryModules ?? []).map((one): readonly [string, string] => [
      'Module',
      words(one.slot, size(one.sizeBytes), one.form, one.type, one.manufacturer, one.part, one.serial),
    ]),
    ...(diskDevices ?? []).map((one): readonly [string, string] => [
      'Disk',
      words(one.device, size(one.sizeBytes), one.interface, one.kind, one.vendor, one.model, one.firmware, one.serial),
    ]),
    ...(networkCards ?? []).map((one): readonly [string, string] => [
      'Card',
      words(one.interface, one.address, one.mac, one.type, one.mtu === null ? null : `MTU ${one.mtu}`),
    ]),
    ['Since', momentInWords(reader, inventory.observedAtMs)],
  ];
  const known = rows.filter(([, value]) => value !== '');
  return table(
    'machine',
    'Machine',
    [],
    known.map((cells) => ({ cells })),
  );
}

const deliveryLevels = { refused: 'failing', waiting: 'warning', written: 'warning' } as const;

function mailsTable(mails: ClientDetail['mails'], reader: TimeReader): FactTable {
  return table(
    'mails',
    'Mails',
    ['Made', 'Mail', 'To', 'About', 'Fault'],
    mails.map(({ createdAtMs, delivery, recipient, lines, error }) => {
      const level = delivery in deliveryLevels ? deliveryLevels[delivery as keyof typeof deliveryLevels] : undefined;
      const about = lines.map((line) =>
        words(line.transition === 'firing' ? line.severity : line.transition, ...alertLabel(line)),
      );
      return {
        ...(level !== undefined && { level }),
        cells: [
          ...[momentInWords(reader, createdAtMs), delivery, recipient, namedUpTo(maxNamed, about)],
          delivery === 'sent' ? null : error,
        ],
      };
    }),
  );
}
