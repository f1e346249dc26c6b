import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { subjectKey, type Subjects, type SubjectsOptions } from './subjects.ts';
import { maxOpen } from './max-open.ts';
import { clearSample, type SampledRow, type Sample } from '../evaluate/sample.ts';
import { listsFaults, noFaultText } from '../evaluate/rule-metric.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { isHolding, stepSubject } from './step-alert.ts';
import { longestGapMs } from './progress.ts';

/** Alerts that rows older than the present have begun, kept apart from the present. */
export class LateRows {
  readonly #rules: readonly Rule[];
  readonly #everyMs: number;
  readonly #subjects: Subjects;
  /** The alerts by key. */
  readonly #begun: Map<string, Alert>;

  constructor({ rules, memory, everyMs }: SubjectsOptions, subjects: Subjects) {
    this.#rules = rules;
    this.#everyMs = everyMs;
    this.#subjects = subjects;
    const begun = Object.entries(memory?.late ?? {});
    this.#begun = new Map(begun.filter(([, { rule }]) => findRule(rules, rule) !== null));
  }

  /** Processes a row that is older than the newest processed row. Does not move the present. */
  step(row: SampledRow): void {
    const listed = new Set<string>();
    for (const sample of row.samples) {
      this.#stepSample(sample, row);
      listed.add(subjectKey(sample.rule.name, sample.subject));
    }
    for (const [key, { rule: name, subject }] of [...this.#begun]) {
      const rule = findRule(this.#rules, name);
      if (rule === null || listed.has(key) || !row.complete.includes(name) || !listsFaults(rule)) continue;
      this.#stepSample(clearSample(rule, subject, noFaultText(rule)), row);
    }
  }

  /** Ends all alerts that late rows have begun: a row of the present has come. */
  flush(): void {
    for (const [key, alert] of [...this.#begun]) this.#finish(key, alert);
  }

  /** Returns the alerts that late rows have begun, see RuleState.late. */
  open(): Readonly<Record<string, Alert>> {
    return Object.fromEntries(this.#begun);
  }

  #stepSample(sample: Sample, row: SampledRow): void {
    const { rule, subject, level } = sample;
    if (level === 'unknown') return;
    const everyMs = this.#everyMs;
    const key = subjectKey(rule.name, subject);
    const before = this.#begun.get(key) ?? null;
    if (before === null && (!isHolding(level) || this.#isFull(rule.name))) return;
    const present = this.#subjects.openAlert(rule.name, subject);
    if (before === null && present !== null && row.atMs >= present.pendingSinceMs) return;
    const sinceMs = before === null ? 0 : row.atMs - before.progress.lastAtMs;
    const followsOn = sinceMs >= 0 && sinceMs <= Math.max(longestGapMs(everyMs), sample.pauseMs);
    if (before !== null && !followsOn) this.#finish(key, before);
    const state = { alert: followsOn ? before : null, changes: [] };
    const { alert } = stepSubject(state, sample, { about: 'client', ...row, everyMs });
    if (alert !== null && alert.state !== 'resolved') {
      this.#begun.set(key, alert);
      return;
    }
    this.#begun.delete(key);
    if (alert !== null && alert.closedReason !== 'unconfirmed') this.#subjects.add({ ...alert, past: true });
  }

  #isFull(name: string): boolean {
    return [...this.#begun.values()].filter(({ rule }) => rule === name).length >= maxOpen;
  }

  #finish(key: string, alert: Alert): void {
    this.#begun.delete(key);
    if (alert.state === 'pending') return;
    const resolvedAtMs = alert.progress.lastAtMs;
    const present = this.#subjects.openAlert(alert.rule, alert.subject);
    const isItsBeginning = present !== null && present.pendingSinceMs - resolvedAtMs <= longestGapMs(this.#everyMs);
    if (isItsBeginning) return;
    const end = { state: 'resolved', resolvedAtMs, closedReason: 'recovered', past: true } as const;
    this.#subjects.add({ ...alert, ...end, sequence: alert.sequence + 1 });
  }
}
