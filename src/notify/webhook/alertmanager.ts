/** src/notify/webhook: channels to a URL: forms of the body, and the meaning of answers. */
import { withLimit } from '../../text/limit-words.ts';
import { joined } from '../../text/numbers.ts';
import type { Notice, NoticeAlert } from './notice.ts';

/** The most alerts of a body. Receivers would refuse more; the rest are counted. */
const maxAlerts = 1_000;
/** The end of an alert that still fires: Go's zero time. */
const noTime = '0001-01-01T00:00:00Z';

type Labels = Readonly<Record<string, string>>;

/** Returns the document that Alertmanager posts to a webhook, version 4. The alerts form one group. */
export function alertmanagerDocument(notice: Notice, receiver: string): object {
  const alerts = notice.alerts.slice(0, maxAlerts).map((alert) => alertOf(alert));
  return {
    version: '4',
    groupKey: '{}:{}',
    truncatedAlerts: Math.max(0, notice.alerts.length - maxAlerts),
    status: alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved',
    receiver,
    groupLabels: {},
    commonLabels: shared(alerts.map(({ labels }) => labels)),
    commonAnnotations: shared(alerts.map(({ annotations }) => annotations)),
    externalURL: notice.page === undefined ? '' : notice.page.replace(/alerts(?:\/\d+)?$/, ''),
    alerts,
  };
}

/**
 * Returns the labels of an alert and its client. Omits empty labels, which equal missing ones in Prometheus's data
 * model.
 */
export function labelsOf({ rule, client, severity, subject, labels }: NoticeAlert, more: Labels = {}): Labels {
  return filled({ ...more, ...labels, alertname: rule, instance: client, severity, subject });
}

/** Returns the annotations of an alert. */
export function annotationsOf({
  title: name,
  value,
  limit,
  changes = '',
  beside = '',
  why = '',
  note,
  acknowledgedBy,
  comesAndGoes,
}: NoticeAlert): Labels {
  const title = comesAndGoes === true ? `comes and goes: ${name}` : name;
  return filled({
    summary: joined([value === '' ? title : withLimit(`${title}: ${value}`, limit), why]),
    value,
    limit,
    changes,
    beside,
    note: note ?? '',
    acknowledged_by: acknowledgedBy ?? '',
  });
}

function alertOf(alert: NoticeAlert) {
  const { id, state, startsAtMs, endsAtMs, page = '' } = alert;
  return {
    status: state === 'resolved' ? 'resolved' : 'firing',
    labels: labelsOf(alert),
    annotations: annotationsOf(alert),
    startsAt: new Date(startsAtMs).toISOString(),
    endsAt: endsAtMs === null ? noTime : new Date(endsAtMs).toISOString(),
    generatorURL: page,
    // Alertmanager's own fingerprints have 64 bits too.
    fingerprint: id.slice(0, 16),
  };
}

/** Returns the entries that all members share. */
function shared(all: readonly Labels[]): Labels {
  const [first = {}] = all;
  return Object.fromEntries(Object.entries(first).filter(([key, value]) => all.every((one) => one[key] === value)));
}

function filled(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}
