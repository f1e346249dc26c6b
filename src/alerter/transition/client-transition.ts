import type { Alert, RuleState } from '../../storage/store/alert.ts';
import { findRule } from '../evaluate/find-rule.ts';
import { withWritable, writableAfter } from '../evaluate/disk-samplers.ts';
import type { SampledRow } from '../evaluate/sample.ts';
import { endsAfter, unreliableSample, type VisitEnds } from '../evaluate/visit-conditions.ts';
import { hasKills, oomKillAlert, rebootAlert } from './alert-bounds.ts';
import { LateRows } from './late-rows.ts';
import { longestGapMs } from './step-alert.ts';
import { Subjects, type SubjectsOptions } from './subjects.ts';
import { isOfReports, unknownAfter } from './unknown-rules.ts';

/** Moves the alerts of one client, row by row. */
export interface ClientTransition {
  /** Rows must come in the order of their times, a visit before the report that it brought. */
  readonly step: (row: SampledRow) => void;
  /** Returns the result of all rows so far. */
  readonly result: () => TransitionResult;
}

export interface TransitionResult {
  readonly memory: RuleState;
  /** New (id `null`) and changed alerts, closed alerts before open ones. */
  readonly alerts: readonly Alert[];
}

/**
 * Moves alerts by levels: the states of the specification's section 4. Rows give the same result one by one and many
 * at once, because only memory and alerts are kept between them.
 *
 * A row older than the newest processed row of its kind never moves the present. Alerts that such rows would have
 * begun are kept apart. They are notified as past (`Alert.past`) when late rows end them, or when the client's next
 * row of the present comes. An open alert that covers or follows one without a gap takes its place, and nothing is
 * notified.
 */
export function openClientTransition(options: SubjectsOptions): ClientTransition {
  const { rules, latestMs, memory: before } = options;
  const subjects = new Subjects(options);
  const late = new LateRows(options, subjects);
  let newestReportMs = ifPossible(before?.newestReportMs ?? null, latestMs);
  let newestVisitMs = ifPossible(before?.newestVisitMs ?? null, latestMs);
  let bootId = before?.bootId ?? null;
  let writable: ReadonlySet<string> = new Set(before?.writable);
  let visits: VisitEnds = before?.visits ?? [];
  const unreliable = findRule(rules, 'unreliable');
  const rulesOfReports = rules.filter(isOfReports);
  const isUnreachable = (): boolean => subjects.openAlert('unreachable', '')?.state === 'firing';
  let unknown = before?.unknown ?? {};
  let rows = before?.rows ?? 0;
  let killedAtMs = ifPossible(before?.killedAtMs ?? null, latestMs);
  return {
    step: (read) => {
      const row = withWritable(read, writable);
      const { kind, atMs } = row;
      rows += 1;
      // The processes of an old row were killed as well, and no newer row says so.
      const kills = oomKillAlert(rules, killedAtMs, row);
      if (kills !== null) subjects.add(kills);
      if (hasKills(row)) killedAtMs = Math.max(atMs, killedAtMs ?? atMs);
      const newestMs = kind === 'report' ? newestReportMs : newestVisitMs;
      if (newestMs !== null && atMs < newestMs) {
        late.step(row);
        return;
      }
      late.flush();
      const event = kind === 'report' ? rebootAlert(rules, bootId, row) : null;
      if (event !== null) subjects.add(event);
      subjects.step(row, newestReportMs);
      if (kind === 'visit') {
        newestVisitMs = atMs;
        if (unreliable === null || row.visitEnd === null) return;
        visits = endsAfter(visits, row.visitEnd, isUnreachable());
        const samples = visits.length === 0 ? [] : [unreliableSample(unreliable, visits)];
        subjects.step({ ...row, samples }, newestReportMs);
      } else {
        newestReportMs = atMs;
        unknown = unknownAfter(rulesOfReports, unknown, row);
        bootId = row.bootId ?? bootId;
        writable = writableAfter(writable, row.disks);
      }
    },
    result: () => {
      const stillLate = late.open();
      return {
        memory: {
          newestReportMs,
          newestVisitMs,
          bootId,
          rows,
          changes: subjects.changes(),
          ...(killedAtMs === null ? {} : { killedAtMs }),
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
 * Returns the latest time that may be remembered. A later time was written under a clock that has been set back since.
 * The newest row counts as well as the database's clock, because a collector's clock may always be ahead of that.
 */
export function latestPossibleMs(nowMs: number, newestRowMs: number, everyMs: number): number {
  return Math.max(nowMs, newestRowMs) + longestGapMs(everyMs);
}

function ifPossible(atMs: number | null, latestMs: number): number | null {
  return atMs === null || atMs > latestMs ? null : atMs;
}
