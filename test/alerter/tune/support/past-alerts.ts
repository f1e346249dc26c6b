import assert from 'node:assert/strict';

import { keyed } from '../../../about/support/keyed.ts';
import { describeLimit } from '../../../../src/alerter/evaluate/describe-value.ts';
import { rowsToRecover } from '../../../../src/alerter/evaluate/rule-metric.ts';
import type { Client, Rule } from '../../../../src/config/config.ts';
import type { PastAlert } from '../../../../src/storage/store/alert-history.ts';

export const everyMs = 300_000;
export const beginMs = Date.UTC(2026, 8, 1);

/** Returns the first rule of a client that is written. */
export function ruleOf({ rules }: Client): Rule {
  return rules.find(({ line }) => line !== null) ?? assert.fail('no rule');
}

/** Returns a past alert that fired with its first bad row and recovered after `bad` of them. */
export function pastAlert(rule: Rule, fromMs: number, bad: number, over: Partial<PastAlert> = {}): PastAlert {
  return keyed({
    ...{ id: 1, client: 'web-1', rule: rule.name, subject: '', severity: rule.severity },
    ...{ limitText: describeLimit(rule, rule.severity), pendingSinceMs: fromMs, firingSinceMs: fromMs },
    ...{ resolvedAtMs: fromMs + (bad + rowsToRecover(rule) - 1) * everyMs, closedReason: 'recovered' },
    ...{ acknowledgedBy: null, ...over },
  });
}

/** Returns past alerts by the good rows before them and their bad rows. */
export function pastAlerts(
  rule: Rule,
  series: readonly (readonly [good: number, bad: number])[],
): readonly PastAlert[] {
  let row = 0;
  return series.map(([good, bad], index) => {
    const alert = pastAlert(rule, beginMs + (row + good) * everyMs, bad, { id: index + 1 });
    row += good + bad;
    return alert;
  });
}
