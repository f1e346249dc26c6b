import { pushIntervalMs } from '../../config/clients/arrival.ts';
import { alertName } from '../../config/rules/merge-alert.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { groupBy } from '../../platform/group-by.ts';
import { remembered } from '../../platform/remembered.ts';
import { hourMs } from '../../platform/units.ts';
import type { MailedNotification, PastAlert } from '../../storage/store/alert-history.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { zoneOffsetMs } from '../../text/zone-time.ts';
import { mendingMs, openNoise } from './noise.ts';
import type { RuleUnit, TuneFacts } from './propose.ts';
import { nameIfKind } from '../../config/values/recipient-kinds.ts';
import { createWatches } from '../inhibit/watches.ts';

export type TuneStorage = Pick<
  Storage,
  'alertHistory' | 'changes' | 'evaluation' | 'events' | 'fleet' | 'levels' | 'operator'
>;

export interface ReadFactsOptions extends Pick<TuneFacts, 'config' | 'elements' | 'sinceMs' | 'untilMs' | 'withinMs'> {
  readonly storage: TuneStorage;
  readonly signal: AbortSignal;
}

/** The alerts of a span, and the mails about them by their ids. */
export interface ReadFacts {
  readonly facts: TuneFacts;
  readonly units: readonly RuleUnit[];
  readonly mails: ReadonlyMap<number, readonly MailedNotification[]>;
  readonly nightMails: number;
  /** The numbers of mails to each person, the greatest first. */
  readonly recipients: readonly (readonly [recipient: string, mails: number])[];
  /** The mails that are about noise alone. */
  readonly noiseMails: number;
}

/** Reads the alerts of a span, the mails about them, and what people did. Throws the reason of an abort. */
export async function readFacts({ storage, signal, ...span }: ReadFactsOptions): Promise<ReadFacts> {
  const { config, sinceMs, withinMs } = span;
  const alerts = await storage.alertHistory.pastAlerts(sinceMs, signal);
  const isPerson = remembered((recipient: string) => nameIfKind('mail', recipient) !== null);
  const mailed = (await storage.alertHistory.mailedSince(sinceMs, signal)).filter(({ recipient }) =>
    isPerson(recipient),
  );
  const byAlert = groupBy(mailed, ({ alertId }) => alertId);
  const told = alerts.filter(({ id }) => byAlert.has(id));
  const clients = [...new Set(told.map(({ client }) => client))];
  const changes = await storage.changes.whenChanged(clients, sinceMs - withinMs - mendingMs);
  const silences = await storage.operator.silences(sinceMs);
  const actedOf = openNoise({ config, alerts, silences, changes, withinMs });
  const pauses = new Map(config.clients.map((client) => [client.name, pushIntervalMs(client)]));
  const mails = groupBy(mailed, ({ mailId }) => mailId);
  const noise = new Set(told.flatMap((alert) => (actedOf(alert) === null ? [alert.id] : [])));
  const all = [...mails.values()];
  const isNight = openNight(config.alerts.zone);
  return {
    facts: {
      ...{ ...span, actedOf },
      everyMsOf: (client) => pauses.get(client) ?? config.collector.everyMs,
      mailsOf: ({ id }) => byAlert.get(id) ?? [],
      watchOf: createWatches(config),
    },
    units: unitsOf(span, alerts),
    mails,
    nightMails: all.filter(([first]) => isNight(first?.createdAtMs ?? 0)).length,
    recipients: [...groupBy(all, ([first]) => first?.recipient ?? '')]
      .map(([recipient, own]) => [recipient, own.length] as const)
      .sort(([, one], [, other]) => other - one),
    noiseMails: all.filter((own) => own.every(({ alertId }) => noise.has(alertId))).length,
  };
}

/** The hours of the night by the readers' clock. */
export const night = { fromHour: 22, untilHour: 7 } as const;

/** Returns a function that is true for a time of the night. It reads the zone once for each hour. */
function openNight(zone: string | null): (atMs: number) => boolean {
  const offsetMs = remembered((hour: number) => zoneOffsetMs(zone, hour * hourMs));
  return (atMs) => {
    const hour = new Date(atMs + offsetMs(Math.floor(atMs / hourMs))).getUTCHours();
    return hour >= night.fromHour || hour < night.untilHour;
  };
}

/** Groups alerts by the rule that evaluates them today. Omits those of rules and clients that left config.xml. */
function unitsOf(
  { config, elements }: Pick<TuneFacts, 'config' | 'elements'>,
  alerts: readonly PastAlert[],
): readonly RuleUnit[] {
  const clients = new Map(config.clients.map((client) => [client.name, client]));
  const groups = new Map<string, RuleUnit & { readonly alerts: PastAlert[] }>();
  const groupOf = (name: string, of: string, subject: string): PastAlert[] | null => {
    const client = clients.get(of);
    const rules = client?.state === 'active' ? client.rules : [];
    // A check that has got a rule of its own since, as `tune` proposes it.
    const own = name === 'check' ? findRule(rules, alertName({ type: 'check', check: subject }) ?? name) : null;
    const rule = own ?? findRule(rules, name);
    if (rule === null && of !== '') return null;
    const element = rule === null ? null : elements.alertOf(rule, of);
    const unit = {
      name: rule?.name ?? name,
      rule,
      element,
      subject: rule?.type === 'check' ? subject : null,
      alerts: [],
    };
    const place = element === null ? [rule?.file, rule?.line] : [element.source.path, element.line];
    const key = [unit.name, unit.subject, ...place].join('\0');
    const known = groups.get(key) ?? unit;
    groups.set(key, known);
    return known.alerts;
  };
  const alertsOf = remembered((rule: string) =>
    remembered((client: string) => remembered((subject: string) => groupOf(rule, client, subject))),
  );
  for (const alert of alerts) alertsOf(alert.rule)(alert.client)(alert.subject)?.push(alert);
  return [...groups.values()];
}
