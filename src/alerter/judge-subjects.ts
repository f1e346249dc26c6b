import type { Episode } from '../storage/episode.ts';
import { aged } from './flapping.ts';
import type { JudgeClientOptions } from './judge.ts';
import type { Observation, Reading } from './observation.ts';
import { readWell } from './reading.ts';
import { listsFaults, rivalry } from './rule-metric.ts';
import { isHolding, stepMissing, stepSubject } from './step-episode.ts';
import type { StepRow, SubjectState } from './step-episode.ts';

/** The present of one client: its open episodes and late changes, moved row by row. */
export interface Subjects {
  /** Rows must come in order of time. */
  readonly judge: (observation: Observation, newestReportMs: number | null) => void;
  /** An episode that is over, made elsewhere. */
  readonly add: (episode: Episode) => void;
  readonly openEpisode: (rule: string, subject: string) => Episode | null;
  /** New and changed episodes, in the order in which they ended, open ones last. */
  readonly changed: () => readonly Episode[];
  /** As ClientMemory keeps it. */
  readonly changes: () => Readonly<Record<string, readonly number[]>>;
}

interface Entry {
  readonly rule: string;
  readonly subject: string;
  state: SubjectState;
  /** As it came; null: it did not. */
  readonly stored: Episode | null;
  /** The row that last spoke of it. */
  seenIn: Observation | null;
}

export function subjectKey(rule: string, subject: string): string {
  return `${rule}\0${subject}`;
}

export interface SubjectsOptions extends JudgeClientOptions {
  /** A remembered time beyond it is wrong. */
  readonly latestMs: number;
}

export function openSubjects({ rules, memory, episodes, everyMs, latestMs }: SubjectsOptions): Subjects {
  const ruleByName = new Map(rules.map((rule) => [rule.name, rule]));
  /** By rule, then subject: most readings are of neither, and looking that up must cost nothing. */
  const entries = new Map<string, Map<string, Entry>>();
  const ended: Episode[] = [];

  const find = (rule: string, subject: string): Entry | undefined => entries.get(rule)?.get(subject);
  const enter = (rule: string, subject: string, state: SubjectState): Entry => {
    const ofRule = entries.get(rule) ?? new Map<string, Entry>();
    entries.set(rule, ofRule);
    const entry: Entry = { rule, subject, state, stored: state.episode, seenIn: null };
    ofRule.set(subject, entry);
    return entry;
  };
  const leave = ({ rule, subject }: Entry): void => {
    const ofRule = entries.get(rule);
    ofRule?.delete(subject);
    if (ofRule?.size === 0) entries.delete(rule);
  };

  for (const episode of episodes) {
    if (!ruleByName.has(episode.rule)) continue;
    enter(episode.rule, episode.subject, { episode: inTime(episode, latestMs), changes: [] });
  }
  for (const [key, changes] of Object.entries(memory?.changes ?? {})) {
    const cut = key.indexOf('\0');
    const [rule, subject] = [key.slice(0, cut), key.slice(cut + 1)];
    if (!ruleByName.has(rule)) continue;
    const entry = find(rule, subject);
    if (entry === undefined) enter(rule, subject, { episode: null, changes });
    else entry.state = { ...entry.state, changes };
  }

  const put = (entry: Entry, state: SubjectState): void => {
    const { episode } = state;
    if (episode?.state !== 'resolved') {
      entry.state = state;
      if (episode === null && state.changes.length === 0) leave(entry);
      return;
    }
    // What never fired and was never stored leaves no trace.
    if (episode.id !== null || episode.closedReason !== 'unconfirmed') ended.push(episode);
    leave(entry);
    if (state.changes.length > 0) enter(entry.rule, entry.subject, { episode: null, changes: state.changes });
  };

  const judgeReading = (reading: Reading, row: StepRow, kind: Observation['kind']): void => {
    const entry = find(reading.rule.name, reading.subject);
    if (entry === undefined) {
      if (!isHolding(reading.level)) return;
      const state = stepSubject({ episode: null, changes: [] }, reading, row);
      put(enter(reading.rule.name, reading.subject, { episode: null, changes: [] }), state);
      return;
    }
    const { episode, changes } = entry.state;
    if (reading.level === 'unknown' || (episode !== null && row.atMs < episode.progress.lastAtMs)) return;
    // That reports arrive ends it, but its rows are visits.
    const isArrival = kind === 'report' && reading.rule.name === 'unreachable';
    if (isArrival && episode === null) return;
    put(entry, stepSubject({ episode, changes: isArrival ? changes : aged(changes) }, reading, row));
  };

  const judgeUnlisted = (entry: Entry, observation: Observation, row: StepRow): void => {
    const rule = ruleByName.get(entry.rule);
    const { episode } = entry.state;
    if (rule === undefined || (episode !== null && row.atMs < episode.progress.lastAtMs)) return;
    if (listsFaults(rule)) {
      const well = readWell({ rule, subject: entry.subject, valueText: 'no longer listed' });
      judgeReading(well, row, observation.kind);
      return;
    }
    const isJudgedByAnother = observation.readings.some(
      (reading) => reading.subject === entry.subject && rivalry(reading.rule) === rivalry(rule),
    );
    put(entry, stepMissing(entry.state, row, isJudgedByAnother ? 'unwatched' : 'gone'));
  };

  return {
    judge: (observation, newestReportMs) => {
      const { client, atMs, runId, evidence, kind, readings, complete } = observation;
      const row: StepRow = { client, atMs, runId, evidence, everyMs };
      for (const reading of readings) {
        const { level, rule, subject } = reading;
        if (entries.size === 0 && !isHolding(level)) continue;
        // A report that came later has refuted it already.
        const isRefuted = kind === 'visit' && newestReportMs !== null && atMs < newestReportMs;
        if (isRefuted && rule.name === 'unreachable' && isHolding(level)) continue;
        judgeReading(reading, row, kind);
        const entry = find(rule.name, subject);
        if (entry !== undefined) entry.seenIn = observation;
      }
      if (entries.size === 0 || complete.length === 0) return;
      for (const ofRule of [...entries.values()]) {
        for (const entry of [...ofRule.values()]) {
          if (entry.seenIn !== observation && complete.includes(entry.rule)) judgeUnlisted(entry, observation, row);
        }
      }
    },
    add: (episode) => ended.push(episode),
    openEpisode: (rule, subject) => find(rule, subject)?.state.episode ?? null,
    changed: () => [
      ...ended,
      ...[...entries.values()].flatMap((ofRule) =>
        [...ofRule.values()].flatMap(({ state: { episode }, stored }) =>
          episode === null || episode === stored ? [] : [episode],
        ),
      ),
    ],
    changes: () =>
      Object.fromEntries(
        [...entries.values()].flatMap((ofRule) =>
          [...ofRule.values()].flatMap(({ rule, subject, state }) =>
            state.changes.length === 0 ? [] : [[subjectKey(rule, subject), state.changes] as const],
          ),
        ),
      ),
  };
}

/**
 * Rows of the present must not count as old against a time that has not come yet. What such a time has counted counts no
 * more, as after a gap: what is pending begins anew, what fires goes on.
 */
function inTime(episode: Episode, latestMs: number): Episode {
  const { progress } = episode;
  return progress.lastAtMs <= latestMs ? episode : { ...episode, progress: { ...progress, lastAtMs: 0 } };
}
