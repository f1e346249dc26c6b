import type { Client, Rule } from '../../config/config.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import { dayMs } from '../../platform/units.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { TimeReader } from '../../text/time-words.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { sampleForecasts, type ClientForecasts } from '../evaluate/forecast-samples.ts';
import { foreseenBy, isNearlyFull } from '../evaluate/rule-metric.ts';
import type { Sample } from '../evaluate/sample.ts';
import { compareSeverity } from '../transition/compare-severity.ts';
import { isHolding } from '../transition/step-alert.ts';
import { stepWithoutRow } from '../transition/subjects.ts';

export interface EvaluateForecastsOptions extends ClientForecasts {
  readonly client: Pick<Client, 'name' | 'rules'>;
  /** The client's open alerts. */
  readonly alerts: readonly Alert[];
  readonly reader: TimeReader;
  /** True once a day. Otherwise only urgent forecasts count, and only if they begin an alert or make one worse. */
  readonly isDaily: boolean;
}

/** A forecast is urgent if the growth of the last week leaves fewer days than this. */
const urgentDays = 2;

/** Clients share their lists of rules, and a list never changes. */
const foreseeing = rememberedWeakly((rules: readonly Rule[]) => rules.filter((rule) => foreseenBy(rule) !== null));

/**
 * Moves the alerts of a client by its forecasts, a day a row. Returns new (id `null`) and changed alerts. Begins no
 * alert beside one of at least its severity that says that the file system is nearly full.
 */
export function evaluateForecasts(options: EvaluateForecastsOptions): readonly Alert[] {
  const { client, alerts, forecasts, known, reader, isDaily } = options;
  const rules = foreseeing(client.rules);
  const own = alerts.filter(({ rule }) => findRule(rules, rule) !== null);
  if (rules.length === 0 || (forecasts.length === 0 && own.length === 0)) return [];
  const counts = (sample: Sample): boolean => {
    const { rule, subject, level } = sample;
    const open = own.find((alert) => alert.rule === rule.name && alert.subject === subject) ?? null;
    if (open === null && isHolding(level) && isCovered(client, alerts, sample)) return false;
    if (isDaily) return true;
    const isWorse = isHolding(level) && (open === null || compareSeverity(level, open.severity) < 0);
    return isWorse && isUrgent(options, sample);
  };
  return stepWithoutRow({
    client: client.name,
    rules,
    alerts: own,
    everyMs: dayMs,
    source: 'forecast',
    nowMs: reader.nowMs,
    samples: sampleForecasts(client.rules, options, reader).filter(counts),
    // A silent client does not mean that its mounts were removed.
    complete: isDaily && known.space.length + known.inodes.length > 0 ? rules.map(({ name }) => name) : [],
  });
}

function isUrgent({ forecasts }: ClientForecasts, { rule, subject }: Sample): boolean {
  const kind = foreseenBy(rule);
  const found = forecasts.find((one) => one.kind === kind && one.mount === subject);
  return (found?.shortDays ?? Infinity) < urgentDays;
}

/** True if a firing alert of at least this severity says that the file system is nearly full now. */
function isCovered(
  { rules }: Pick<Client, 'rules'>,
  alerts: readonly Alert[],
  { rule, subject, level }: Sample,
): boolean {
  return alerts.some((alert) => {
    const other = alert.subject === subject && alert.state === 'firing' ? findRule(rules, alert.rule) : null;
    const isNearly = other !== null && isNearlyFull(other, rule);
    return isNearly && isHolding(level) && compareSeverity(alert.severity, level) <= 0;
  });
}
