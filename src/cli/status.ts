import { counted } from '../alerter/time-words.ts';
import type { Config, Severity } from '../config/config.ts';
import { escapeControls } from '../log.ts';
import { heldBackJson, heldBackText, sentenceCase } from './alert-words.ts';
import type { Context, ExitStatus } from './context.ts';
import { describeAge } from './duration.ts';
import { readFleetStatus, type ClientState, type FleetMember, type FleetStatus } from './fleet-status.ts';
import type { Colour, Output } from './output.ts';
import { readStored } from './read-stored.ts';
import { jsonTime, readerTime, type ReaderTime } from './reader-time.ts';
import { loadSettings } from './settings.ts';
import { lastIngestLine, sealedJson, sealedLines } from './sealed-words.ts';
import { renderTable, type Cell } from './table.ts';

/** `status`: the fleet in a table. */
export async function statusCommand(context: Context): Promise<ExitStatus> {
  const { output } = context;
  const config = loadSettings(context);
  const nowMs = Date.now();
  const status = await readStored(config.storage, context.signal, (stored) => readFleetStatus(config, stored, nowMs));
  if (output.json) output.printJson(statusJson(status, nowMs));
  else output.print(statusText(output, config, status, nowMs));
  return 0;
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
      { title: 'client', shrinks: true },
      { title: 'state' },
      { title: 'read by' },
      { title: 'report', align: 'right' },
      { title: 'cpu', align: 'right' },
      { title: 'memory', align: 'right' },
      { title: 'disk', align: 'right' },
      { title: 'alerts', align: 'right' },
      { title: 'last error', shrinks: true },
    ],
    status.members.map((member) => row(member)),
  );
  return [
    table,
    '',
    footer(status, nowMs),
    ...sealedLines(status.sealed, nowMs).map((line) => output.colour('yellow', line)),
    ...alertingLines(output, status, nowMs, time),
    lastIngestLine(status.lastIngest, nowMs) ?? [],
  ]
    .flat()
    .join('\n');
}

function row(member: FleetMember): Cell[] {
  const { known, beyond } = member;
  const error = [known?.errorCode, known?.errorMessage].filter(Boolean).join(': ');
  return [
    member.client,
    { text: member.state, colour: stateColours[member.state] },
    known?.reader ?? '-',
    describeAge(member.reportAgeMs),
    percent(known?.cpuPercent ?? null, beyond.cpu),
    percent(known?.memoryPercent ?? null, beyond.memory),
    percent(known?.diskPercent ?? null, beyond.disk),
    member.worstAlert === null
      ? String(member.openAlerts)
      : { text: String(member.openAlerts), colour: severityColours[member.worstAlert] },
    error,
  ];
}

/** `!` marks a value at its limit, for those who see no colour. */
function percent(value: number | null, beyond: Severity | null): Cell {
  if (value === null) return '-';
  const text = `${value.toFixed(value < 10 ? 1 : 0)}%`;
  if (beyond === null) return text;
  return { text: `${text}!`, colour: severityColours[beyond] };
}

function footer({ lastRun, unlisted, members }: FleetStatus, nowMs: number): string {
  const sentences: string[] = [];
  if (lastRun === null) sentences.push('No run yet: fleet-health collect makes one.');
  else {
    const ended = lastRun.finishedAtMs ?? lastRun.startedAtMs;
    const count = `${lastRun.succeeded ?? 0} of ${lastRun.clients ?? 0} clients answered`;
    sentences.push(`Last run ${lastRun.outcome} ${describeAge(nowMs - ended)} ago; ${count}.`);
  }
  const marked = members.some(({ beyond }) => Object.values(beyond).some((severity) => severity !== null));
  if (marked) sentences.push('`!` marks a value at its limit.');
  if (unlisted > 0) sentences.push(`${unlisted} more in the database are not in config.xml.`);
  return sentences.join(' ');
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
  if (lastPass !== null) {
    lines.push(
      `Last pass of the alerter ${lastPass.outcome} ${describeAge(nowMs - (lastPass.finishedAtMs ?? lastPass.startedAtMs))} ago.`,
    );
  }
  return lines;
}

function statusJson(
  { members, unlisted, lastRun, lastPass, lastIngest, alerting, sealed }: FleetStatus,
  nowMs: number,
): unknown {
  const { firing, critical, ofFleet, undelivered, held } = alerting;
  return {
    command: 'status',
    at: jsonTime(nowMs),
    last_run:
      lastRun === null
        ? null
        : {
            run_id: lastRun.id,
            outcome: lastRun.outcome,
            started_at: jsonTime(lastRun.startedAtMs),
            finished_at: jsonTime(lastRun.finishedAtMs),
            clients: lastRun.clients,
            succeeded: lastRun.succeeded,
            failed: lastRun.failed,
          },
    last_pass:
      lastPass === null
        ? null
        : {
            run_id: lastPass.id,
            outcome: lastPass.outcome,
            started_at: jsonTime(lastPass.startedAtMs),
            finished_at: jsonTime(lastPass.finishedAtMs),
          },
    last_ingest:
      lastIngest === null
        ? null
        : {
            run_id: lastIngest.id,
            outcome: lastIngest.outcome,
            started_at: jsonTime(lastIngest.startedAtMs),
            finished_at: jsonTime(lastIngest.finishedAtMs),
          },
    sealed: sealedJson(sealed),
    alerts: { firing, critical, fleet: ofFleet },
    undelivered: {
      mails: undelivered.mails,
      refused: undelivered.refused,
      queued: undelivered.queued,
      oldest_at: jsonTime(undelivered.oldestAtMs),
      last_error: undelivered.lastError,
    },
    silences: held.filter(({ silence }) => silence !== null).length,
    held_back: heldBackJson(held),
    unlisted,
    clients: members.map(memberJson),
  };
}

function memberJson({
  client,
  address,
  state,
  known,
  reportAgeMs,
  openAlerts,
  worstAlert,
  beyond,
}: FleetMember): unknown {
  return {
    client,
    address,
    state,
    last_visit_at: jsonTime(known?.lastVisitAtMs ?? null),
    last_report_at: jsonTime(known?.lastReportAtMs ?? null),
    observed_at: jsonTime(known?.observedAtMs ?? null),
    report_age_s: reportAgeMs === null ? null : Math.round(reportAgeMs / 1000),
    consecutive_failures: known?.consecutiveFailures ?? 0,
    reader: known?.reader ?? null,
    hostname: known?.hostname ?? null,
    os: known?.os ?? null,
    uptime_s: known?.uptimeSeconds ?? null,
    cpu_percent: known?.cpuPercent ?? null,
    memory_percent: known?.memoryPercent ?? null,
    disk_percent: known?.diskPercent ?? null,
    load5: known?.load5 ?? null,
    open_alerts: openAlerts,
    worst_alert: worstAlert,
    at_limit: beyond,
    error: typeof known?.errorCode === 'string' ? { code: known.errorCode, message: known.errorMessage } : null,
  };
}
