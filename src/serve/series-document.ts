import type { ClientHistory } from '../page/encode-series.ts';

const time = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** The figures of a client over a span. docs/json.md describes its fields. */
export function seriesDocument(client: string, history: ClientHistory): object {
  const { start, step, points, series, limits, alerts, boots } = history;
  return {
    client,
    since: time(start),
    until: time(start + step * points),
    step_s: step,
    points,
    series: series.map(({ group, name, values }) => ({
      group,
      name,
      values: values.map((value) => (value === null ? null : Math.round(value * 100) / 100)),
    })),
    limits: limits.map(({ group, severity, value }) => ({ group, severity, value })),
    alerts: alerts.map(({ rule, subject, severity, from, to }) => ({
      rule,
      subject,
      severity,
      since: time(from),
      until: to === null ? null : time(to),
    })),
    boots: boots.map(time),
  };
}
