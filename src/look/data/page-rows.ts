import type { FleetOutliers } from '../../alerter/outliers/outliers.ts';
import { figureOutlierWords, kindOutlierSentence } from '../../alerter/outliers/outlier-words.ts';
import { rowsToRecover } from '../../alerter/evaluate/rule-metric.ts';
import { isAcknowledged } from '../../alerter/inhibit/inhibition.ts';
import type { Mutes } from '../../alerter/inhibit/mutes.ts';
import type { Config, Rule } from '../../config/config.ts';
import type { PageAlert, PageClient, PageForecast, PageOutliers, PagePiece } from '../page/page.ts';
import { dayMs } from '../../platform/units.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { timeInWords } from '../../text/time-words.ts';
import type { FleetMember } from './fleet-member.ts';
import { forecastMountWords, type NearestForecast } from './nearest-forecasts.ts';
import type { ClientPlots } from './histories.ts';

/** Returns a line of the fleet's table. */
export function pageClient(
  member: FleetMember,
  availability: number | null,
  { spark, history }: ClientPlots,
  pieces?: readonly PagePiece[],
): PageClient {
  const { client, address, state, known, reportAgeMs, openAlerts, worstAlert, beyond, fullIn } = member;
  const [load, cpus] = [known?.load5 ?? null, known?.cpus ?? 0];
  return {
    name: client,
    address,
    hostname: known?.hostname ?? null,
    os: known?.os ?? null,
    state,
    reason: known?.errorMessage ?? known?.errorCode ?? null,
    worst: worstAlert,
    openAlerts,
    cpuPercent: { value: known?.cpuPercent ?? null, beyond: beyond.cpu },
    memoryPercent: { value: known?.memoryPercent ?? null, beyond: beyond.memory },
    diskPercent: { value: known?.diskPercent ?? null, beyond: beyond.disk },
    diskMount: known?.diskMount ?? null,
    fullIn: fullIn === null ? null : pageForecast(fullIn),
    loadPerCpu: load === null || cpus === 0 ? null : load / cpus,
    reportAgeMs,
    availability,
    ...(pieces !== undefined && { pieces }),
    spark,
    history,
  };
}

export function pageForecast(forecast: NearestForecast): PageForecast {
  return { mount: forecastMountWords(forecast), inMs: forecast.daysLeft * dayMs };
}

/** Returns a function that converts a stored alert into an alert of a page. */
export function alertWords(
  config: Config,
  mutes: Mutes,
  untilMs: number,
  easedOf: (alert: Alert) => string | null = () => null,
): (alert: Alert) => PageAlert {
  const time = (atMs: number): string => timeInWords({ zone: config.alerts.zone, nowMs: untilMs }, atMs);
  return (alert) => {
    const { id, about, client, rule, subject, state, severity, limitText, acknowledgedBy } = alert;
    const valueText = reasonText(alert);
    const ruleOf = kindOf(alert).ruleOf(config, alert);
    const isKnown = isAcknowledged(alert, untilMs);
    const until = alert.acknowledgedUntilMs === null ? '' : ` until ${time(alert.acknowledgedUntilMs)}`;
    return {
      id: id ?? 0,
      about,
      client,
      rule,
      subject,
      state,
      severity,
      pendingSinceMs: alert.pendingSinceMs,
      firingSinceMs: alert.firingSinceMs,
      resolvedAtMs: alert.resolvedAtMs,
      value: valueText === '' ? null : valueText,
      limit: limitText === '' ? null : limitText,
      returning: returningWords(alert, ruleOf ?? null, time),
      note: ruleOf?.note ?? null,
      mutes: [
        ...[easedOf(alert) ?? []].flat(),
        ...(isKnown ? [`acknowledged by ${acknowledgedBy ?? ''}${until}`] : []),
        ...mutes.reasonsAt(alert, untilMs).map((reason) => {
          const name = reason.kind === 'silence' ? `silence ${reason.id}` : 'maintenance window';
          return `${name} until ${time(reason.untilMs)}`;
        }),
      ],
      command: isKnown || id === null || state === 'resolved' ? null : ['fleet-health', 'ack', String(id)],
    };
  };
}

/** Returns the words for an alert's value. While a fault ends, and afterwards, they are those of the fault. */
function reasonText(alert: Alert): string {
  const { state, value, valueText, progress } = alert;
  const { worst, clearing } = progress;
  const isOver = state === 'resolved' || clearing > 0;
  return kindOf(alert).followsRows && value === null && isOver && worst !== undefined ? worst.valueText : valueText;
}

/** The words for a client whose newest visit was good, by the condition of the alert. */
const goodVisits: ReadonlyMap<string, string> = new Map([
  ['unreachable', 'answers'],
  ['host-key-changed', 'shows the known host key'],
  ['not-trusted', 'shows a trusted host key'],
]);

/** Returns since when visits are good again, and with which the alert ends; null for other alerts. */
function returningWords(alert: Alert, rule: Rule | null, time: (atMs: number) => string): string | null {
  const { clearing, countedAtMs, lastAtMs } = alert.progress;
  const words = goodVisits.get(alert.rule);
  if (words === undefined || alert.state !== 'firing' || clearing === 0) return null;
  // The counter has the time of its newest row alone.
  const since = clearing === 1 ? `${words} since ${time(countedAtMs ?? lastAtMs)}` : `${words} again`;
  const left = rule === null || alert.flapping ? 0 : rowsToRecover(rule) - clearing;
  if (left < 1) return since;
  return `${since}, ends with ${left === 1 ? 'the next good visit' : `${left} more good visits`}`;
}

/** The most rows and the most sentences of a page. */
const maxFigures = 40;
const maxKinds = 20;

/** Returns the outliers of the clients of a page in the given order, the furthest first. */
export function pageOutliers({ figures, kinds }: FleetOutliers, shown: ReadonlySet<string>): PageOutliers {
  const ownFigures = figures.filter(({ client }) => shown.has(client));
  const ownKinds = kinds.flatMap((odd) => {
    const clients = odd.clients.filter((client) => shown.has(client));
    return clients.length === 0 ? [] : [{ group: odd.group, sentence: kindOutlierSentence(odd), clients }];
  });
  return {
    figures: ownFigures.slice(0, maxFigures).map((outlier) => {
      const { client, group } = outlier;
      return { client, group, ...figureOutlierWords(outlier) };
    }),
    kinds: ownKinds.slice(0, maxKinds),
    more: Math.max(0, ownFigures.length - maxFigures) + Math.max(0, ownKinds.length - maxKinds),
  };
}
