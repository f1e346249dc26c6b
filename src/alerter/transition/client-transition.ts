import type { Alert, RuleState } from '../../storage/store/alert.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { withWritable, writableAfter } from '../evaluate/disk-samplers.ts';
import type { SampledRow } from '../evaluate/sample.ts';
import { endsAfter, unreliableSample, type VisitEnds } from '../evaluate/visit-conditions.ts';
import { hasKills, oomKillAlert, rebootAlert } from './alert-bounds.ts';
import { LateRows } from './late-rows.ts';
import { dayMs } from '../../platform/units.ts';
import { longestGapMs } from './progress.ts';
import { Subjects, type SubjectsOptions } from './subjects.ts';
import { bootsAfter, rebootsSample, type Boots } from './reboots.ts';
import { isOfReports, unknownAfter } from './unknown-rules.ts';

/** The most gaps between reports that are remembered. */
const maxGaps = 12;

export interface TransitionOptions extends SubjectsOptions {
  /** The time after which a client without a report is late. Default: gaps between reports are not noted. */
  readonly lateMs?: number;
}

export interface TransitionResult {
  readonly memory: RuleState;
  /** New (id `null`) and changed alerts, closed alerts before open ones. */
  readonly alerts: readonly Alert[];
}

/**
 * The transition of the alerts of one client by levels, row by row: the states of the specification's section 4. Rows
 * give the same result one by one and many at once, because only memory and alerts are kept between them.
 *
 * A row older than the newest processed row of its kind never moves the present. Alerts that such rows would have begun
 * are kept apart. They are notified as past (`Alert.past`) when late rows end them, or when the client's next row of
 * the present comes. An open alert replaces a late one that it covers, or follows without a gap; the late one is not
 * notified.
 */
export class ClientTransition {
  readonly #rules: SubjectsOptions['rules'];
  readonly #rulesOfReports: SubjectsOptions['rules'];
  readonly #unreliable: ReturnType<typeof findRule>;
  readonly #subjects: Subjects;
  readonly #late: LateRows;
  #newestReportMs: number | null;
  #newestVisitMs: number | null;
  #bootId: string | null;
  #boots: Boots;
  #writable: ReadonlySet<string>;
  #visits: VisitEnds;
  #unknown: NonNullable<RuleState['unknown']>;
  #rows: number;
  #killedAtMs: number | null;
  readonly #lateMs: number;
  #gaps: NonNullable<RuleState['gaps']>;

  constructor(options: TransitionOptions) {
    const { rules, latestMs, memory: before } = options;
    this.#rules = rules;
    this.#rulesOfReports = rules.filter(isOfReports);
    this.#unreliable = findRule(rules, 'unreliable');
    this.#subjects = new Subjects(options);
    this.#late = new LateRows(options, this.#subjects);
    this.#newestReportMs = ifPossible(before?.newestReportMs ?? null, latestMs);
    this.#newestVisitMs = ifPossible(before?.newestVisitMs ?? null, latestMs);
    this.#bootId = before?.bootId ?? null;
    this.#boots = before?.boots ?? [];
    this.#writable = new Set(before?.writable);
    this.#visits = before?.visits ?? [];
    this.#unknown = before?.unknown ?? {};
    this.#rows = before?.rows ?? 0;
    this.#killedAtMs = ifPossible(before?.killedAtMs ?? null, latestMs);
    this.#lateMs = options.lateMs ?? Infinity;
    this.#gaps = before?.gaps ?? [];
  }

  /** Processes a row. Rows must come in the order of their times, a visit before its report. */
  step(read: SampledRow): void {
    const row = withWritable(read, this.#writable);
    const { kind, atMs } = row;
    this.#rows += 1;
    // Kills in an old row count too: no newer row reports them.
    const kills = oomKillAlert(this.#rules, this.#killedAtMs, row);
    if (kills !== null) this.#subjects.add(kills);
    if (hasKills(row)) this.#killedAtMs = Math.max(atMs, this.#killedAtMs ?? atMs);
    const newestMs = kind === 'report' ? this.#newestReportMs : this.#newestVisitMs;
    if (newestMs !== null && atMs < newestMs) {
      this.#late.step(row);
      return;
    }
    this.#late.flush();
    if (kind === 'report') this.#stepReboots(row);
    this.#subjects.step(row, this.#newestReportMs);
    if (kind === 'visit') {
      this.#newestVisitMs = atMs;
      this.#stepUnreliable(row);
    } else {
      this.#noteGap(atMs);
      this.#newestReportMs = atMs;
      this.#unknown = unknownAfter(this.#rulesOfReports, this.#unknown, row);
      this.#bootId = row.bootId ?? this.#bootId;
      this.#writable = writableAfter(this.#writable, row.disks);
    }
  }

  /** Returns the result of all rows so far. */
  result(): TransitionResult {
    const stillLate = this.#late.open();
    const killedAtMs = this.#killedAtMs;
    const bad = this.#subjects.bad();
    return {
      memory: {
        newestReportMs: this.#newestReportMs,
        newestVisitMs: this.#newestVisitMs,
        bootId: this.#bootId,
        rows: this.#rows,
        changes: this.#subjects.changes(),
        ...(Object.keys(bad).length === 0 ? {} : { bad }),
        ...(this.#boots.length === 0 ? {} : { boots: this.#boots }),
        ...(this.#gaps.length === 0 ? {} : { gaps: this.#gaps }),
        ...(killedAtMs === null ? {} : { killedAtMs }),
        ...(this.#visits.length === 0 ? {} : { visits: this.#visits }),
        ...(Object.keys(this.#unknown).length === 0 ? {} : { unknown: this.#unknown }),
        ...(this.#writable.size === 0 ? {} : { writable: [...this.#writable] }),
        ...(Object.keys(stillLate).length === 0 ? {} : { late: stillLate }),
      },
      alerts: this.#subjects.changed(),
    };
  }

  /**
   * Adds the event of a boot, unless the client boots so often that one alert stands for its boots. A report of an
   * unknown boot changes nothing.
   */
  #stepReboots(row: SampledRow): void {
    if (row.bootId === null) return;
    const event = rebootAlert(this.#rules, this.#bootId, row);
    const hasBooted = this.#bootId !== null && row.bootId !== this.#bootId;
    this.#boots = bootsAfter(this.#boots, row.atMs, hasBooted);
    const rule = findRule(this.#rules, 'reboots');
    // Nearly all reports are of the same boot as the report before.
    if (rule !== null && (this.#boots.length > 0 || this.#subjects.openAlert(rule.name, '') !== null)) {
      const samples = [rebootsSample(rule, this.#boots)];
      this.#subjects.step({ ...row, samples, complete: [] }, this.#newestReportMs);
    }
    if (event !== null && this.#subjects.openAlert('reboots', '') === null) this.#subjects.add(event);
  }

  /** Notes that the client was late before a report. Gaps of the last day count. */
  #noteGap(atMs: number): void {
    const lastMs = this.#newestReportMs ?? 0;
    const isGap = atMs - lastMs > this.#lateMs;
    if (!isGap && this.#gaps.length === 0) return;
    const recent = this.#gaps.filter(([, endMs]) => atMs - endMs < dayMs);
    this.#gaps = isGap ? [...recent, [lastMs, atMs] as const].slice(-maxGaps) : recent;
  }

  /** Moves the alert of a client whose visits fail repeatedly. */
  #stepUnreliable(row: SampledRow): void {
    const unreliable = this.#unreliable;
    if (unreliable === null || row.visitEnd === null) return;
    const isUnreachable = this.#subjects.openAlert('unreachable', '')?.state === 'firing';
    this.#visits = endsAfter(this.#visits, row.visitEnd, isUnreachable);
    const samples = this.#visits.length === 0 ? [] : [unreliableSample(unreliable, this.#visits)];
    this.#subjects.step({ ...row, samples }, this.#newestReportMs);
  }
}

/**
 * Returns the latest time that may be remembered. A later time was written under a clock that has been set back since.
 * The newest row counts as well as the database's clock, because a collector's clock may always be ahead.
 */
export function latestPossibleMs(nowMs: number, newestRowMs: number, everyMs: number): number {
  return Math.max(nowMs, newestRowMs) + longestGapMs(everyMs);
}

function ifPossible(atMs: number | null, latestMs: number): number | null {
  return atMs === null || atMs > latestMs ? null : atMs;
}
