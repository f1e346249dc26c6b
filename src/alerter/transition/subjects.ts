import type { Rule } from '../../config/config.ts';
import type { Alert, RuleState } from '../../storage/store/alert.ts';
import { aged, badRowsAfter, isOftenBad, type Changes } from './flapping.ts';
import { moreSubject, maxOpen, moreSample, severestFirst } from './max-open.ts';
import { clearSample, type SampledRow, type Sample } from '../evaluate/sample.ts';
import { listsFaults, noFaultText, rivalry } from '../evaluate/rule-metric.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { isHolding, stepMissing, stepSubject, type StepRow, type SubjectState } from './step-alert.ts';

export interface SubjectsOptions {
  /** The rules in force for the client. */
  readonly rules: readonly Rule[];
  /** `null` if no row of the client was ever processed. */
  readonly memory: RuleState | null;
  /** The client's open alerts. Alerts of rules that left config.xml are not changed. */
  readonly alerts: readonly Alert[];
  readonly everyMs: number;
  /** Remembered times later than this are forgotten. */
  readonly latestMs: number;
}

interface Entry {
  readonly rule: string;
  readonly subject: string;
  state: SubjectState;
  /** The ages of the bad rows since the subject fired last, see flapping.ts. */
  bad: Changes;
  /** The alert as it was stored; `null` if it was not stored. */
  readonly stored: Alert | null;
  /** The last row with a sample of the subject. */
  seenIn: SampledRow | null;
}

export function subjectKey(rule: string, subject: string): string {
  return `${rule}\0${subject}`;
}

/**
 * The present of one client: its open alerts and last changes, moved row by row.
 *
 * A class, because every round of a pass opens thousands. Closures were half of all that outlived V8's young
 * generation, and took 40 MB.
 */
export class Subjects {
  readonly #rules: readonly Rule[];
  readonly #everyMs: number;
  /** By rule, then subject: most samples have no entry, and finding that out must be cheap. */
  readonly #entries = new Map<string, Map<string, Entry>>();
  readonly #ended: Alert[] = [];

  constructor({ rules, memory, alerts, everyMs, latestMs }: SubjectsOptions) {
    this.#rules = rules;
    this.#everyMs = everyMs;
    for (const alert of alerts) {
      if (findRule(rules, alert.rule) === null) continue;
      this.#enter(alert.rule, alert.subject, { alert: inTime(alert, latestMs), changes: [] });
    }
    for (const [entry, changes] of this.#remembered(memory?.changes)) entry.state = { ...entry.state, changes };
    for (const [entry, bad] of this.#remembered(memory?.bad)) entry.bad = bad;
  }

  /** Yields the entries of remembered rows by their keys. Omits those of rules that left config.xml. */
  *#remembered(rows: RuleState['changes'] = {}): Generator<[Entry, Changes]> {
    for (const [key, changes] of Object.entries(rows)) {
      const cut = key.indexOf('\0');
      const [rule, subject] = [key.slice(0, cut), key.slice(cut + 1)];
      if (findRule(this.#rules, rule) === null) continue;
      yield [this.#find(rule, subject) ?? this.#enter(rule, subject, { alert: null, changes: [] }), changes];
    }
  }

  /** Moves the alerts by a row. Rows must come in the order of their times. */
  step(sampledRow: SampledRow, newestReportMs: number | null): void {
    const { about = 'client', client, atMs, runId, evidence, kind, samples, complete } = sampledRow;
    const row: StepRow = { about, client, atMs, runId, evidence, everyMs: this.#everyMs };
    const step = (sample: Sample): void => {
      this.#stepSample(sample, row, kind);
      const entry = this.#find(sample.rule.name, sample.subject);
      if (entry !== undefined) entry.seenIn = sampledRow;
    };
    const fresh: Sample[] = [];
    for (const sample of samples) {
      const { level, rule, subject } = sample;
      if (this.#entries.size === 0 && !isHolding(level)) continue;
      // A later report has shown that the client was reached.
      const isRefuted = kind === 'visit' && newestReportMs !== null && atMs < newestReportMs;
      if (isRefuted && rule.name === 'unreachable' && isHolding(level)) continue;
      if (isHolding(level) && this.openAlert(rule.name, subject) === null) fresh.push(sample);
      else step(sample);
    }
    const beyond = severestFirst(fresh).filter((sample) => {
      const isBeyond = this.#isFull(sample.rule.name);
      if (!isBeyond) step(sample);
      return isBeyond;
    });
    if (this.#entries.size === 0) return;
    for (const sample of this.#moreSample(sampledRow, beyond)) step(sample);
    if (complete.length === 0) return;
    for (const entry of this.#all()) {
      if (entry.seenIn !== sampledRow && complete.includes(entry.rule)) this.#stepUnlisted(entry, sampledRow, row);
    }
  }

  openAlert(rule: string, subject: string): Alert | null {
    return this.#find(rule, subject)?.state.alert ?? null;
  }

  /** Returns the new and changed alerts, in the order in which they ended, open ones last. */
  changed(): readonly Alert[] {
    const open = this.#all().flatMap(({ state: { alert }, stored }) =>
      alert === null || alert === stored ? [] : [alert],
    );
    return [...this.#ended, ...open];
  }

  /** Returns the last changes by rule and subject, see RuleState.changes. */
  changes(): Readonly<Record<string, readonly number[]>> {
    return Object.fromEntries(
      this.#all().flatMap(({ rule, subject, state }) =>
        state.changes.length === 0 ? [] : [[subjectKey(rule, subject), state.changes] as const],
      ),
    );
  }

  /** Returns the ages of bad rows by rule and subject, see RuleState.bad. */
  bad(): Readonly<Record<string, readonly number[]>> {
    const known = this.#all().filter(({ bad }) => bad.length > 0);
    return Object.fromEntries(known.map(({ rule, subject, bad }) => [subjectKey(rule, subject), bad] as const));
  }

  #all(): readonly Entry[] {
    return [...this.#entries.values()].flatMap((ofRule) => [...ofRule.values()]);
  }

  #find(rule: string, subject: string): Entry | undefined {
    return this.#entries.get(rule)?.get(subject);
  }

  #enter(rule: string, subject: string, state: SubjectState): Entry {
    const ofRule = this.#entries.get(rule) ?? new Map<string, Entry>();
    this.#entries.set(rule, ofRule);
    const entry: Entry = { rule, subject, state, bad: [], stored: state.alert, seenIn: null };
    ofRule.set(subject, entry);
    return entry;
  }

  #leave({ rule, subject }: Entry): void {
    const ofRule = this.#entries.get(rule);
    ofRule?.delete(subject);
    if (ofRule?.size === 0) this.#entries.delete(rule);
  }

  #put(entry: Entry, state: SubjectState, bad: Changes): void {
    const { alert } = state;
    if (alert?.state !== 'resolved') {
      entry.state = state;
      entry.bad = alert?.state === 'firing' ? [] : bad;
      if (alert === null && state.changes.length + bad.length === 0) this.#leave(entry);
      return;
    }
    // An alert that never fired and was never stored leaves no trace.
    if (alert.id !== null || alert.closedReason !== 'unconfirmed') this.add(alert);
    this.#leave(entry);
    const remembered = this.#entries.get(entry.rule)?.size ?? 0;
    if (state.changes.length + bad.length > 0 && remembered < 2 * maxOpen)
      this.#enter(entry.rule, entry.subject, { alert: null, changes: state.changes }).bad = bad;
  }

  /** Keeps an alert that ended, here or elsewhere. The number of new alerts of a client and rule is bounded. */
  add(alert: Alert): void {
    const isNew = ({ id, rule }: Alert): boolean => id === null && rule === alert.rule;
    if (isNew(alert) && this.#ended.filter(isNew).length >= maxOpen) return;
    this.#ended.push(alert);
  }

  #isFull(rule: string): boolean {
    let open = 0;
    for (const { subject, state } of this.#entries.get(rule)?.values() ?? [])
      if (state.alert !== null && subject !== moreSubject) open += 1;
    return open >= maxOpen;
  }

  /** Samples the alerts that count the subjects without an alert of their own. */
  #moreSample({ samples, complete }: SampledRow, beyond: readonly Sample[]): readonly Sample[] {
    const counting = [...this.#entries.values()].flatMap((ofRule) => ofRule.get(moreSubject)?.rule ?? []);
    const names = new Set([...beyond.map(({ rule }) => rule.name), ...counting]);
    return [...names].flatMap((name) => {
      const rule = findRule(this.#rules, name);
      const ofRule = beyond.filter((sample) => sample.rule.name === name);
      const says =
        ofRule.length > 0 ||
        complete.includes(name) ||
        samples.some((sample) => sample.rule.name === name && sample.level !== 'unknown');
      return rule === null || !says ? [] : [moreSample(rule, ofRule)];
    });
  }

  #stepSample(sample: Sample, row: StepRow, kind: SampledRow['kind']): void {
    const entry = this.#find(sample.rule.name, sample.subject);
    if (entry === undefined) {
      if (!isHolding(sample.level)) return;
      const state = stepSubject({ alert: null, changes: [] }, sample, row);
      const fresh = this.#enter(sample.rule.name, sample.subject, { alert: null, changes: [] });
      this.#put(fresh, state, badRowsAfter([], sample.rule, true, row.everyMs));
      return;
    }
    const { alert, changes } = entry.state;
    if (sample.level === 'unknown' || (alert !== null && row.atMs < alert.progress.lastAtMs)) return;
    // Reports end `unreachable`, but only visits age its changes.
    const isArrival = kind === 'report' && sample.rule.name === 'unreachable';
    if (isArrival && alert === null) return;
    const bad = isArrival ? entry.bad : badRowsAfter(entry.bad, sample.rule, isHolding(sample.level), row.everyMs);
    const before = { alert, changes: isArrival ? changes : aged(changes) };
    this.#put(entry, stepSubject(before, sample, { ...row, isOftenBad: isOftenBad(bad) }), bad);
  }

  #stepUnlisted(entry: Entry, sampledRow: SampledRow, row: StepRow): void {
    const rule = findRule(this.#rules, entry.rule);
    const { alert, changes } = entry.state;
    if (rule === null || (alert !== null && row.atMs < alert.progress.lastAtMs)) return;
    const hasOtherRule = sampledRow.samples.some(
      (sample) => sample.subject === entry.subject && rivalry(sample.rule) === rivalry(rule),
    );
    if (alert === null) this.#put(entry, { alert, changes: aged(changes) }, aged(entry.bad));
    else if (hasOtherRule) this.#put(entry, stepMissing(entry.state, row, 'unwatched'), []);
    else if (listsFaults(rule)) {
      const well = clearSample(rule, entry.subject, noFaultText(rule));
      this.#stepSample(well, row, sampledRow.kind);
    } else this.#put(entry, stepMissing(entry.state, row, 'gone'), []);
  }
}

interface SamplesWithoutRow
  extends
    Pick<SubjectsOptions, 'rules' | 'alerts' | 'everyMs'>,
    Pick<SampledRow, 'about' | 'client' | 'samples' | 'complete'> {
  /** The source of the samples, for the evidence of alerts. */
  readonly source: 'events' | 'forecast' | 'outliers';
  readonly nowMs: number;
}

/** Moves the alerts of a client by samples that follow from no row. Returns new (id `null`) and changed alerts. */
export function stepWithoutRow({
  rules,
  alerts,
  everyMs,
  source,
  nowMs,
  ...samples
}: SamplesWithoutRow): readonly Alert[] {
  const subjects = new Subjects({ rules, memory: null, alerts, everyMs, latestMs: nowMs });
  const evidence = `${source} ${new Date(nowMs).toISOString()}`;
  subjects.step({ ...emptyRow, ...samples, atMs: nowMs, evidence }, null);
  return subjects.changed().map((alert) => ({ ...alert, changedByRun: null }));
}

const emptyRow = {
  kind: 'report',
  runId: '',
  ifWritable: [],
  visitEnd: null,
  disks: null,
  bootId: null,
  uptimeSeconds: null,
  oomKills: null,
  oomKilled: [],
} as const satisfies Partial<SampledRow>;

/**
 * Returns the alert without a last time in the future, against which rows of the present would count as old. The
 * alert's counts begin anew, as after a gap: a pending alert begins again, a firing alert goes on.
 */
function inTime(alert: Alert, latestMs: number): Alert {
  const { progress } = alert;
  return progress.lastAtMs <= latestMs ? alert : { ...alert, progress: { ...progress, lastAtMs: 0 } };
}
