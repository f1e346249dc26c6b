import type { CheckStat } from '../../../src/report/checks/checks.ts';
import type { Client } from '../../../src/config/config.ts';
import { transitionClient } from './transition-client.ts';
import type { SampledRow } from '../../../src/alerter/evaluate/sample.ts';
import { sampleReport, sampleVisit } from '../../../src/alerter/evaluate/sample-row.ts';
import type { DiskRow } from '../../../src/report/columns.ts';
import type { WorkerReport } from '../../../src/report/report.ts';
import type { UnprocessedReport } from '../../../src/storage/store/evaluation-store.ts';
import type { RuleState, Alert } from '../../../src/storage/store/alert.ts';
import { reportWith, worker } from '../../report/support/sample-report.ts';
import { at, checkRow, day, diskRow, failedVisit, reportRow, visitRow } from './rows.ts';

/**
 * Returns the rows of a story. A line has a time and the content of a row, separated by commas. Omitted values are
 * healthy:
 *
 *   08:00 disk / 96, cpu 40, memory ?       a report (`?`: unknown)
 *   08:00 disk / 96 free 3GiB               GiB that are free
 *   08:00 disk /data ro 96, disk / 50       /data is read-only
 *   08:00 boot 2, clock 90, unit a.service failed, mount /srv hangs, mount /data missing, no disks, probe os fails
 *   08:00 check mailq 2                     a check is CRITICAL
 *   08:00 check mailq 0 unsent=210          and has figures
 *   08:01 of 08:00                          a report of the run of 08:00
 *   08:00 visit ok
 *   08:00 visit fails connect-refused       the stage follows from the code
 *   08:00 filtered visit fails dns
 *   08:00 disk / 96 95 ?                    three rows, five minutes apart
 *   08:00 visits ok dns ok                  three visits, five minutes apart: ok, or the code of the failure
 */
export function sampledRowsOf(client: Client, story: string): readonly SampledRow[] {
  return story
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .flatMap(oneByOne)
    .map((line) => sampledRowOf(client, line));
}

/** Splits a line that has several rows into one line a row. */
function oneByOne(line: string): readonly string[] {
  const [, time = '', what = '', several = ''] =
    /^((?:\+\d+ )?\d\d:\d\d) (visits(?= )|.*?)((?<=visits)(?: [\w-]+)+|(?: [\d.]+| \?){2,})$/.exec(line) ?? [];
  if (several === '') return [line];
  return several
    .trim()
    .split(' ')
    .map((word, index) => {
      const said = what === 'visits' ? `visit ${word === 'ok' ? word : `fails ${word}`}` : `${what} ${word}`;
      return `${clock(at(time) + index * everyMs)} ${said}`;
    });
}

function sampledRowOf(client: Client, line: string): SampledRow {
  const [, time = '', run = time, said = ''] = /^((?:\+\d+ )?\d\d:\d\d)(?: of (\d\d:\d\d))?\s*(.*)$/.exec(line) ?? [];
  const atMs = at(time);
  const runId = `run of ${run}`;
  const visit = /^(filtered )?visit (ok|fails) ?([\w-]*)$/.exec(said);
  if (visit !== null) {
    const [, filtered, ending, code = ''] = visit;
    const over = { startedAtMs: atMs, runId, full: filtered === undefined };
    return sampleVisit({ client, visit: ending === 'ok' ? visitRow(over) : failedVisit(stageOf(code), code, over) });
  }
  const parts = said.split(',').map((part) => part.trim());
  const row: Mutable<Partial<UnprocessedReport>> = { observedAtMs: atMs, runId, reportId: `report of ${time}` };
  let disks: readonly DiskRow[] = [diskRow()];
  const workers: WorkerReport[] = [];
  const checks: CheckStat[] = [];
  const number = (text: string | undefined): number | null =>
    text === '?' || text === undefined ? null : Number(text);
  for (const part of parts.filter((text) => text !== '')) {
    const [word = '', ...rest] = part.split(' ');
    const mode = rest[1] === 'ro' ? rest.splice(1, 1)[0] : 'rw';
    const [first = '', second] = rest;
    if (word === 'disk') {
      const free = rest[2] === 'free' ? { available_bytes: parseFloat(rest[3] ?? '') * 2 ** 30 } : {};
      disks = [
        ...disks.filter(({ mount }) => mount !== first),
        diskRow({ mount: first, used_percent: number(second), mode: mode ?? 'rw', ...free }),
      ];
    } else if (word === 'mount' && second === 'missing') {
      const none = { size_bytes: null, used_bytes: null, available_bytes: null, used_percent: null };
      disks = [...disks, diskRow({ mount: first, mode: 'missing', ...none, inodes_percent: null, unresponsive: null })];
    } else if (word === 'mount') {
      disks = [
        ...disks,
        diskRow({
          mount: first,
          fstype: 'nfs4',
          source: `nas:${first}`,
          scope: 'network',
          unresponsive: second === 'hangs' ? 1 : 0,
        }),
      ];
    } else if (word === 'no') {
      disks = [];
      row.unresponsive_mounts = null;
      row.probe_errors = 1;
    } else if (word === 'unit') {
      row.failed_units = (row.failed_units ?? 0) + 1;
      workers.push(worker('services', [{ name: 'failed_unit', data: [{ unit: first, failed: 1 }] }]));
    } else if (word === 'probe') {
      row.probe_errors = 1;
      workers.push(worker(first, [], 'no answer'));
    } else if (word === 'check') {
      const state = Number(second) as CheckStat['state'];
      checks.push(checkRow({ check_name: first, state, perfdata: rest.slice(2).join(' ') }));
    } else if (word === 'boot') row.bootId = `boot-${first}`;
    else if (word === 'clock') row.clockOffsetMs = Number(first) * 1000;
    else if (word === 'kills') row.oom_kills = number(first);
    else if (word === 'synchronised') row.clock_synchronised = number(first);
    else if (word === 'uptime') row.uptime_s = number(first);
    else row[`${word}_percent` as 'cpu_percent'] = number(first);
  }
  const data = disks.map((disk) => ({ ...disk }));
  const report = workers.length === 0 ? null : reportWith(worker('disks', [{ name: 'disk', data }]), ...workers);
  return sampleReport({ client, row: reportRow(row), disks, networks: [], checks, report });
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function stageOf(code: string): string {
  if (code === 'dns') return 'resolve';
  if (code.startsWith('connect')) return 'connect';
  if (code.startsWith('host-key') || code.startsWith('handshake')) return 'handshake';
  return code.startsWith('auth') ? 'login' : 'agent';
}

/** The alerts and the rule state of one client, kept as the database keeps them. */
export interface LastNotified {
  readonly open: readonly Alert[];
  /** Every alert, in the order in which they began. */
  readonly all: readonly Alert[];
  readonly memory: RuleState | null;
}

export interface TestedTransition {
  /** Evaluates rows of the same time. Returns the changes as sentences. */
  readonly evaluate: (client: Client, sampledRows: readonly SampledRow[]) => readonly string[];
  readonly notified: () => LastNotified;
}

export const everyMs = 5 * 60_000;

export function startTransition(): TestedTransition {
  const stored = new Map<number, Alert>();
  let memory: RuleState | null = null;
  const openOnes = (): readonly Alert[] => [...stored.values()].filter(({ state }) => state !== 'resolved');
  return {
    evaluate: (client, sampledRows) => {
      const result = transitionClient({ rules: client.rules, memory, alerts: openOnes(), sampledRows, everyMs });
      // The database stores JSON, so the next pass must not have values that JSON omits.
      memory = JSON.parse(JSON.stringify(result.memory)) as RuleState;
      return result.alerts.flatMap((changed) => {
        const id = changed.id ?? stored.size + 1;
        const before = stored.get(id) ?? null;
        const alert = JSON.parse(JSON.stringify({ ...changed, id })) as Alert;
        const rival = openOnes().find(
          (one) => one.id !== id && one.rule === alert.rule && one.subject === alert.subject,
        );
        if (alert.state !== 'resolved' && rival !== undefined) throw new Error(`two open alerts of ${alert.rule}`);
        stored.set(id, alert);
        return sentencesOf(before, alert);
      });
    },
    notified: () => ({ open: openOnes(), all: [...stored.values()], memory }),
  };
}

/** Evaluates the rows of a story one by one. Returns the changes as sentences: `08:05 disk / fires critical`. */
export function play(client: Client, story: string): readonly string[] {
  const evaluation = startTransition();
  return sampledRowsOf(client, story).flatMap((sampledRow) =>
    evaluation.evaluate(client, [sampledRow]).map((sentence) => `${clock(sampledRow.atMs)} ${sentence}`),
  );
}

/** Evaluates the rows of a story in one batch. Omits the times of the rows, because only the end is visible. */
export function playAtOnce(client: Client, story: string): readonly string[] {
  return startTransition().evaluate(client, sampledRowsOf(client, story));
}

export function clock(atMs: number): string {
  const days = Math.floor((atMs - day) / 86_400_000);
  return `${days > 0 ? `+${days} ` : ''}${new Date(atMs).toISOString().slice(11, 16)}`;
}

function sentencesOf(before: Alert | null, now: Alert): readonly string[] {
  const name = [now.rule, now.subject].filter((part) => part !== '').join(' ');
  const times = `${clock(now.firingSinceMs ?? now.pendingSinceMs)} to ${clock(now.resolvedAtMs ?? 0)}`;
  if (now.past) return [`${name} was ${now.severity} from ${times}`];
  if (now.closedReason === 'event') return [`${name}: ${now.valueText}`];
  const sentences: string[] = [];
  if (now.closedReason === 'unconfirmed') return before === null ? [] : [`${name} was not confirmed`];
  if (before === null && now.state === 'resolved')
    return [`${name} was ${now.severity} from ${times}, ${now.closedReason ?? ''}`];
  if (before === null && now.state === 'pending') sentences.push(`${name} is pending`);
  if (before?.state !== 'firing' && now.state === 'firing') sentences.push(`${name} fires ${now.severity}`);
  if (before?.state === 'firing' && before.severity !== now.severity) {
    sentences.push(`${name} ${now.severity === 'critical' ? 'gets worse' : 'eases'}`);
  }
  if (now.flapping && before?.flapping !== true) sentences.push(`${name} flaps`);
  if (before?.flapping === true && !now.flapping) sentences.push(`${name} is steady`);
  if (now.state === 'resolved') sentences.push(`${name} is over: ${now.closedReason ?? ''}`);
  return sentences;
}
