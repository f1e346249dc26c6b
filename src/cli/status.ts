import type { Severity } from '../config/config.ts';
import type { Context, ExitStatus } from './context.ts';
import { describeAge } from './duration.ts';
import { readFleetStatus, type ClientState, type FleetMember, type FleetStatus } from './fleet-status.ts';
import type { Colour, Output } from './output.ts';
import { readStored } from './read-stored.ts';
import { loadSettings } from './settings.ts';
import { renderTable, type Cell } from './table.ts';

/** `status`: the fleet in a table. */
export async function statusCommand(context: Context): Promise<ExitStatus> {
  const { output } = context;
  const config = loadSettings(context);
  const nowMs = Date.now();
  const status = await readStored(config.storage, context.signal, ({ history }) =>
    readFleetStatus(config, history, nowMs),
  );
  if (output.json) output.printJson(statusJson(status, nowMs));
  else output.print(statusText(output, status, nowMs));
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

/** The table and the line about the last run. */
export function statusText(output: Output, status: FleetStatus, nowMs: number): string {
  const table = renderTable(
    output,
    [
      { title: 'client', shrinks: true },
      { title: 'state' },
      { title: 'report', align: 'right' },
      { title: 'cpu', align: 'right' },
      { title: 'memory', align: 'right' },
      { title: 'disk', align: 'right' },
      { title: 'alerts', align: 'right' },
      { title: 'last error', shrinks: true },
    ],
    status.members.map((member) => row(member)),
  );
  return `${table}\n\n${footer(status, nowMs)}`;
}

function row(member: FleetMember): Cell[] {
  const { known, beyond } = member;
  const error = [known?.errorCode, known?.errorMessage].filter(Boolean).join(': ');
  return [
    member.client,
    { text: member.state, colour: stateColours[member.state] },
    describeAge(member.reportAgeMs),
    percent(known?.cpuPercent ?? null, beyond.cpu),
    percent(known?.memoryPercent ?? null, beyond.memory),
    percent(known?.diskPercent ?? null, beyond.disk),
    member.openAlerts === 0 ? '0' : { text: String(member.openAlerts), colour: 'red' },
    error,
  ];
}

/** `!` marks a value at its limit, for those who see no colour. */
function percent(value: number | null, beyond: Severity | null): Cell {
  if (value === null) return '-';
  const text = `${value.toFixed(value < 10 ? 1 : 0)}%`;
  if (beyond === null) return text;
  return { text: `${text}!`, colour: beyond === 'critical' ? 'red' : 'yellow' };
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

function statusJson({ members, unlisted, lastRun }: FleetStatus, nowMs: number): unknown {
  return {
    command: 'status',
    at: time(nowMs),
    last_run:
      lastRun === null
        ? null
        : {
            run_id: lastRun.id,
            outcome: lastRun.outcome,
            started_at: time(lastRun.startedAtMs),
            finished_at: time(lastRun.finishedAtMs),
            clients: lastRun.clients,
            succeeded: lastRun.succeeded,
            failed: lastRun.failed,
          },
    unlisted,
    clients: members.map(memberJson),
  };
}

function memberJson({ client, address, state, known, reportAgeMs, openAlerts, beyond }: FleetMember): unknown {
  return {
    client,
    address,
    state,
    last_visit_at: time(known?.lastVisitAtMs ?? null),
    last_report_at: time(known?.lastReportAtMs ?? null),
    observed_at: time(known?.observedAtMs ?? null),
    report_age_s: reportAgeMs === null ? null : Math.round(reportAgeMs / 1000),
    consecutive_failures: known?.consecutiveFailures ?? 0,
    hostname: known?.hostname ?? null,
    os: known?.os ?? null,
    uptime_s: known?.uptimeSeconds ?? null,
    cpu_percent: known?.cpuPercent ?? null,
    memory_percent: known?.memoryPercent ?? null,
    disk_percent: known?.diskPercent ?? null,
    load5: known?.load5 ?? null,
    open_alerts: openAlerts,
    at_limit: beyond,
    error: typeof known?.errorCode === 'string' ? { code: known.errorCode, message: known.errorMessage } : null,
  };
}

function time(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
