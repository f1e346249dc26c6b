import type { Severity } from '../../config/config.ts';
import type { ClosedReason, Episode, Level, Progress } from '../../storage/store/episode.ts';
import { countRow } from './count-rows.ts';
import { beginEpisode, closeEpisode, limitOf, networkAfter } from './episode-bounds.ts';
import { isFlapping, noteChange, staysBad } from './flapping.ts';
import type { Changes } from './flapping.ts';
import type { Observation, Reading } from '../evaluate/observation.ts';
import { rowsToRecover } from '../evaluate/rule-metric.ts';
import { worstAfter } from './worst-row.ts';

/** What is known of one rule and subject: its open episode, and its last changes (see flapping.ts). */
export interface SubjectState {
  readonly episode: Episode | null;
  readonly changes: Changes;
}

/** The row that a reading stands in. */
export interface StepRow extends Pick<Observation, 'client' | 'atMs' | 'runId' | 'evidence'> {
  readonly everyMs: number;
}

/** Rows that end a level, a subject, and most of what fires. */
const confirmingRows = 2;

/**
 * One row's word on one rule and subject. What comes back is open, or has `state` resolved; `null` when there was and is
 * nothing. The states are those of the specification: pending until `for` is fulfilled, firing until `clear` is
 * confirmed; while it flaps it goes on firing, whatever the value does, and is `down` in between. A value that stays bad for
 * three rows ends the flapping, and so do twelve rows without a change.
 */
export function stepSubject(before: SubjectState, reading: Reading, row: StepRow): SubjectState {
  if (reading.level === 'unknown') return before;
  const { episode, changes } = before;
  if (episode === null) {
    if (!isHolding(reading.level)) return { episode, changes };
    return fireWhenDue(beginEpisode(reading, reading.level, row), reading, row, changes);
  }
  if (episode.state === 'pending') return stepPending(episode, reading, row, changes);
  return stepFiring(episode, reading, row, changes);
}

/** One row whose successful probe did not list the subject. */
export function stepMissing(before: SubjectState, row: StepRow, gone: ClosedReason): SubjectState {
  const { episode, changes } = before;
  if (episode === null) return before;
  const { progress } = episode;
  const counted = countRow(progress, { ...progress, missing: progress.missing + 1 }, row);
  const seen: Episode = { ...episode, progress: { ...progress, ...counted } };
  if (counted.missing < confirmingRows) return { episode: seen, changes };
  return { episode: closeEpisode(seen, gone, row), changes: [] };
}

function stepPending(episode: Episode, reading: Reading, row: StepRow, changes: Changes): SubjectState {
  const { level, value, valueText } = reading;
  if (!isHolding(level)) return { episode: closeEpisode(episode, 'unconfirmed', row), changes };
  const { progress } = episode;
  if (isGap(progress, reading, row)) {
    const again = beginEpisode(reading, level, row);
    const { id, sequence } = episode;
    return fireWhenDue({ ...again, id, sequence }, reading, row, changes);
  }
  // It fires at what all rows of `for` reached.
  const severity = level === 'warning' ? 'warning' : episode.severity;
  const held: Episode = {
    ...episode,
    severity,
    value,
    valueText,
    limitText: limitOf(reading, severity),
    progress: {
      ...progress,
      ...countRow(progress, { ...progress, holding: progress.holding + 1, missing: 0 }, row),
      ...worstAfter(progress.worst, reading, row),
      ...networkAfter(progress, reading),
    },
  };
  return fireWhenDue(held, reading, row, changes);
}

function fireWhenDue(episode: Episode, reading: Reading, row: StepRow, changes: Changes): SubjectState {
  const { holding, holdingSinceMs } = episode.progress;
  if (!isDue(reading, row, holding, holdingSinceMs)) return { episode, changes };
  const critical = isBeyond(episode.severity, reading.level);
  const fired: Episode = {
    ...episode,
    state: 'firing',
    firingSinceMs: row.atMs,
    changedByRun: row.runId,
    sequence: episode.sequence + 1,
    progress: { ...episode.progress, holding: critical ? 1 : 0, holdingSinceMs: row.atMs },
  };
  return changed(fired, noteChange(changes, 'worse'), reading, row);
}

function stepFiring(episode: Episode, reading: Reading, row: StepRow, changes: Changes): SubjectState {
  const limitText = limitOf(reading, episode.severity);
  if (limitText !== episode.limitText) return stepNewLimit({ ...episode, limitText }, reading, row, changes);
  const seen = withReading(episode, reading, row);
  if (episode.flapping) return stepFlapping(episode, seen, reading, row, changes);
  const { progress } = seen;
  if (progress.clearing >= rowsToRecover(reading.rule)) {
    const noted = noteChange(changes, 'better');
    if (isFlapping(reading.rule, noted)) return { episode: flapped(seen, row), changes: noted };
    return { episode: closeEpisode(seen, 'recovered', row), changes: noted };
  }
  const severity = severityAfter(seen, reading, row);
  if (severity !== null) {
    const noted = noteChange(changes, directionOf(severity));
    return changed(atSeverity(seen, severity, reading, row), noted, reading, row);
  }
  return { episode: seen, changes };
}

/** Judges an alert whose limit in config.xml has changed: the way back from the old limit does not count. */
function stepNewLimit(episode: Episode, reading: Reading, row: StepRow, changes: Changes): SubjectState {
  const seen = withReading(episode, reading, row);
  if (!isHolding(reading.level)) return { episode: closeEpisode(seen, 'recovered', row), changes };
  const eases = episode.severity === 'critical' && reading.level === 'warning';
  if (eases) return { episode: atSeverity(seen, 'warning', reading, row), changes };
  return stepFiring(episode, reading, row, changes);
}

/** The other severity, once enough rows have said so; null: it stays. */
function severityAfter({ severity, progress }: Episode, reading: Reading, row: StepRow): Severity | null {
  if (progress.easing >= confirmingRows) return 'warning';
  const { holding, holdingSinceMs } = progress;
  return isBeyond(severity, reading.level) && isDue(reading, row, holding, holdingSinceMs) ? 'critical' : null;
}

/** Goes on counting what the value does, until it has done nothing for long enough; then the true state is told. */
function stepFlapping(before: Episode, seen: Episode, reading: Reading, row: StepRow, changes: Changes): SubjectState {
  const enough = rowsToRecover(reading.rule);
  const wasDown = before.progress.clearing >= enough;
  const { progress } = seen;
  if (wasDown && isHolding(reading.level) && isDue(reading, row, progress.holding, progress.holdingSinceMs)) {
    const up = { ...progress, clearing: 0, holding: 0, easing: 0 };
    const { severity } = seen;
    const again = severity === reading.level ? seen : atSeverity(seen, reading.level, reading, row);
    return { episode: { ...again, progress: up }, changes: noteChange(changes, 'worse') };
  }
  const isDown = wasDown || progress.clearing >= enough;
  if (isDown !== wasDown) return { episode: seen, changes: noteChange(changes, 'better') };
  const severity = isDown ? null : severityAfter(seen, reading, row);
  if (severity !== null) {
    const noted = noteChange(changes, directionOf(severity));
    return { episode: atSeverity(seen, severity, reading, row), changes: noted };
  }
  const settles = !isDown && isHolding(reading.level) && staysBad(changes);
  if (reading.rule.flapping && changes.length > 0 && !settles) return { episode: seen, changes };
  if (isDown) return { episode: closeEpisode(seen, 'recovered', row), changes };
  return { episode: { ...seen, flapping: false, changedByRun: row.runId, sequence: seen.sequence + 1 }, changes };
}

/** The open episode after a row that said something: newest value, and how long it has been on its way. */
function withReading(episode: Episode, reading: Reading, row: StepRow): Episode {
  const { progress, severity } = episode;
  const enough = rowsToRecover(reading.rule);
  const isDown = episode.flapping && progress.clearing >= enough;
  const counts = isDown ? isHolding(reading.level) : isBeyond(severity, reading.level);
  const goesOn = counts && progress.holding > 0 && !isGap(progress, reading, row);
  const hasWarning = reading.rule.warning !== null || reading.level === 'warning';
  const eases = !isDown && severity === 'critical' && reading.level !== 'critical' && reading.eased && hasWarning;
  const wanted = {
    holding: counts ? (goesOn ? progress.holding + 1 : 1) : 0,
    clearing: isDown ? enough : reading.clear ? Math.min(progress.clearing + 1, enough) : 0,
    missing: 0,
    easing: eases ? progress.easing + 1 : 0,
  };
  return {
    ...episode,
    value: reading.value,
    valueText: reading.valueText,
    limitText: isHolding(reading.level) ? limitOf(reading, severity) : episode.limitText,
    progress: {
      ...countRow(progress, wanted, row),
      holdingSinceMs: goesOn ? progress.holdingSinceMs : row.atMs,
      ...returnsAfter(progress, { isBack: isDown || reading.clear || eases }),
      ...worstAfter(progress.worst, reading, row),
      ...networkAfter(progress, reading),
    },
  };
}

/** Counts a row that came back from the way back of an alert that fires. */
function returnsAfter(
  { clearing, easing, returns = 0 }: Progress,
  { isBack }: { readonly isBack: boolean },
): Pick<Progress, 'returns'> {
  const all = returns + Number(clearing + easing > 0 && !isBack);
  return all === 0 ? {} : { returns: all };
}

function atSeverity(episode: Episode, severity: Severity, reading: Reading, row: StepRow): Episode {
  return {
    ...episode,
    ...(severity === 'critical' && episode.acknowledgedSeverity === 'warning' ? notAcknowledged : {}),
    severity,
    limitText: limitOf(reading, severity),
    changedByRun: row.runId,
    sequence: episode.sequence + 1,
    progress: { ...episode.progress, holding: 0, easing: 0 },
  };
}

/** It ended when it got worse, and stays ended when it eases. */
const notAcknowledged = {
  acknowledgedBy: null,
  acknowledgedUntilMs: null,
  acknowledgedSeverity: null,
  acknowledgedComment: null,
} as const;

/** After a change that was noted: with too many of them it flaps from here on. */
function changed(episode: Episode, noted: Changes, { rule }: Reading, row: StepRow): SubjectState {
  const begins = !episode.flapping && isFlapping(rule, noted);
  return { episode: begins ? flapped(episode, row) : episode, changes: noted };
}

function directionOf(severity: Severity): 'worse' | 'better' {
  return severity === 'critical' ? 'worse' : 'better';
}

function flapped(episode: Episode, row: StepRow): Episode {
  return { ...episode, flapping: true, changedByRun: row.runId, sequence: episode.sequence + 1 };
}

/** Whether `for` is fulfilled: so many rows, or rows that span it less half of the time between two runs. */
function isDue({ rule }: Reading, row: StepRow, holding: number, sinceMs: number): boolean {
  if (rule.forCount !== null) return holding >= rule.forCount;
  return rule.forMs === null || row.atMs - sinceMs >= rule.forMs - row.everyMs / 2;
}

function isGap({ lastAtMs }: Progress, { pauseMs }: Reading, { atMs, everyMs }: StepRow): boolean {
  return atMs - lastAtMs > Math.max(longestGapMs(everyMs), pauseMs);
}

/** Rows further apart than this do not follow each other. */
export function longestGapMs(everyMs: number): number {
  return 2.5 * everyMs;
}

export function isHolding(level: Level): level is Severity {
  return level === 'warning' || level === 'critical';
}

function isBeyond(severity: Severity, level: Level): boolean {
  return severity === 'warning' && level === 'critical';
}
