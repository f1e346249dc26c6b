import { alertLabel } from '../../text/alert-label.ts';
import { drawSparkline } from '../../alerter/compose/sparkline.ts';
import type { ClientDetail, SentMail } from '../../look/data/client-detail.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { dayMs, minuteMs } from '../../platform/units.ts';
import type { StoredVisit } from '../../storage/store/detail-store.ts';
import { formatDuration } from '../../text/durations.ts';
import { describeSize, namedUpTo, rounded } from '../../text/numbers.ts';
import { type Output, showsUtf8 } from '../terminal/output.ts';
import { type Cell, renderTable } from '../terminal/table.ts';
import type { DetailWords } from './report-lines.ts';

/** The width of a chart in columns, which fits beside its label in 80 columns. */
const chartColumns = 48;

/** Returns CPU, memory and load of the last day in block characters. A step without a report is a dot. */
export function dayLines({ day }: ClientDetail, { output, nowMs }: DetailWords): readonly string[] {
  if (day === null) return ['Nothing is stored of this time.'];
  const columns = Math.min(chartColumns, Math.floor(dayMs / day.stepMs));
  const line = (name: string, values: readonly (number | null)[], unit: string): string => {
    const points = values.map((value, index) => ({ atMs: day.sinceMs + index * day.stepMs, value }));
    const drawn = drawSparkline({ points, fromMs: nowMs - dayMs, untilMs: nowMs, columns });
    const label = name.padEnd(8);
    if (drawn === null) return `${label}unknown`;
    const [least, most] = [rounded(drawn.least, 1), rounded(drawn.most, 1)];
    return `${label}${shown(drawn.text, output)}  ${least === most ? '' : `${least} to `}${most}${unit}`;
  };
  const step = formatDuration(Math.floor(dayMs / columns / minuteMs) * minuteMs);
  return [
    line('cpu', day.cpuPercent, ' %'),
    line('memory', day.memoryPercent, ' %'),
    line('load5', day.load5, ''),
    `${' '.repeat(8)}a character is ${step}, ${shown('·', output)} is no report`,
  ];
}

/** Replaces blocks by digits if the terminal shows no UTF-8. */
function shown(blocks: string, { terminal }: Pick<Output, 'terminal'>): string {
  if (!terminal || showsUtf8()) return blocks;
  return blocks
    .replaceAll('·', '.')
    .replace(/[\u2581-\u2588]/g, (block) => String((block.codePointAt(0) ?? 0) - 0x2580));
}

/** Returns the newest visits with their faults, and with their hosts if there are several collectors. */
export function visitLines({ visits }: ClientDetail, { output, time }: DetailWords): readonly string[] {
  if (visits.length === 0) return ['No visit is stored.'];
  const ms = (value: number | null): string => (value === null ? '-' : `${Math.round(value)} ms`);
  const hasHosts = new Set(visits.map(({ host }) => host)).size > 1;
  return [
    renderTable(
      output,
      [
        { title: 'started', cell: ({ startedAtMs }) => time.moment(startedAtMs) },
        { title: 'result', cell: resultCell },
        { title: 'took', align: 'right', cell: ({ durationMs }) => ms(durationMs) },
        { title: 'login', align: 'right', cell: ({ connectMs }) => ms(connectMs) },
        ...(hasHosts ? [{ title: 'by', cell: ({ host }: StoredVisit) => host ?? '-' }] : []),
      ],
      visits,
      ({ message }) => (message === null ? [] : [message]),
    ),
  ];
}

function resultCell({ ok, code, stage }: StoredVisit): Cell {
  return ok ? { text: 'ok', colour: 'green' } : { text: code ?? stage ?? 'failed', colour: 'red' };
}

const maxParts = 16;

/** Returns the parts of the machine, as its newest inventory names them. */
export function inventoryLines({ inventory }: ClientDetail, { time }: DetailWords): readonly string[] {
  if (inventory === null) return ['No inventory is stored: it comes with a visit once a day.'];
  const { hostname, manufacturer, model, serial, os, osVersion, kernel, architecture } = inventory;
  const { virtualisation, cpuModel, cpus, memoryBytes, observedAtMs } = inventory;
  const joined = (...parts: readonly (string | null)[]): string => parts.filter((part) => part !== null).join(' ');
  const lines: readonly (readonly [name: string, value: string])[] = [
    ['name', hostname ?? ''],
    ['system', joined(os, osVersion, kernel, architecture)],
    ['machine', joined(manufacturer, model, virtualisation === null ? null : `(${virtualisation})`)],
    ['serial', serial ?? ''],
    ['cpu', joined(cpus === null ? null : `${cpus} x`, cpuModel)],
    ['memory', memoryBytes === null ? '' : describeSize(memoryBytes)],
    ...partLines('module', inventory.memoryModules, ({ slot, sizeBytes, form, type, megahertz, ...part }) => [
      ...[slot, sizeWords(sizeBytes), form, type, megahertz === null ? null : `${megahertz} MHz`],
      ...[part.manufacturer, part.part, serialWords(part.serial)],
    ]),
    ...partLines('disk', inventory.diskDevices, ({ device, sizeBytes, kind, vendor, model, firmware, ...disk }) => [
      ...[device, sizeWords(sizeBytes), disk.interface, kind, vendor, model],
      ...[firmware === null ? null : `firmware ${firmware}`, serialWords(disk.serial)],
    ]),
    ...partLines('card', inventory.networkCards, ({ address, mac, type, mtu, ...card }) => [
      ...[card.interface, address, mac, type, mtu === null ? null : `MTU ${mtu}`],
    ]),
    ['since', time.moment(observedAtMs)],
  ];
  return lines.filter(([, value]) => value !== '').map(([name, value]) => escapeControls(`${name.padEnd(8)}${value}`));
}

const sizeWords = (bytes: number | null): string | null => (bytes === null ? null : describeSize(bytes));
const serialWords = (serial: string | null): string | null => (serial === null ? null : `serial ${serial}`);

/** Returns a line for each of the first parts of a kind, and the number of the others. */
function partLines<Part>(
  name: string,
  parts: readonly Part[] | null,
  words: (part: Part) => readonly (string | null)[],
): readonly (readonly [name: string, value: string])[] {
  const all = parts ?? [];
  const lines = all.slice(0, maxParts).map((part) => words(part).filter((word) => word !== null && word !== ''));
  const rest = all.length - maxParts;
  return [...lines, ...(rest > 0 ? [[`and ${rest} more`]] : [])].map((line) => [name, line.join('  ')]);
}

const maxLines = 4;
const deliveryColours = {
  sent: 'green',
  written: 'yellow',
  waiting: 'yellow',
  refused: 'red',
  discarded: 'dim',
} as const;

/** Returns the newest mails about the client: recipients, alerts and deliveries. */
export function mailLines({ mails }: ClientDetail, { output, time }: DetailWords): readonly string[] {
  if (mails.length === 0) return ['Nobody was mailed about it.'];
  return [
    renderTable(
      output,
      [
        { title: 'made', cell: ({ createdAtMs }) => time.moment(createdAtMs) },
        { title: 'mail', cell: ({ delivery }) => ({ text: delivery, colour: deliveryColours[delivery] }) },
        { title: 'to', shrinks: true, keepsEnd: true, cell: ({ recipient }) => recipient },
        { title: 'of', shrinks: true, cell: mailWords },
      ],
      mails,
      ({ error, delivery }) => (error === null || delivery === 'sent' ? [] : [error]),
    ),
  ];
}

function mailWords({ lines }: SentMail): string {
  const words = lines.map((line) =>
    [line.transition === 'firing' ? line.severity : line.transition, ...alertLabel(line)].join(' '),
  );
  return namedUpTo(maxLines, words);
}
