/** src/agent-program/edge: rules that a machine evaluates by itself. */
import * as v from 'valibot';

import { isWritten, readPrivateFile } from '../../../agent/start/private-file.ts';
import { sampleReport } from '../../alerter/evaluate/sample-row.ts';
import { ClientTransition, latestPossibleMs } from '../../alerter/transition/client-transition.ts';
import type { TransitionResult } from '../../alerter/transition/client-transition.ts';
import { isObject, parseJson } from '../../platform/parse-json.ts';
import { columnsOf } from '../../report/columns.ts';
import type { Report } from '../../report/report.ts';
import type { EdgeRule } from './edge-settings.ts';

type EdgeAlert = TransitionResult['alerts'][number];

export const alertLine = v.object({
  host: v.string(),
  rule: v.string(),
  subject: v.string(),
  state: v.picklist(['firing', 'flapping', 'resolved']),
  severity: v.picklist(['warning', 'critical']),
  value: v.nullable(v.number()),
  limit: v.string(),
  at: v.string(),
});

/** A change of an alert in the form in which it is sent: one line of JSON. */
export type AlertLine = Readonly<v.InferOutput<typeof alertLine>>;

const edgeState = v.object({
  memory: v.nullable(v.custom<TransitionResult['memory']>(isObject)),
  /** Open alerts. */
  alerts: v.array(v.custom<EdgeAlert>(isObject)),
  /** The last id that was assigned to an alert. */
  lastId: v.fallback(v.number(), 0),
  /** The first report that an alert counts towards its next change, by rule and subject. */
  moving: v.fallback(v.record(v.string(), v.number()), {}),
});

/** The state of the rules between two reports. */
type EdgeState = Readonly<v.InferOutput<typeof edgeState>>;

export interface Evaluated {
  readonly changes: readonly AlertLine[];
  /** The present state of each alert that fires. */
  readonly open: readonly AlertLine[];
  /** The first report that `for` and `clear` count for the changes; null if nothing has changed. */
  readonly sinceMs: number | null;
}

const stateFile = 'edge-state.json';
const maxStateBytes = 1024 * 1024;
const nothing: EdgeState = { memory: null, alerts: [], lastId: 0, moving: {} };

export interface EvaluatorOptions {
  readonly client: string;
  readonly rules: readonly EdgeRule[];
  readonly everyMs: number;
  /** The state folder, in which the state of the rules outlives the process. */
  readonly place: string;
}

/** Returns a function that evaluates a report as the alerter does, and returns the changes of alerts. */
export function openEvaluator({ client, rules, everyMs, place }: EvaluatorOptions): (report: Report) => Evaluated {
  let state = readState(place);
  return (report) => {
    const atMs = Date.parse(report.datetime);
    const latestMs = latestPossibleMs(atMs, atMs, everyMs);
    const transition = new ClientTransition({ rules, everyMs, latestMs, memory: state.memory, alerts: state.alerts });
    const { stats, disks, networks } = columnsOf(report);
    const row = {
      ...stats,
      ...{ id: 0, client, reportId: report.report_id, runId: report.run_id, bootId: report.boot_id },
      ...{ observedAtMs: atMs, receivedAtMs: atMs, clockOffsetMs: null },
    };
    transition.step(sampleReport({ client: { name: client, rules }, row, disks, networks, report }));
    const { memory, alerts: moved } = transition.result();
    const before = new Map(state.alerts.map((alert) => [alert.id, alert]));
    const news = moved.filter((alert) => isNews(alert, before.get(alert.id)));
    const begins = news.map((alert) => state.moving[keyOf(alert)] ?? atMs);
    let { lastId } = state;
    const changed = moved.map((alert) => ({ ...alert, id: alert.id ?? ++lastId }));
    const ids = new Set(changed.map(({ id }) => id));
    const open = [...state.alerts.filter(({ id }) => id === null || !ids.has(id)), ...changed];
    const isWatched = ({ state: now, rule }: EdgeAlert): boolean =>
      now !== 'resolved' && rules.some(({ name }) => name === rule);
    const alerts = open.filter(isWatched);
    state = { memory, alerts, lastId, moving: movingSince(alerts, state.moving, atMs) };
    // If the disk is full, the state stays in the memory of this process.
    isWritten(place, stateFile, Buffer.from(JSON.stringify(state)), false);
    const changes = news.map((alert) => lineOf(alert, atMs));
    const fires = alerts.filter((alert) => alert.state !== 'pending').map((alert) => lineOf(alert, atMs));
    return { changes, open: fires, sinceMs: begins.length === 0 ? null : Math.min(atMs, ...begins) };
  };
}

/** Returns the alerts that count reports towards a change, with the first report that each counts. */
function movingSince(
  alerts: readonly EdgeAlert[],
  before: EdgeState['moving'],
  atMs: number,
): Readonly<Record<string, number>> {
  const counting = alerts.filter(({ state, progress: { holding, clearing, easing, missing } }) => {
    return state === 'pending' || holding + clearing + easing + missing > 0;
  });
  return Object.fromEntries(counting.map((alert) => [keyOf(alert), before[keyOf(alert)] ?? atMs]));
}

function keyOf({ rule, subject }: EdgeAlert): string {
  return `${rule}\0${subject}`;
}

/** True if the change of an alert is sent. False for a pending alert, and for an alert that never fired. */
function isNews(alert: EdgeAlert, before: EdgeAlert | undefined): boolean {
  if (alert.state === 'pending' || alert.closedReason === 'unconfirmed') return false;
  return before === undefined || before.sequence !== alert.sequence;
}

function lineOf(
  { client, rule, subject, state, flapping, severity, value, limitText }: EdgeAlert,
  atMs: number,
): AlertLine {
  return {
    ...{ host: client, rule, subject },
    state: state === 'resolved' ? state : flapping ? 'flapping' : 'firing',
    ...{ severity, value, limit: limitText, at: new Date(atMs).toISOString() },
  };
}

/** Returns the stored state; an empty state if there is none, or if it is damaged. */
function readState(place: string): EdgeState {
  return parseJson(edgeState, readPrivateFile(`${place}/${stateFile}`, maxStateBytes) ?? '') ?? nothing;
}
