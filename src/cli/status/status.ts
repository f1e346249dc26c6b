import type { Config, Severity } from '../../config/config.ts';
import { escapeControls } from '../../log.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { describeAge } from '../../text/durations.ts';
import { counted } from '../../text/numbers.ts';
import { heldBackText, sentenceCase } from '../command/alert-words.ts';
import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { leftDatabase } from '../command/left-database.ts';
import { readStored } from '../command/read-stored.ts';
import { loadSettings, selectedClients } from '../command/settings.ts';
import type { Colour, Output } from '../terminal/output.ts';
import { readerTime, type ReaderTime } from '../terminal/reader-time.ts';
import { type Cell, renderTable } from '../terminal/table.ts';
import {
  type ClientState,
  type FleetMember,
  type FleetStatus,
  readFleetStatus,
  type Sorting,
  sortMembers,
} from '../../look/fleet-status.ts';
import { sealedLines } from './sealed-words.ts';
import { statusJson } from './status-json.ts';

export interface StatusCommandOptions {
  /** Names or patterns; empty: all. */
  readonly clients: readonly string[];
  readonly group: string | null;
  readonly sort: Sorting;
  /** Exit status 1 if something is not well. */
  readonly exitStatus: boolean;
}

/** `status`: shows the fleet in a table. */
export async function statusCommand(context: Context, options: StatusCommandOptions): Promise<ExitStatus> {
  const { output } = context;
  const config = loadSettings(context);
  const nowMs = Date.now();
  const isWhole = options.clients.length === 0 && options.group === null;
  const only = isWhole ? null : new Set(selectedClients(config, options).map(({ name }) => name));
  const whole = await readStored(config.storage, context.signal, (stored) =>
    readFleetStatus(config, stored, { nowMs, only }),
  );
  const status = { ...whole, members: sortMembers(whole.members, options.sort) };
  printAnswer(
    output,
    () => statusJson(status, nowMs),
    () => statusText(output, config, status, nowMs),
  );
  const left = leftDatabase(config, whole.lastRun);
  if (left !== null) {
    if (!output.json) output.print(left);
    return 1;
  }
  return options.exitStatus && !isWell(status) ? 1 : 0;
}

/** True if no client shown is late or failing, none of its alerts fires, and no mail is undelivered. */
function isWell({ members, alerting }: FleetStatus): boolean {
  const isBad = ({ state, openAlerts }: FleetMember): boolean =>
    state === 'failing' || state === 'late' || openAlerts > 0;
  return !members.some(isBad) && alerting.ofFleet + alerting.undelivered.mails === 0;
}

const stateColours: Readonly<Record<ClientState, Colour>> = {
  ok: 'green',
  late: 'yellow',
  new: 'yellow',
  failing: 'red',
  paused: 'dim',
  retired: 'dim',
};

const severityColours: Readonly<Record<Severity, Colour>> = { critical: 'red', warning: 'yellow' };

/** The table, and lines about the last run and what the alerter has on its hands. */
export function statusText(output: Output, config: Config, status: FleetStatus, nowMs: number): string {
  const time = readerTime(config, nowMs);
  const table = renderTable(
    output,
    [
      { title: 'client', shrinks: true, keepsEnd: true, cell: ({ client }) => client },
      { title: 'state', cell: ({ state }) => ({ text: state, colour: stateColours[state] }) },
      { title: 'read by', drops: true, cell: ({ known }) => known?.reader ?? '-' },
      { title: 'report', align: 'right', cell: ({ reportAgeMs }) => describeAge(reportAgeMs) },
      { title: 'cpu', align: 'right', cell: ({ known, beyond }) => percent(known?.cpuPercent, beyond.cpu) },
      { title: 'memory', align: 'right', cell: ({ known, beyond }) => percent(known?.memoryPercent, beyond.memory) },
      { title: 'disk', align: 'right', cell: ({ known, beyond }) => percent(known?.diskPercent, beyond.disk) },
      { title: 'on', shrinks: true, keepsEnd: true, cell: ({ known }) => known?.diskMount ?? '-' },
      {
        title: 'alerts',
        align: 'right',
        cell: ({ openAlerts, worstAlert }) => severityCell(String(openAlerts), worstAlert),
      },
    ],
    status.members,
    (member) => visitNotes(member, time, nowMs),
  );
  return [
    table,
    '',
    footer(status, nowMs),
    ...sealedLines(status.sealed, nowMs).map((line) => output.colour('yellow', line)),
    ...unlistedLines(status.unlisted, time),
    ...alertingLines(output, status, nowMs, time),
    status.lastIngest === null ? [] : `Last ingest ${endedText(status.lastIngest, nowMs)}.`,
  ]
    .flat()
    .join('\n');
}

/** The last visit's fault, and when the next one is made if it has to wait. */
function visitNotes({ client, known }: FleetMember, { moment }: ReaderTime, nowMs: number): readonly Cell[] {
  const error = [known?.errorCode, known?.errorMessage].filter(Boolean).join(': ');
  const nextMs = known?.nextAttemptAtMs ?? null;
  return [
    ...(error === '' ? [] : [{ text: error, colour: 'red' } as const]),
    ...(nextMs === null || nextMs <= nowMs
      ? []
      : [`login refused, next try ${moment(nextMs)}; fleet-health collect ${client} tries now`]),
  ];
}

/** `!` marks a value at its limit, for those who see no colour. */
function percent(value: number | null | undefined, beyond: Severity | null): Cell {
  if (typeof value !== 'number') return '-';
  return severityCell(`${value.toFixed(value < 10 ? 1 : 0)}%${beyond === null ? '' : '!'}`, beyond);
}

function severityCell(text: string, severity: Severity | null): Cell {
  return severity === null ? text : { text, colour: severityColours[severity] };
}

function footer({ lastRun, members }: FleetStatus, nowMs: number): string {
  const sentences: string[] = [];
  if (lastRun === null) sentences.push('No run yet: fleet-health collect makes one.');
  else {
    const count = `of ${counted(lastRun.clients ?? 0, 'client')} asked, ${lastRun.succeeded ?? 0} answered`;
    sentences.push(`Last run ${endedText(lastRun, nowMs)}; ${count}.`);
  }
  const marked = members.some(({ beyond }) => Object.values(beyond).some((severity) => severity !== null));
  if (marked) sentences.push('`!` marks a value at its limit.');
  return sentences.join(' ');
}

function endedText({ outcome, startedAtMs, finishedAtMs }: RunFact, nowMs: number): string {
  return `${outcome} ${describeAge(nowMs - (finishedAtMs ?? startedAtMs))} ago`;
}

const mostUnlisted = 10;

/** Clients that left config.xml, and those that may have a new name there. */
function unlistedLines(unlisted: FleetStatus['unlisted'], { moment }: ReaderTime): readonly string[] {
  if (unlisted.length === 0) return [];
  const names = unlisted
    .slice(0, mostUnlisted)
    .map(({ client, lastVisitAtMs }) =>
      lastVisitAtMs === null ? client : `${client} (last visited ${moment(lastVisitAtMs)})`,
    );
  const rest = unlisted.length > mostUnlisted ? [`${unlisted.length - mostUnlisted} more`] : [];
  const left = [...names, ...rest].join(', ');
  return [
    `Not in config.xml any more: ${left}. fleet-health forget client NAME removes its history.`,
    ...unlisted
      .slice(0, mostUnlisted)
      .flatMap(({ client, namesake }) =>
        namesake === null
          ? []
          : [`${namesake} has the address of ${client}. If it is the same machine: was="${client}" keeps its history.`],
      ),
  ].map(escapeControls);
}

function alertingLines(
  output: Output,
  { alerting, lastPass }: FleetStatus,
  nowMs: number,
  time: ReaderTime,
): readonly string[] {
  const { firing, critical, ofFleet, undelivered, held } = alerting;
  const lines: string[] = [];
  if (firing > 0) {
    const worst =
      critical > 0 ? output.colour('red', `${critical} critical`) : output.colour('yellow', 'none critical');
    const fleet = ofFleet === 0 ? '' : `, ${ofFleet} about the fleet as a whole`;
    lines.push(
      `${counted(firing, 'alert')} ${firing === 1 ? 'fires' : 'fire'} (${worst}${fleet}): fleet-health alerts.`,
    );
  }
  if (undelivered.mails > 0) {
    const oldest =
      undelivered.oldestAtMs === null ? '' : `, the oldest for ${describeAge(nowMs - undelivered.oldestAtMs)}`;
    const refused = undelivered.refused === 0 ? '' : `, ${undelivered.refused} refused for good`;
    const error = undelivered.lastError === null ? '' : `; last error: ${escapeControls(undelivered.lastError)}`;
    lines.push(
      `${output.colour('red', `${counted(undelivered.mails, 'mail')} not delivered`)}${oldest}${refused}${error}.`,
    );
  }
  if (undelivered.queued > 0) lines.push(`${counted(undelivered.queued, 'mail')} queued, not tried yet.`);
  if (held.length > 0) lines.push(`${sentenceCase(heldBackText(held, time))}: fleet-health silence list.`);
  if (lastPass !== null) lines.push(`Last pass of the alerter ${endedText(lastPass, nowMs)}.`);
  return lines;
}
