import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { subjectKey, type Subjects } from './subjects.ts';
import { mostOpen } from './most-open.ts';
import { type SampledRow, type Sample, clearSample } from '../evaluate/sample.ts';
import { listsFaults, noFaultText } from '../evaluate/rule-metric.ts';
import { findRule } from '../evaluate/find-rule.ts';
import { isHolding, longestGapMs, stepSubject, type StepRow } from './step-alert.ts';

export interface LateRowsOptions {
  readonly rules: readonly Rule[];
  /** See RuleState.late. */
  readonly late: Readonly<Record<string, Alert>>;
  readonly subjects: Subjects;
  readonly everyMs: number;
}

/** Alerts that rows older than the present have begun, kept apart from the present. */
export interface LateRows {
  readonly step: (sample: Sample, row: Omit<StepRow, 'everyMs'>) => void;
  /** Returns the alerts that have begun, by key. */
  readonly open: () => Readonly<Record<string, Alert>>;
  readonly ruleOf: (name: string) => Rule | null;
  /** Ends all alerts that late rows have begun: a row of the present has come. */
  readonly flush: () => void;
}

export function openLateRows({ rules, late, subjects, everyMs }: LateRowsOptions): LateRows {
  const begun = new Map(Object.entries(late).filter(([, { rule }]) => findRule(rules, rule) !== null));

  const isFull = (name: string): boolean => [...begun.values()].filter((one) => one.rule === name).length >= mostOpen;
  const finish = (key: string, alert: Alert): void => {
    begun.delete(key);
    if (alert.state === 'pending') return;
    const { lastAtMs } = alert.progress;
    const present = subjects.openAlert(alert.rule, alert.subject);
    const isItsBeginning = present !== null && present.pendingSinceMs - lastAtMs <= longestGapMs(everyMs);
    if (isItsBeginning) return;
    subjects.add({
      ...alert,
      state: 'resolved',
      resolvedAtMs: lastAtMs,
      closedReason: 'recovered',
      sequence: alert.sequence + 1,
      past: true,
    });
  };

  return {
    step: (sample, row) => {
      const { rule, subject, level } = sample;
      if (level === 'unknown') return;
      const key = subjectKey(rule.name, subject);
      const before = begun.get(key) ?? null;
      if (before === null && (!isHolding(level) || isFull(rule.name))) return;
      const present = subjects.openAlert(rule.name, subject);
      if (before === null && present !== null && row.atMs >= present.pendingSinceMs) return;
      const sinceMs = before === null ? 0 : row.atMs - before.progress.lastAtMs;
      const followsOn = sinceMs >= 0 && sinceMs <= Math.max(longestGapMs(everyMs), sample.pauseMs);
      if (before !== null && !followsOn) finish(key, before);
      const { alert } = stepSubject({ alert: followsOn ? before : null, changes: [] }, sample, {
        ...row,
        everyMs,
      });
      if (alert === null) begun.delete(key);
      else if (alert.state !== 'resolved') begun.set(key, alert);
      else {
        begun.delete(key);
        if (alert.closedReason !== 'unconfirmed') subjects.add({ ...alert, past: true });
      }
    },
    open: () => Object.fromEntries(begun),
    ruleOf: (name) => findRule(rules, name),
    flush: () => {
      for (const [key, alert] of [...begun]) finish(key, alert);
    },
  };
}

/** Takes a row that is older than the newest processed row. It does not move the present. */
export function stepLateRow(late: LateRows, sampledRow: SampledRow): void {
  const listed = new Set<string>();
  for (const sample of sampledRow.samples) {
    late.step(sample, sampledRow);
    listed.add(subjectKey(sample.rule.name, sample.subject));
  }
  for (const [key, { rule: name, subject }] of Object.entries(late.open())) {
    const rule = late.ruleOf(name);
    if (rule === null || listed.has(key) || !sampledRow.complete.includes(name) || !listsFaults(rule)) continue;
    late.step(clearSample(rule, subject, noFaultText(rule)), sampledRow);
  }
}
