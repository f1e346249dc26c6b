import type { Client, Config, Rule } from '../../../src/config/config.ts';
import { openLostParents } from '../../../src/alerter/inhibit/lost-parents.ts';
import { sectionsOf } from '../../../src/alerter/dispatch/group.ts';
import {
  compareNotifications,
  pendingNotification,
  type DueMail,
  type PendingNotification,
} from '../../../src/alerter/dispatch/notification-plan.ts';
import type { Alert, StoredNotification, Transition } from '../../../src/storage/store/alert.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { progressAt } from './dispatch-world.ts';
import { at } from './rows.ts';
import { createWatches } from '../../../src/alerter/inhibit/watches.ts';

export interface Said extends Partial<Omit<Alert, 'id'>> {
  readonly client: string;
  readonly rule: string;
  readonly transition: Transition;
  readonly id?: number;
  readonly note?: string;
  readonly groups?: readonly string[];
  readonly listedOnly?: boolean;
  readonly before?: StoredNotification['before'];
  /** The time for which nobody acknowledged the alert, if its recipient is notified for that reason. */
  readonly unacknowledgedMs?: number;
  /** The host of the collector that the alert is about. */
  readonly host?: string;
}

let lastId = 100;

/** Returns a notification of a mail: critical and firing since 08:00, unless the options differ. */
export function itemFor(config: Config, said: Said): PendingNotification & { readonly alert: Alert } {
  const { transition, note, groups, listedOnly = false, before = null, host, unacknowledgedMs = null, ...over } = said;
  lastId += 1;
  const isOver = ['resolved', 'ended', 'past'].includes(transition);
  const id = over.id ?? lastId;
  const one = alert({
    subject: '',
    value: null,
    valueText: '',
    limitText: '',
    pendingSinceMs: at('08:00'),
    firingSinceMs: at('08:00'),
    ...(isOver ? { state: 'resolved', resolvedAtMs: at('10:05'), closedReason: 'recovered', sequence: 2 } : {}),
    firstEvidence: `report-${over.client}`,
    changedByRun: null,
    flapping: transition === 'flapping',
    past: transition === 'past',
    progress: progressAt(at('10:05')),
    ...over,
    id,
  });
  const watch = createWatches(config)(one);
  const given = {
    ...watch,
    rule: withNote(config, watch.rule, note),
    client: withGroups(config, watch.client, said.client, groups),
  };
  const hosts = new Map(host === undefined ? [] : [[one.subject, host]]);
  const known = { alert: { ...one, id }, watch: given, listener: null, known: before };
  return { ...pendingNotification(known, { transition, listedOnly, hosts }), unacknowledgedMs, alert: known.alert };
}

/** Returns the rule with a note. Uses any rule of <alerts> if config.xml lacks the named rule. */
function withNote(config: Config, rule: Rule | null, note: string | undefined): Rule | null {
  if (note === undefined) return rule;
  const [any] = config.alerts.rules;
  return rule === null && any === undefined ? null : { ...(rule ?? (any as Rule)), note };
}

/** Returns the client with groups. A client that config.xml lacks has only a name of its own. */
function withGroups(
  { clients }: Config,
  client: Client | null,
  name: string,
  groups: readonly string[] | undefined,
): Client | null {
  const [any] = clients;
  if (groups === undefined || any === undefined) return client;
  return { ...(client ?? { ...any, name, address: name, port: 22 }), groups };
}

/** Returns a mail of these items, as dispatch plans it. */
export function dueMail(
  config: Config,
  said: readonly Said[],
  over: Partial<DueMail> = {},
  alsoOpen: readonly Said[] = [],
): DueMail {
  const items = said.map((one) => itemFor(config, one)).sort(compareNotifications);
  const known = alsoOpen.map((one) => itemFor(config, one));
  const alerts = [...items, ...known].map(({ alert }) => alert);
  const grouped = {
    config,
    parents: openLostParents(config, alerts),
    exportOf: (_: string, mount: string): string | null => (mount === '/mnt/nas' ? 'nas:/srv/share' : null),
  };
  const open = [...items, ...known]
    .filter(({ alert, listedOnly }) => alert.state === 'firing' && !listedOnly)
    .map((item) => ({ ...item, transition: 'reminder' as const }));
  return {
    recipient: 'ops@example.org',
    severity: items.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning',
    ordinary: !items.some(({ severity, transition }) => severity === 'critical' && transition === 'firing'),
    alreadyTrue: false,
    items,
    sections: sectionsOf({ ...grouped, items }),
    open,
    openFolds: sectionsOf({ ...grouped, items: open })
      .flatMap(({ rules }) => rules.flatMap(({ lines }) => lines))
      .filter(({ fold }) => fold !== null),
    replaces: [],
    ...over,
  };
}
