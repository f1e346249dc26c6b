import type { FleetOutliers } from '../../alerter/outliers/outliers.ts';
import { figureOutlierWords, kindOutlierSentence } from '../../alerter/outliers/outlier-words.ts';
import { isAcknowledged } from '../../alerter/inhibit/inhibition.ts';
import type { Mutes } from '../../alerter/inhibit/mutes.ts';
import type { Config, Rule } from '../../config/config.ts';
import type { PageAlert, PageClient, PageForecast, PageOutliers, PagePiece } from '../page/page.ts';
import { dayMs } from '../../platform/units.ts';
import { type Alert, isOfGroup } from '../../storage/store/alert.ts';
import { timeInWords } from '../../text/time-words.ts';
import type { FleetMember } from './fleet-member.ts';
import { forecastMountWords, type NearestForecast } from './nearest-forecasts.ts';
import type { ClientPlots } from './histories.ts';

/** The rules of each client. The key '' has the rules about the fleet as a whole. */
type RulesByClient = ReadonlyMap<string, readonly Rule[]>;

export function rulesByClient({ alerts, clients }: Config): RulesByClient {
  return new Map([['', alerts.rules], ...clients.map(({ name, rules }) => [name, rules] as const)]);
}

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
  rulesOf: RulesByClient,
  mutes: Mutes,
  untilMs: number,
  easedOf: (alert: Alert) => string | null = () => null,
): (alert: Alert) => PageAlert {
  const time = (atMs: number): string => timeInWords({ zone: config.alerts.zone, nowMs: untilMs }, atMs);
  const ofGroups = new Map(config.needs.map((need) => [need.name, need.rule]));
  return (alert) => {
    const { id, client, rule, subject, state, severity, valueText, limitText, acknowledgedBy } = alert;
    const isKnown = isAcknowledged(alert, untilMs);
    const until = alert.acknowledgedUntilMs === null ? '' : ` until ${time(alert.acknowledgedUntilMs)}`;
    return {
      id: id ?? 0,
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
      note:
        (isOfGroup(alert) ? ofGroups.get(subject) : rulesOf.get(client)?.find(({ name }) => name === rule))?.note ??
        null,
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
