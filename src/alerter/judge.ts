import type { Rule } from '../config/config.ts';
import type { ClientMemory, Episode } from '../storage/episode.ts';
import { judgeLateRow, openLateRows } from './judge-late-rows.ts';
import { openSubjects } from './judge-subjects.ts';
import type { Observation } from './observation.ts';
import { rebooted } from './rebooted.ts';

export interface JudgeClientOptions {
  /** Those in force for the client. */
  readonly rules: readonly Rule[];
  /** null: nothing of the client was ever judged. */
  readonly memory: ClientMemory | null;
  /** The client's open ones, those of rules that left config.xml included: they are left alone. */
  readonly episodes: readonly Episode[];
  /** All of this client, in any order. */
  readonly observations: readonly Observation[];
  readonly everyMs: number;
  /** What is remembered of later times comes from a clock that was wrong; left out: nothing does. */
  readonly nowMs?: number;
}

export interface ClientJudgement {
  readonly memory: ClientMemory;
  /** New (id null) and changed ones; closed ones before open ones. */
  readonly episodes: readonly Episode[];
}

/**
 * Judges rows of one client in the order of their times: the states of the specification's section 4. Whether rows in
 * order come one by one or many at once makes no difference, for nothing but memory and episodes is kept between them.
 *
 * A row older than the newest judged one of its kind never moves the present. What such rows would have begun is kept
 * apart, and is told as past (`Episode.past`) when they end it, or when the client's next row of the present comes; if an
 * open alert covers it or follows it without a gap, it is that alert's own beginning and nothing is told.
 */
export function judgeClient(options: JudgeClientOptions): ClientJudgement {
  const { rules, everyMs, nowMs = Infinity } = options;
  const before = options.memory;
  const subjects = openSubjects(options);
  const late = openLateRows({ rules, late: before?.late ?? {}, subjects, everyMs });
  let newestReportMs = notLaterThan(before?.newestReportMs ?? null, nowMs);
  let newestVisitMs = notLaterThan(before?.newestVisitMs ?? null, nowMs);
  let bootId = before?.bootId ?? null;
  for (const observation of inOrder(options.observations)) {
    const { kind, atMs } = observation;
    const newestMs = kind === 'report' ? newestReportMs : newestVisitMs;
    if (newestMs !== null && atMs < newestMs) {
      judgeLateRow(late, observation);
      continue;
    }
    late.flush();
    const event = kind === 'report' ? rebooted(rules, bootId, observation) : null;
    if (event !== null) subjects.add(event);
    subjects.judge(observation, newestReportMs);
    if (kind === 'visit') newestVisitMs = atMs;
    else {
      newestReportMs = atMs;
      bootId = observation.bootId ?? bootId;
    }
  }
  const stillLate = late.open();
  return {
    memory: {
      newestReportMs,
      newestVisitMs,
      bootId,
      rows: (before?.rows ?? 0) + options.observations.length,
      changes: subjects.changes(),
      ...(Object.keys(stillLate).length === 0 ? {} : { late: stillLate }),
    },
    episodes: subjects.changed(),
  };
}

function notLaterThan(atMs: number | null, nowMs: number): number | null {
  return atMs === null ? null : Math.min(atMs, nowMs);
}

/** By time; a visit before the report it brought. Most often they are in order already. */
function inOrder(observations: readonly Observation[]): readonly Observation[] {
  const compare = (one: Observation, other: Observation): number =>
    one.atMs - other.atMs || Number(one.kind === 'report') - Number(other.kind === 'report');
  for (let at = 1; at < observations.length; at++) {
    const [one, other] = [observations[at - 1], observations[at]];
    if (one !== undefined && other !== undefined && compare(one, other) > 0) return [...observations].sort(compare);
  }
  return observations;
}
