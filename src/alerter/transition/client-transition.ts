import type { Alert } from '../../storage/store/alert.ts';
import { stepLateRow, openLateRows } from './late-rows.ts';
import type { LateRows } from './late-rows.ts';
import { openSubjects } from './subjects.ts';
import type { SampledRow } from '../evaluate/sample.ts';
import { rebooted } from './rebooted.ts';
import { longestGapMs } from './step-alert.ts';
import { unknownAfter } from './unknown-rules.ts';
import { endsAfter, unreliableSample } from '../evaluate/unreliable.ts';
import { findRule } from '../evaluate/find-rule.ts';
import type { VisitEnds } from '../evaluate/unreliable.ts';
import { withWritable, writableAfter } from '../evaluate/mount-sampler.ts';
import type {
  ClientTransition,
  ClientTransitionOptions,
  TransitionResult,
  TransitionClientOptions,
} from './client-judge.ts';

/**
 * Judges rows of one client in the order of their times: the states of the specification's section 4. Whether rows in
 * order come one by one or many at once makes no difference, for nothing but memory and alerts is kept between them.
 *
 * A row older than the newest judged one of its kind never moves the present. What such rows would have begun is kept
 * apart, and is told as past (`Alert.past`) when they end it, or when the client's next row of the present comes; if an
 * open alert covers it or follows it without a gap, it is that alert's own beginning and nothing is told.
 */
export function transitionClient(options: TransitionClientOptions): TransitionResult {
  const { sampledRows, everyMs, nowMs = Infinity } = options;
  const newestMs = sampledRows.reduce((latest, { atMs }) => Math.max(latest, atMs), -Infinity);
  const judge = openClientTransition({ ...options, latestMs: latestPossibleMs(nowMs, newestMs, everyMs) });
  for (const sampledRow of inOrder(sampledRows)) judge.judge(sampledRow);
  return judge.judgement();
}

/** See transitionClient; in steps, so that not all rows need be in memory at once. */
export function openClientTransition(options: ClientTransitionOptions): ClientTransition {
  const { rules, everyMs, latestMs } = options;
  const before = options.memory;
  const subjects = openSubjects(options);
  const openLate = (begun: Readonly<Record<string, Alert>>): LateRows =>
    openLateRows({ rules, late: begun, subjects, everyMs });
  // Few clients ever have any.
  let late = before?.late === undefined ? null : openLate(before.late);
  let newestReportMs = ifPossible(before?.newestReportMs ?? null, latestMs);
  let newestVisitMs = ifPossible(before?.newestVisitMs ?? null, latestMs);
  let bootId = before?.bootId ?? null;
  let writable: ReadonlySet<string> = new Set(before?.writable);
  let visits: VisitEnds = before?.visits ?? [];
  const unreliable = findRule(rules, 'unreliable');
  const isUnreachable = (): boolean => subjects.openAlert('unreachable', '')?.state === 'firing';
  let unknown = before?.unknown ?? {};
  let rows = before?.rows ?? 0;
  return {
    judge: (row) => {
      const sampledRow = withWritable(row, writable);
      const { kind, atMs } = sampledRow;
      rows += 1;
      const newestMs = kind === 'report' ? newestReportMs : newestVisitMs;
      if (newestMs !== null && atMs < newestMs) {
        late ??= openLate({});
        stepLateRow(late, sampledRow);
        return;
      }
      late?.flush();
      const event = kind === 'report' ? rebooted(rules, bootId, sampledRow) : null;
      if (event !== null) subjects.add(event);
      subjects.judge(sampledRow, newestReportMs);
      if (kind === 'visit') {
        newestVisitMs = atMs;
        if (unreliable === null || sampledRow.visitEnd === null) return;
        visits = endsAfter(visits, sampledRow.visitEnd, isUnreachable());
        const samples = visits.length === 0 ? [] : [unreliableSample(unreliable, visits)];
        subjects.judge({ ...sampledRow, samples }, newestReportMs);
      } else {
        newestReportMs = atMs;
        unknown = unknownAfter(rules, unknown, sampledRow);
        bootId = sampledRow.bootId ?? bootId;
        writable = writableAfter(writable, sampledRow.disks);
      }
    },
    judgement: () => {
      const stillLate = late?.open() ?? {};
      return {
        memory: {
          newestReportMs,
          newestVisitMs,
          bootId,
          rows,
          changes: subjects.changes(),
          ...(visits.length === 0 ? {} : { visits }),
          ...(Object.keys(unknown).length === 0 ? {} : { unknown }),
          ...(writable.size === 0 ? {} : { writable: [...writable] }),
          ...(Object.keys(stillLate).length === 0 ? {} : { late: stillLate }),
        },
        alerts: subjects.changed(),
      };
    },
  };
}

/**
 * A remembered time that lies further ahead than rows may lie apart was written under a clock that has been set back since.
 * The rows count as well as the database's clock: a collector whose clock is always ahead of it is judged by its own.
 */
export function latestPossibleMs(nowMs: number, newestRowMs: number, everyMs: number): number {
  return Math.max(nowMs, newestRowMs) + longestGapMs(everyMs);
}

function ifPossible(atMs: number | null, latestMs: number): number | null {
  return atMs === null || atMs > latestMs ? null : atMs;
}

/** By time; a visit before the report it brought. Most often they are in order already. */
function inOrder(sampledRows: readonly SampledRow[]): readonly SampledRow[] {
  const compare = (one: SampledRow, other: SampledRow): number =>
    one.atMs - other.atMs || Number(one.kind === 'report') - Number(other.kind === 'report');
  for (let at = 1; at < sampledRows.length; at++) {
    const [one, other] = [sampledRows[at - 1], sampledRows[at]];
    if (one !== undefined && other !== undefined && compare(one, other) > 0) return [...sampledRows].sort(compare);
  }
  return sampledRows;
}
