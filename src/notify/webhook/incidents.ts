/** Forms of the body for programs that keep a state per alert. */
import { annotationsOf, labelsOf } from './alertmanager.ts';
import { cutBytes } from './cut-bytes.ts';
import type { Notice, NoticeAlert } from './notice.ts';

/** The limit of PagerDuty: a summary has 1,024 characters. */
const mostSummary = 1_000;
/** The most requests for one notification. */
const mostEvents = 500;
const mostDescription = 1_000;

/** The placeholder of the routing key. The key is a secret from the URL, and is inserted when the event is sent. */
const keyPlace = '{"routing_key":""';

/**
 * Returns the events of PagerDuty's Events API v2, each the body of a request. An alert has one event, with the same
 * `dedup_key` from beginning to end, and a second one if it is acknowledged. A reminder of an acknowledged alert has
 * only the second one.
 */
export function pagerdutyEvents({ alerts }: Notice): readonly object[] {
  return alerts
    .flatMap((alert) => {
      const event = (action: string, rest: object = {}): object => ({
        routing_key: '',
        event_action: action,
        dedup_key: alert.id,
        ...rest,
      });
      if (alert.state === 'resolved') return [event('resolve')];
      const trigger = event('trigger', { payload: pagerdutyPayload(alert), client: 'Fleet Health' });
      if (alert.acknowledgedBy === null) return [trigger];
      return [...(alert.state === 'reminder' ? [] : [trigger]), event('acknowledge')];
    })
    .slice(0, mostEvents);
}

function pagerdutyPayload(alert: NoticeAlert): object {
  const { summary = '', ...details } = annotationsOf(alert);
  const { client, rule, subject, severity, startsAtMs } = alert;
  return {
    summary: cutBytes(summary, mostSummary),
    timestamp: new Date(startsAtMs).toISOString(),
    source: client === '' ? 'fleet-health' : client,
    severity,
    ...(subject === '' ? {} : { component: subject }),
    class: rule,
    custom_details: { ...labelsOf(alert), ...details },
  };
}

/** Inserts the routing key into an event. */
export function withRoutingKey(body: string, key: string): string {
  if (!body.startsWith(keyPlace)) return body;
  return `{"routing_key":${JSON.stringify(key)}${body.slice(keyPlace.length)}`;
}

/** Returns the raw events of Juggler: a state for each host, service and instance. */
export function jugglerEvents({ alerts }: Notice): object {
  return {
    source: 'fleet-health',
    events: alerts.slice(0, mostEvents).map((alert) => ({
      host: alert.client === '' ? 'fleet-health' : alert.client,
      service: alert.rule.replace(/[^\w./:-]/g, '_').slice(0, 128),
      instance: alert.subject.replace(/[^\w./:-]/g, '_').slice(0, 128),
      status: alert.state === 'resolved' ? 'OK' : alert.severity === 'critical' ? 'CRIT' : 'WARN',
      description: cutBytes(annotationsOf(alert)['summary'] ?? '', mostDescription),
      tags: Object.entries(alert.labels).map(([name, value]) => `${name}_${value}`.replace(/[^\w.-]/g, '_')),
    })),
  };
}
