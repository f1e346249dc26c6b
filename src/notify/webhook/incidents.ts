/** Forms of the body for programs that keep a state per alert. */
import { kindOf } from '../../about/kinds.ts';
import { groupBy } from '../../platform/group-by.ts';
import { joined } from '../../text/numbers.ts';
import { annotationsOf, labelsOf } from './alertmanager.ts';
import { cutTo } from './fit-text.ts';
import { besideOf } from './message-text.ts';
import type { Notice, NoticeAlert } from './notice.ts';

/** The limit of PagerDuty: a summary has 1,024 characters. */
const maxSummary = 1_000;
/** The most requests for one notification. */
const maxEvents = 500;
const maxDescription = 1_000;

/** The most clients of an incident that are named. */
const maxClients = 1_000;

/**
 * Returns the events of PagerDuty's Events API v2, each the body of a request. An incident has one event, with the same
 * `dedup_key` from beginning to end, and a second one if it is acknowledged. A reminder of an acknowledged incident has
 * only the second one. `routing_key` is empty: the key is a secret, and is inserted when the event is sent.
 */
export function pagerdutyEvents({ alerts }: Notice): readonly object[] {
  const event = (action: string, key: string, rest: object = {}): object => ({
    routing_key: '',
    event_action: action,
    dedup_key: key,
    ...rest,
  });
  const ended = new Set<string>();
  const incidents = groupBy(alerts, (alert) =>
    alert.incident === undefined ? alert : `${alert.state} ${alert.incident.id}`,
  );
  return [...incidents.values()]
    .flatMap((same): readonly object[] => {
      const [alert] = same;
      if (alert === undefined) return [];
      const key = alert.incident?.id ?? alert.id;
      if (alert.state === 'resolved') {
        const keys = (alert.ends ?? [key]).filter((one) => !ended.has(one));
        for (const one of keys) ended.add(one);
        // The end of a group's alert says who is still away.
        return keys.map((one) => event('resolve', one, { payload: pagerdutyPayload(alert, same) }));
      }
      const trigger = event('trigger', key, {
        payload: pagerdutyPayload(alert, same),
        client: 'Fleet Health',
        client_url: alert.page,
      });
      if (same.some(({ acknowledgedBy }) => acknowledgedBy === null)) return [trigger];
      return [...(alert.state === 'reminder' ? [] : [trigger]), event('acknowledge', key)];
    })
    .slice(0, maxEvents);
}

function pagerdutyPayload(alert: NoticeAlert, same: readonly NoticeAlert[]): object {
  const { rule, subject, severity, startsAtMs, incident } = alert;
  const [beside = ''] = besideOf(same);
  const { summary = '', ...details } = annotationsOf({ ...alert, ...incident, beside });
  const timed = { summary: cutTo(summary, maxSummary), timestamp: new Date(startsAtMs).toISOString() };
  if (incident !== undefined) {
    const clients = same.slice(0, maxClients).map((one) => one.client);
    const custom = { alertname: rule, severity, ...details, clients };
    return { ...timed, source: 'fleet-health', severity, class: rule, custom_details: custom };
  }
  return {
    ...timed,
    source: kindOf(alert).source(alert),
    severity,
    ...(subject === '' ? {} : { component: subject }),
    class: rule,
    custom_details: { ...labelsOf(alert), ...details },
  };
}

/** Returns the raw events of Juggler: a state for each host, service and instance. */
export function jugglerEvents({ alerts }: Notice): object {
  return {
    source: 'fleet-health',
    events: alerts.slice(0, maxEvents).map((alert) => ({
      host: kindOf(alert).source(alert),
      service: alert.rule.replace(/[^\w./:-]/g, '_').slice(0, 128),
      instance: alert.subject.replace(/[^\w./:-]/g, '_').slice(0, 128),
      status: alert.state === 'resolved' ? 'OK' : alert.severity === 'critical' ? 'CRIT' : 'WARN',
      description: cutTo(joined([annotationsOf(alert)['summary'] ?? '', alert.beside ?? ''], '; '), maxDescription),
      tags: Object.entries(alert.labels).map(([name, value]) => `${name}_${value}`.replace(/[^\w.-]/g, '_')),
    })),
  };
}
