import { pushIntervalMs } from '../../config/clients/arrival.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { addresseeOf } from '../../notify/mail-identity.ts';
import { groupBy } from '../../platform/group-by.ts';
import { remembered } from '../../platform/remembered.ts';
import type { MailedNotification, PastAlert } from '../../storage/store/alert-history.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { zoneOffsetMs } from '../../text/zone-time.ts';
import { followsNoChange } from '../dispatch/notification-plan.ts';
import { createWatches } from '../inhibit/recipients-of.ts';
import { mendingMs, openNoise } from './noise.ts';
import type { RuleUnit, TuneFacts } from './propose.ts';

export type TuneStorage = Pick<
  Storage,
  'alertHistory' | 'changes' | 'evaluation' | 'events' | 'fleet' | 'levels' | 'operator'
>;

export interface ReadFactsOptions extends Pick<TuneFacts, 'config' | 'elements' | 'sinceMs' | 'untilMs' | 'withinMs'> {
  readonly storage: TuneStorage;
}

/** The alerts of a span, and the mails about them by their ids. */
export interface ReadFacts {
  readonly facts: TuneFacts;
  readonly units: readonly RuleUnit[];
  readonly mails: ReadonlyMap<number, readonly MailedNotification[]>;
  readonly nightMails: number;
  /** The mails that are about noise alone. */
  readonly noiseMails: number;
}

/** Reads the alerts of a span, the mails about them, and what people did. */
export async function readFacts({ storage, ...span }: ReadFactsOptions): Promise<ReadFacts> {
  const { config, sinceMs, withinMs } = span;
  const alerts = await storage.alertHistory.pastAlerts(sinceMs);
  const mailed = withoutReplaced((await storage.alertHistory.mailedSince(sinceMs)).filter(isToPerson));
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
  return {
    facts: {
      ...{ ...span, actedOf },
      everyMsOf: (client) => pauses.get(client) ?? config.collector.everyMs,
      mailsOf: ({ id }) => byAlert.get(id) ?? [],
      watchOf: createWatches(config),
    },
    units: unitsOf(span, alerts),
    mails,
    nightMails: all.filter(([first]) => isNight(config.alerts.zone, first?.createdAtMs ?? 0)).length,
    noiseMails: all.filter((own) => own.every(({ alertId }) => noise.has(alertId))).length,
  };
}

/** True if a notification is news in a mail to a person: no reminder, no message of a webhook, no command. */
export function isToPerson({ recipient, transition }: Pick<MailedNotification, 'recipient' | 'transition'>): boolean {
  return addresseeOf(recipient) !== null && !followsNoChange(transition);
}

/** Returns the last of notifications of the same news: the mail that it is in has replaced the others. */
function withoutReplaced(mailed: readonly MailedNotification[]): readonly MailedNotification[] {
  const last = new Map<string, MailedNotification>();
  for (const one of mailed) {
    const key = `${one.alertId} ${one.sequence} ${one.transition} ${one.recipient}`;
    if ((last.get(key)?.mailId ?? 0) < one.mailId) last.set(key, one);
  }
  return [...last.values()];
}

/** The hours of the night by the readers' clock. */
export const night = { fromHour: 22, untilHour: 7 } as const;

function isNight(zone: string | null, atMs: number): boolean {
  const hour = new Date(atMs + zoneOffsetMs(zone, atMs)).getUTCHours();
  return hour >= night.fromHour || hour < night.untilHour;
}

/** Groups alerts by the rule that evaluates them today. Omits those of rules and clients that left config.xml. */
function unitsOf(
  { config, elements }: Pick<TuneFacts, 'config' | 'elements'>,
  alerts: readonly PastAlert[],
): readonly RuleUnit[] {
  const clients = new Map(config.clients.map((client) => [client.name, client]));
  const ruleOf = remembered((name: string) =>
    remembered((of: string): Pick<RuleUnit, 'rule' | 'element'> | null => {
      const client = clients.get(of);
      const rule = client?.state === 'active' ? findRule(client.rules, name) : null;
      if (rule === null) return of === '' ? { rule: null, element: null } : null;
      return { rule, element: elements.alertOf(rule, of) };
    }),
  );
  const known = alerts.flatMap((alert) => {
    const { client, rule: name, subject } = alert;
    const found = ruleOf(name)(client);
    if (found === null) return [];
    const { rule, element } = found;
    const unit = { name, rule, element, subject: rule?.type === 'check' ? subject : null };
    const place = element === null ? [rule?.file, rule?.line] : [element.source.path, element.line];
    return [{ alert, unit, key: [name, unit.subject, ...place].join('\0') }];
  });
  return [...groupBy(known, ({ key }) => key).values()].flatMap((own) =>
    own[0] === undefined ? [] : [{ ...own[0].unit, alerts: own.map(({ alert }) => alert) }],
  );
}
