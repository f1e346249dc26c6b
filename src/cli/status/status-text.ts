import type { Config } from '../../config/config.ts';
import { labelsText } from '../../config/values/labels.ts';
import { escapeControls } from '../../log.ts';
import { shareWords } from '../../look/collector-shares.ts';
import type { FleetMember } from '../../look/fleet-member.ts';
import type { FleetStatus } from '../../look/fleet-status.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import { describeAge } from '../../text/durations.ts';
import { counted } from '../../text/numbers.ts';
import { heldBackText, sentenceCase } from '../command/alert-words.ts';
import { percent, severityCell, stateColours, visitNotes } from '../command/member-words.ts';
import type { Output } from '../terminal/output.ts';
import { readerTime, type ReaderTime } from '../terminal/reader-time.ts';
import { type Column, renderTable } from '../terminal/table.ts';
import { sealedLines } from './sealed-words.ts';

/** The table of clients, and the lines below it. */
export function statusText(output: Output, config: Config, status: FleetStatus, nowMs: number): string {
  const time = readerTime(config, nowMs);
  return [statusTable(output, status.members, time, nowMs), '', ...statusLines(output, status, time, nowMs)].join('\n');
}

export function statusTable(output: Output, members: readonly FleetMember[], time: ReaderTime, nowMs: number): string {
  if (members.length === 0) return 'No client is like that.';
  return renderTable(
    output,
    [
      { title: 'client', shrinks: true, keepsEnd: true, cell: ({ client }) => client },
      { title: 'state', cell: ({ state }) => ({ text: state, colour: stateColours[state] }) },
      ...(members.some(({ labels }) => Object.keys(labels).length > 0) ? [labelsColumn] : []),
      { title: 'read by', drops: 1, cell: ({ known }) => known?.reader ?? '-' },
      { title: 'report', drops: 5, align: 'right', cell: ({ reportAgeMs }) => describeAge(reportAgeMs) },
      { title: 'cpu', drops: 3, align: 'right', cell: ({ known, beyond }) => percent(known?.cpuPercent, beyond.cpu) },
      {
        title: 'memory',
        drops: 4,
        align: 'right',
        cell: ({ known, beyond }) => percent(known?.memoryPercent, beyond.memory),
      },
      { title: 'disk', align: 'right', cell: ({ known, beyond }) => percent(known?.diskPercent, beyond.disk) },
      ...(members.some(({ fullIn }) => fullIn !== null) ? [fullInColumn] : []),
      { title: 'on', drops: 2, shrinks: true, keepsEnd: true, cell: ({ known }) => known?.diskMount ?? '-' },
      {
        title: 'alerts',
        align: 'right',
        cell: ({ openAlerts, worstAlert }) => severityCell(String(openAlerts), worstAlert),
      },
    ],
    members,
    (member) => visitNotes(member, time, nowMs),
  );
}

/** Nearer forecasts are red. */
const urgentDays = 2;

const labelsColumn: Column<FleetMember> = {
  title: 'labels',
  drops: 6,
  shrinks: true,
  cell: ({ labels }) => labelsText(labels) || '-',
};

const fullInColumn: Column<FleetMember> = {
  title: 'full in',
  drops: 0,
  align: 'right',
  cell: ({ fullIn }) => {
    if (fullIn === null) return '-';
    const { daysLeft } = fullIn;
    return { text: describeAge(daysLeft * dayMs), colour: daysLeft < urgentDays ? 'red' : 'yellow' };
  },
};

/** Lines about the last run, clients that left config.xml, alerts and mails. */
export function statusLines(output: Output, status: FleetStatus, time: ReaderTime, nowMs: number): readonly string[] {
  return [
    footer(status, nowMs, time),
    ...[...status.forwarded].map(([site, run]) => siteLine(site, run, nowMs, time)),
    ...shareWords(status.shares, nowMs).map(escapeControls),
    ...sealedLines(status.sealed, nowMs).map((line) => output.colour('yellow', line)),
    ...unlistedLines(status.unlisted, time),
    ...alertingLines(output, status, nowMs, time),
    ...(status.lastIngest === null ? [] : [`Last ingest ${endedText(status.lastIngest, nowMs, time)}.`]),
  ];
}

function footer({ lastRun, members }: FleetStatus, nowMs: number, time: ReaderTime): string {
  const sentences: string[] = [];
  if (lastRun === null) sentences.push('No run yet: fleet-health collect makes one.');
  else {
    sentences.push(`Last run ${runText(lastRun, nowMs, time)}.`);
  }
  const marked = members.some(({ beyond }) => Object.values(beyond).some((severity) => severity !== null));
  if (marked) sentences.push('`!` marks a value at its limit.');
  return sentences.join(' ');
}

function siteLine(site: string, run: RunFact | null, nowMs: number, time: ReaderTime): string {
  const words = run === null ? 'no run has come yet' : `last run ${runText(run, nowMs, time)}`;
  return `${escapeControls(`Site ${site}`)}: ${words}.`;
}

function runText(run: RunFact, nowMs: number, time: ReaderTime): string {
  const count = `of ${counted(run.clients ?? 0, 'client')} asked, ${run.succeeded ?? 0} answered`;
  return `${endedText(run, nowMs, time)}; ${count}`;
}

function endedText({ outcome, startedAtMs, finishedAtMs }: RunFact, nowMs: number, { moment }: ReaderTime): string {
  const atMs = finishedAtMs ?? startedAtMs;
  if (atMs > nowMs + hourMs) return `${outcome} at ${moment(atMs)}, by a clock that was wrong`;
  return `${outcome} ${describeAge(nowMs - atMs)} ago`;
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
  if (lastPass !== null) lines.push(`Last pass of the alerter ${endedText(lastPass, nowMs, time)}.`);
  return lines;
}
