import { parentsOf } from '../../config/clients/parents.ts';
import type { Client, Config, Severity } from '../../config/config.ts';
import type { FleetMember } from '../../look/data/fleet-member.ts';
import type { ClientState } from '../../look/page/page.ts';
import { rounded } from '../../text/numbers.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import type { Colour } from '../terminal/output.ts';
import type { ReaderTime } from '../terminal/reader-time.ts';
import type { Cell } from '../terminal/table.ts';

export const stateColours: Readonly<Record<ClientState, Colour>> = {
  ok: 'green',
  late: 'yellow',
  new: 'yellow',
  failing: 'red',
  paused: 'dim',
  retired: 'dim',
};

const severityColours: Readonly<Record<Severity, Colour>> = { critical: 'red', warning: 'yellow' };

/** Returns the fault of the last visit, and the time of the next visit if a refused login delays it. */
export function visitNotes({ client, known }: FleetMember, { moment }: ReaderTime, nowMs: number): readonly Cell[] {
  const error = [known?.errorCode, known?.errorMessage].filter(Boolean).join(': ');
  const nextMs = known?.nextAttemptAtMs ?? null;
  return [
    ...(error === '' ? [] : [{ text: error, colour: 'red' } as const]),
    ...(nextMs === null || nextMs <= nowMs
      ? []
      : [`login refused, next try ${moment(nextMs)}; fleet-health collect ${shownShellWord(client)} tries now`]),
  ];
}

/** Describes when a client was last visited, or when a pushing client last pushed or was missed. */
export function lastHeardWords(pushes: boolean, atMs: number, time: ReaderTime): string {
  const at = time.momentAndAge(atMs);
  return pushes ? `It pushes; the newest entry in its visits is of ${at}.` : `It was last visited at ${at}.`;
}

/** Describes the consequences of a paused or retired state. Returns null for an active client. */
export function inactiveText({ state, untilMs, arrival }: Client, { moment }: ReaderTime): string | null {
  if (state === 'paused') {
    const until = untilMs === null ? '' : ` until ${moment(untilMs)}`;
    const still = arrival.kind !== 'comes' ? 'it is visited' : 'its pushes are taken';
    return `It is paused${until} in config.xml: ${still}, and nobody is notified.`;
  }
  if (state !== 'retired') return null;
  return `It is retired in config.xml: it ${arrival.kind !== 'comes' ? 'is neither visited' : 'may not push'} nor evaluated.`;
}

/** Returns the machines of which the client needs one, for each `on` in force for it or for these machines. */
export function standsOn(config: Config, client: string): readonly (readonly string[])[] {
  return parentsOf(config)
    .of(client)
    .flatMap(({ isBastion, names }) => (isBastion ? [] : [names]));
}

/** Describes the machines that the client stands on; null if there are none. */
export function standsOnText(config: Config, client: string): string | null {
  const parents = standsOn(config, client).map((names) => names.join(' or '));
  return parents.length === 0 ? null : `It stands on ${parents.join(', and on ')}.`;
}

/** Formats a percentage. `!` marks a value at its limit, for readers who see no colour. */
export function percent(value: number | null | undefined, beyond: Severity | null): Cell {
  if (typeof value !== 'number') return '-';
  return severityCell(`${value.toFixed(value < 10 ? 1 : 0)}%${beyond === null ? '' : '!'}`, beyond);
}

/** Returns a text in the colour of a severity. */
export function severityCell(text: string, severity: Severity | null): Cell {
  return severity === null ? text : { text, colour: severityColours[severity] };
}

/** Returns a client as JSON. docs/json.md describes the fields. */
export function memberJson({ client, address, labels, state, known, reportAgeMs, ...member }: FleetMember): object {
  const { lastVisitAtMs = null, lastReportAtMs = null, observedAtMs = null, nextAttemptAtMs = null } = known ?? {};
  const { consecutiveFailures = 0, reader = null, hostname = null, os = null, uptimeSeconds = null } = known ?? {};
  const { cpuPercent = null, memoryPercent = null, diskPercent = null, diskMount = null } = known ?? {};
  const { load5 = null, cpus = null, errorCode = null, errorMessage = null } = known ?? {};
  const { openAlerts, worstAlert, fullIn } = member;
  return {
    ...jsonFields({ client, address, labels, state, lastVisitAtMs, lastReportAtMs, observedAtMs }),
    report_age_s: reportAgeMs === null ? null : Math.round(reportAgeMs / 1000),
    ...jsonFields({ nextAttemptAtMs, consecutiveFailures, reader, hostname, os }),
    uptime_s: uptimeSeconds,
    ...jsonFields({ cpuPercent, memoryPercent, diskPercent, diskMount }),
    full_in: fullIn && { days: rounded(fullIn.daysLeft, 1), mount: fullIn.mount, resource: fullIn.kind },
    ...jsonFields({ load5, cpus, openAlerts, worstAlert }),
    at_limit: member.beyond,
    error: errorCode === null ? null : { code: errorCode, message: errorMessage },
  };
}
