import { idleGroups, servingText } from '../../alerter/explain/group-words.ts';
import type { Config } from '../../config/config.ts';
import { labelsText } from '../../config/values/labels.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import type { FleetMember } from '../../look/data/fleet-member.ts';
import type { FleetStatus } from '../../look/data/fleet-status.ts';
import { urgentDays } from '../../look/data/nearest-forecasts.ts';
import { endedWords, type LineReader, runWords, siteLines } from '../../look/data/site-lines.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import { describeAge } from '../../text/durations.ts';
import { counted } from '../../text/numbers.ts';
import { withoutStop } from '../../text/plain-text.ts';
import { heldBackText, sentenceCase } from '../command/alert-words.ts';
import { waitingRuns } from '../command/left-database.ts';
import { percent, severityCell, stateColours, visitNotes } from '../command/member-words.ts';
import type { Output } from '../terminal/output.ts';
import { readerTime, type ReaderTime } from '../terminal/reader-time.ts';
import { type Column, renderTable } from '../terminal/table.ts';
import { canaryLines, lossLines, repliesLines, sealedLines } from './sealed-words.ts';

/** Returns the table of clients, and the lines below it. */
export function statusText(output: Output, config: Config, status: FleetStatus, nowMs: number): string {
  const time = readerTime(config, nowMs);
  return [statusTable(output, status.members, time, nowMs), '', ...statusLines(output, config, status, nowMs)].join(
    '\n',
  );
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

/** Returns lines about the last run, clients that left config.xml, alerts and mails. */
export function statusLines(output: Output, config: Config, status: FleetStatus, nowMs: number): readonly string[] {
  const time = readerTime(config, nowMs);
  const reader = { nowMs, moment: time.moment };
  return [
    footer(status, reader, waitingRuns(config, status.lastRun)),
    ...groupLines(output, config, status),
    ...siteLines(status, reader).map(escapeControls),
    ...sealedLines(status.sealed, nowMs).map((line) => output.colour('yellow', line)),
    ...lossLines(status.loss, time.moment).map((line) => output.colour('yellow', line)),
    ...canaryLines(config, status.canary, time.moment),
    ...repliesLines(status.repliesUnread, time.moment).map((line) => output.colour('yellow', line)),
    ...unlistedLines(status.unlisted, time),
    ...alertingLines(output, status, nowMs, time),
    ...alerterLines(output, config, status, nowMs),
    ...(status.lastIngest === null ? [] : [`Last ingest ${endedWords(status.lastIngest, reader)}.`]),
  ];
}

function footer({ lastRun, members, shares }: FleetStatus, reader: LineReader, waiting: string | null): string {
  const sentences: string[] = [];
  if (lastRun === null) sentences.push(waiting ?? 'No run yet: fleet-health collect makes one.');
  else {
    // If collectors share the fleet, a run visits some of its clients: the line of the site counts all of them.
    const words = shares.length > 0 ? `${endedWords(lastRun, reader)} on ${escapeControls(lastRun.host)}` : null;
    sentences.push(`Last run ${words ?? runWords(lastRun, reader)}.`);
  }
  const marked = members.some(({ beyond }) => Object.values(beyond).some((severity) => severity !== null));
  if (marked) sentences.push('`!` marks a value at its limit.');
  return sentences.join(' ');
}

/** The most groups in a line. */
const maxGroups = 12;

/** Lists who serves in groups that need some of their members, those with too few first, and needs without effect. */
function groupLines(output: Output, config: Config, { groups }: FleetStatus): readonly string[] {
  const rank = { short: 0, unclear: 1, enough: 2 };
  const sorted = [...groups].sort((one, other) => rank[one.state] - rank[other.state]);
  const named = sorted.slice(0, maxGroups).map((one) => {
    const text = escapeControls(servingText(one));
    return one.state === 'enough' ? text : output.colour(one.state === 'short' ? 'red' : 'yellow', text);
  });
  const more = sorted.length > maxGroups ? [`${sorted.length - maxGroups} more`] : [];
  const idle = idleGroups(config).map((line) => escapeControls(line));
  return [...(named.length === 0 ? [] : [`Groups: ${[...named, ...more].join('; ')}.`]), ...idle];
}

const maxUnlisted = 10;

/** Lists clients that left config.xml, and clients of config.xml that may be the same machines. */
function unlistedLines(unlisted: FleetStatus['unlisted'], { moment }: ReaderTime): readonly string[] {
  if (unlisted.length === 0) return [];
  const names = unlisted
    .slice(0, maxUnlisted)
    .map(({ client, lastVisitAtMs }) =>
      lastVisitAtMs === null ? client : `${client} (last visited ${moment(lastVisitAtMs)})`,
    );
  const rest = unlisted.length > maxUnlisted ? [`${unlisted.length - maxUnlisted} more`] : [];
  const left = [...names, ...rest].join(', ');
  return [
    `Not in config.xml any more: ${left}. fleet-health forget client NAME removes its history.`,
    ...unlisted
      .slice(0, maxUnlisted)
      .flatMap(({ client, namesake }) =>
        namesake === null
          ? []
          : [`${namesake} has the address of ${client}. If it is the same machine: was="${client}" keeps its history.`],
      ),
  ].map(escapeControls);
}

function alertingLines(
  output: Output,
  { alerting, lastPass, groups }: FleetStatus,
  nowMs: number,
  time: ReaderTime,
): readonly string[] {
  const { firing, critical, ofFleet, undelivered, held } = alerting;
  const lines: string[] = [];
  if (firing > 0) {
    const worst =
      critical > 0 ? output.colour('red', `${critical} critical`) : output.colour('yellow', 'none critical');
    const fleet =
      ofFleet === 0 ? '' : `, ${ofFleet} about the fleet ${groups.length === 0 ? 'as a whole' : 'or its groups'}`;
    lines.push(
      `${counted(firing, 'alert')} ${firing === 1 ? 'fires' : 'fire'} (${worst}${fleet}): fleet-health alerts.`,
    );
  }
  if (undelivered.mails > 0) {
    const oldest =
      undelivered.oldestAtMs === null ? '' : `, the oldest for ${describeAge(nowMs - undelivered.oldestAtMs)}`;
    const refused = undelivered.refused === 0 ? '' : `, ${undelivered.refused} refused for good`;
    const error =
      undelivered.lastError === null ? '' : `; last error: ${withoutStop(escapeControls(undelivered.lastError))}`;
    lines.push(
      `${output.colour('red', `${counted(undelivered.mails, 'mail')} not delivered`)}${oldest}${refused}${error}.`,
    );
  }
  if (undelivered.queued > 0) lines.push(`${counted(undelivered.queued, 'mail')} queued, not tried yet.`);
  if (held.length > 0) lines.push(`${sentenceCase(heldBackText(held, time))}: fleet-health silence list.`);
  if (lastPass !== null)
    lines.push(`Last pass of the alerter ${endedWords(lastPass, { nowMs, moment: time.moment })}.`);
  return lines;
}

/** The age of the alerter's newest pass from which people are not notified of what fails. */
const longWithoutPassMs = hourMs;

/** Says that nobody is notified of clients that fail or alerts that fire, as the alerter has not run lately. */
function alerterLines(
  output: Output,
  { collector }: Config,
  { members, alerting, lastRun, lastPass }: FleetStatus,
  nowMs: number,
): readonly string[] {
  const isBad = alerting.firing > 0 || members.some(({ state }) => state === 'failing' || state === 'late');
  // The collector that a site forwards to evaluates its reports.
  if (!isBad || lastRun === null || collector.forward !== null) return [];
  const remedy = 'fleet-health alert makes a pass, and fleet-health crontab --install starts it regularly.';
  if (lastPass === null) return [output.colour('red', `The alerter has never run, so nobody is notified: ${remedy}`)];
  const ageMs = nowMs - (lastPass.finishedAtMs ?? lastPass.startedAtMs);
  if (ageMs <= longWithoutPassMs) return [];
  return [output.colour('red', `The alerter has not run for ${describeAge(ageMs)}, so nobody is notified: ${remedy}`)];
}
