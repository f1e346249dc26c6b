import type { Severity } from '../../config/config.ts';
import type { ClosedReason, Alert, Level, Progress } from '../../storage/store/alert.ts';
import { beginAlert, closeAlert, limitOf } from './alert-bounds.ts';
import { isFlapping, noteChange, staysBad, type Changes } from './flapping.ts';
import type { SampledRow, Sample } from '../evaluate/sample.ts';
import { rowsToRecover } from '../evaluate/rule-metric.ts';
import { countRow, isGap, networkAfter, worstAfter } from './progress.ts';

/** The state of one rule and subject: its open alert, and its last changes (see flapping.ts). */
export interface SubjectState {
  readonly alert: Alert | null;
  readonly changes: Changes;
}

/** The row of a sample. */
export interface StepRow extends Required<Pick<SampledRow, 'about' | 'client' | 'atMs' | 'runId' | 'evidence'>> {
  readonly everyMs: number;
  /** True if the subject was bad in a good part of the last rows: it fires without `for`. Default: false. */
  readonly isOftenBad?: boolean;
}

/** The number of consecutive rows that end a level or a subject. */
const confirmingRows = 2;

/**
 * Moves one rule and subject by one sample. Returns an open or a resolved alert; `null` if there was and is none.
 *
 * An alert is pending until `for` is fulfilled, and fires until `clear` is confirmed. A flapping alert goes on firing
 * whatever the value does, and is `down` in between. A value that holds for three rows ends the flapping, and so do
 * twelve rows without a change.
 */
export function stepSubject(before: SubjectState, sample: Sample, row: StepRow): SubjectState {
  if (sample.level === 'unknown') return before;
  const { alert, changes } = before;
  if (alert === null) {
    if (!isHolding(sample.level)) return { alert, changes };
    return fireWhenDue(beginAlert(sample, sample.level, row), sample, row, changes);
  }
  if (alert.state === 'pending') return stepPending(alert, sample, row, changes);
  return stepFiring(alert, sample, row, changes);
}

/** Moves one rule and subject by a row that no longer lists the subject although its probe succeeded. */
export function stepMissing(before: SubjectState, row: StepRow, gone: ClosedReason): SubjectState {
  const { alert, changes } = before;
  if (alert === null) return before;
  const { progress } = alert;
  const counted = countRow(progress, { ...progress, missing: progress.missing + 1 }, row);
  const seen: Alert = { ...alert, progress: { ...progress, ...counted } };
  if (counted.missing < confirmingRows) return { alert: seen, changes };
  return { alert: closeAlert(seen, gone, row), changes: [] };
}

function stepPending(alert: Alert, sample: Sample, row: StepRow, changes: Changes): SubjectState {
  const { level, value, valueText } = sample;
  if (!isHolding(level)) return { alert: closeAlert(alert, 'unconfirmed', row), changes };
  const { progress } = alert;
  if (isGap(progress, sample, row)) {
    const again = beginAlert(sample, level, row);
    const { id, sequence } = alert;
    return fireWhenDue({ ...again, id, sequence }, sample, row, changes);
  }
  // The alert fires at the level that all rows of `for` reached.
  const severity = level === 'warning' ? 'warning' : alert.severity;
  const held: Alert = {
    ...alert,
    severity,
    value,
    valueText,
    limitText: limitOf(sample, severity),
    progress: {
      ...progress,
      ...countRow(progress, { ...progress, holding: progress.holding + 1, missing: 0 }, row),
      ...worstAfter(progress.worst, sample, row),
      ...networkAfter(progress, sample, row),
    },
  };
  return fireWhenDue(held, sample, row, changes);
}

function fireWhenDue(alert: Alert, sample: Sample, row: StepRow, changes: Changes): SubjectState {
  const { holding, holdingSinceMs } = alert.progress;
  if (row.isOftenBad !== true && !isDue(sample, row, holding, holdingSinceMs)) return { alert, changes };
  const critical = isBeyond(alert.severity, sample.level);
  const fired: Alert = {
    ...alert,
    state: 'firing',
    firingSinceMs: row.atMs,
    changedByRun: row.runId,
    sequence: alert.sequence + 1,
    progress: { ...alert.progress, holding: critical ? 1 : 0, holdingSinceMs: row.atMs },
  };
  return changed(fired, noteChange(changes, 'worse'), sample, row);
}

function stepFiring(alert: Alert, sample: Sample, row: StepRow, changes: Changes): SubjectState {
  const limitText = limitOf(sample, alert.severity);
  if (limitText !== alert.limitText) return stepNewLimit({ ...alert, limitText }, sample, row, changes);
  const seen = withSample(alert, sample, row);
  if (alert.flapping) return stepFlapping(alert, seen, sample, row, changes);
  const { progress } = seen;
  if (progress.clearing >= rowsToRecover(sample.rule)) {
    const noted = noteChange(changes, 'better');
    if (isFlapping(sample.rule, noted)) return { alert: flapped(seen, row), changes: noted };
    return { alert: closeAlert(seen, 'recovered', row), changes: noted };
  }
  const severity = severityAfter(seen, sample, row);
  if (severity !== null) {
    const noted = noteChange(changes, directionOf(severity));
    return changed(atSeverity(seen, severity, sample, row), noted, sample, row);
  }
  return { alert: seen, changes };
}

/** Moves an alert whose limit in config.xml has changed: rows that were clear of the old limit do not count. */
function stepNewLimit(alert: Alert, sample: Sample, row: StepRow, changes: Changes): SubjectState {
  const seen = withSample(alert, sample, row);
  if (!isHolding(sample.level)) return { alert: closeAlert(seen, 'recovered', row), changes };
  const eases = alert.severity === 'critical' && sample.level === 'warning';
  if (eases) return { alert: atSeverity(seen, 'warning', sample, row), changes };
  return stepFiring(alert, sample, row, changes);
}

/** Returns the other severity once enough rows have reached it; `null` if the severity stays. */
function severityAfter({ severity, progress }: Alert, sample: Sample, row: StepRow): Severity | null {
  if (progress.easing >= confirmingRows) return 'warning';
  const { holding, holdingSinceMs } = progress;
  return isBeyond(severity, sample.level) && isDue(sample, row, holding, holdingSinceMs) ? 'critical' : null;
}

/** Counts changes until the value has not changed for long enough; the alert then takes its true state. */
function stepFlapping(before: Alert, seen: Alert, sample: Sample, row: StepRow, changes: Changes): SubjectState {
  const enough = rowsToRecover(sample.rule);
  const wasDown = before.progress.clearing >= enough;
  const { progress } = seen;
  if (wasDown && isHolding(sample.level) && isDue(sample, row, progress.holding, progress.holdingSinceMs)) {
    const again = seen.severity === sample.level ? seen : atSeverity(seen, sample.level, sample, row);
    const up = { ...again.progress, clearing: 0, holding: 0, easing: 0 };
    return { alert: { ...again, progress: up }, changes: noteChange(changes, 'worse') };
  }
  const isDown = wasDown || progress.clearing >= enough;
  if (isDown !== wasDown) return { alert: seen, changes: noteChange(changes, 'better') };
  const severity = isDown ? null : severityAfter(seen, sample, row);
  if (severity !== null) {
    const noted = noteChange(changes, directionOf(severity));
    return { alert: atSeverity(seen, severity, sample, row), changes: noted };
  }
  const settles = !isDown && isHolding(sample.level) && staysBad(changes);
  if (sample.rule.flapping && changes.length > 0 && !settles) return { alert: seen, changes };
  if (isDown) return { alert: closeAlert(seen, 'recovered', row), changes };
  return { alert: { ...seen, flapping: false, changedByRun: row.runId, sequence: seen.sequence + 1 }, changes };
}

/** Returns the open alert with the newest value and counters. */
function withSample(alert: Alert, sample: Sample, row: StepRow): Alert {
  const { progress, severity } = alert;
  const enough = rowsToRecover(sample.rule);
  const isDown = alert.flapping && progress.clearing >= enough;
  const counts = isDown ? isHolding(sample.level) : isBeyond(severity, sample.level);
  const goesOn = counts && progress.holding > 0 && !isGap(progress, sample, row);
  const hasWarning = sample.rule.warning !== null || sample.level === 'warning';
  const eases = !isDown && severity === 'critical' && sample.level !== 'critical' && sample.eased && hasWarning;
  const wanted = {
    holding: counts ? (goesOn ? progress.holding + 1 : 1) : 0,
    clearing: isDown ? enough : sample.clear ? Math.min(progress.clearing + 1, enough) : 0,
    missing: 0,
    easing: eases ? progress.easing + 1 : 0,
  };
  return {
    ...alert,
    value: sample.value,
    valueText: sample.valueText,
    limitText: isHolding(sample.level) ? limitOf(sample, severity) : alert.limitText,
    progress: {
      ...countRow(progress, wanted, row),
      holdingSinceMs: goesOn ? progress.holdingSinceMs : row.atMs,
      ...returnsAfter(progress, { isBack: isDown || sample.clear || eases }),
      ...worstAfter(progress.worst, sample, row),
      ...networkAfter(progress, sample, row),
      ...(progress.severitySinceMs === undefined ? {} : { severitySinceMs: progress.severitySinceMs }),
    },
  };
}

/** Counts a row whose value came back after it had begun to clear or to ease. */
function returnsAfter(
  { clearing, easing, returns = 0 }: Progress,
  { isBack }: { readonly isBack: boolean },
): Pick<Progress, 'returns'> {
  const all = returns + Number(clearing + easing > 0 && !isBack);
  return all === 0 ? {} : { returns: all };
}

function atSeverity(alert: Alert, severity: Severity, sample: Sample, row: StepRow): Alert {
  return {
    ...alert,
    ...(severity === 'critical' && alert.acknowledgedSeverity === 'warning' ? notAcknowledged : {}),
    severity,
    limitText: limitOf(sample, severity),
    changedByRun: row.runId,
    sequence: alert.sequence + 1,
    progress: { ...alert.progress, holding: 0, easing: 0, severitySinceMs: row.atMs },
  };
}

/** An acknowledgement ends when the alert gets worse, and does not come back when it eases. */
export const notAcknowledged = {
  acknowledgedBy: null,
  acknowledgedUntilMs: null,
  acknowledgedSeverity: null,
  acknowledgedComment: null,
  acknowledgedAtMs: null,
} as const;

/** Returns the state after a noted change: an alert with too many changes begins to flap. */
function changed(alert: Alert, noted: Changes, { rule }: Sample, row: StepRow): SubjectState {
  const begins = !alert.flapping && isFlapping(rule, noted);
  return { alert: begins ? flapped(alert, row) : alert, changes: noted };
}

function directionOf(severity: Severity): 'worse' | 'better' {
  return severity === 'critical' ? 'worse' : 'better';
}

function flapped(alert: Alert, row: StepRow): Alert {
  return { ...alert, flapping: true, changedByRun: row.runId, sequence: alert.sequence + 1 };
}

/** True if `for` is fulfilled: by the number of rows, or by their span plus half of the time between two runs. */
function isDue({ rule }: Sample, row: StepRow, holding: number, sinceMs: number): boolean {
  if (rule.forCount !== null) return holding >= rule.forCount;
  return rule.forMs === null || row.atMs - sinceMs >= rule.forMs - row.everyMs / 2;
}

export function isHolding(level: Level): level is Severity {
  return level === 'warning' || level === 'critical';
}

function isBeyond(severity: Severity, level: Level): boolean {
  return severity === 'warning' && level === 'critical';
}
