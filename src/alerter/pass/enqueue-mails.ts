import type { Config } from '../../config/config.ts';
import { ruleTypeOf } from '../../config/vocabulary/rule-types.ts';
import type { SeriesPoint } from '../../storage/store/notification-store.ts';
import type { NewMail } from '../../storage/store/outbox-store.ts';
import type { AlertEvent } from '../alert-options.ts';
import { isByMount } from '../evaluate/rule-metric.ts';
import { rulesByName } from '../transition/rules-by-name.ts';
import type { PassLease } from './pass-lease.ts';
import { readDispatchInput } from '../dispatch/read-dispatch-input.ts';
import type { PassStore } from './dry-run-store.ts';
import type { DueMail, PendingNotification, NotificationPlan } from '../dispatch/notification-plan.ts';
import type { RunFact } from '../../storage/store/run.ts';

export interface EnqueueMailsOptions {
  readonly config: Config;
  readonly store: PassStore;
  readonly lease: PassLease;
  readonly runs: readonly RunFact[];
  readonly firstPass: boolean;
  readonly newRules: ReadonlySet<string>;
  readonly nowMs: number;
  readonly observe: (event: AlertEvent) => void;
}

/** So often telling looks again when a waiting mail left while it was to be replaced. */
const attempts = 5;

/**
 * Composes the mails that are due and stores them with what they tell, in one transaction. Returns how many there are.
 * Another deliverer may take a waiting mail just then: telling begins anew from what the database says.
 */
export async function enqueueMails(options: EnqueueMailsOptions): Promise<number> {
  const { store, lease, observe } = options;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const { mails, told, closedOut } = await lookForNews(options);
    if (mails.length + told.length + closedOut.length === 0) return 0;
    if (!lease.isHeld()) {
      await lease.take();
      continue;
    }
    const written = await Promise.all(mails.map((mail) => writeMail(options, mail)));
    const outcome = await store.saveNotifications(await lease.take(), {
      mails: written.map(({ stored }) => stored),
      told,
      closedOut,
    });
    if (outcome === 'outdated') continue;
    for (const { mail, subject, text } of written) observe({ kind: 'composed', mail, subject, text });
    return mails.length;
  }
  return 0;
}

async function lookForNews(
  options: EnqueueMailsOptions,
): Promise<Pick<NotificationPlan, 'mails' | 'told' | 'closedOut'>> {
  const input = await readDispatchInput(options);
  // Loaded when there is something to tell about: most passes have nothing.
  if (input.alerts.length === 0) return { mails: [], told: [], closedOut: [] };
  const { planNotifications } = await import('../dispatch/plan-notifications.ts');
  const telling = planNotifications(input);
  const exportOf = await readExports(options, telling.mails);
  return exportOf.size === 0 ? telling : planNotifications({ ...input, exportOf });
}

/** What the mounts that mails are about are of, where that is a server's, by client and mount (see DispatchInput.exportOf). */
async function readExports(
  { config, store }: EnqueueMailsOptions,
  mails: readonly DueMail[],
): Promise<ReadonlyMap<string, string>> {
  const items = mails.flatMap((mail) => mail.items);
  const rules = new Map(config.clients.map(({ name, rules: own }) => [name, own]));
  const isOfMount = ({ client, rule, subject }: PendingNotification): boolean =>
    subject.startsWith('/') &&
    (['mount-unresponsive', 'mount-missing'].includes(rule) ||
      isByMount(rulesByName(rules.get(client) ?? []).get(rule) ?? { type: null }));
  const mounts = new Map(
    items
      .filter(isOfMount)
      .map(({ client, subject }) => [`${client}\0${subject}`, { client, mount: subject }] as const),
  );
  // What stands alone is put into one line with nothing.
  return mounts.size < 2 ? new Map() : await store.exportsOf([...mounts.values()]);
}

interface WrittenMail {
  readonly mail: DueMail;
  readonly subject: string;
  readonly text: string;
  readonly stored: NewMail;
}

async function writeMail(options: EnqueueMailsOptions, mail: DueMail): Promise<WrittenMail> {
  const { config, nowMs } = options;
  const [{ composeMail }, { freezeMail }, { addresseeOf, senderOf }] = await Promise.all([
    import('../compose/compose-mail.ts'),
    import('../../notify/mime.ts'),
    import('../../notify/mail-identity.ts'),
  ]);
  const charts = await readCharts(options, mail.items);
  const systems = await readSystems(options, mail);
  const words = composeMail({ mail, config, nowMs, charts, systems, program: 'fleet-health' });
  const content = await freezeMail({
    mail: words,
    from: senderOf(config),
    to: addresseeOf(mail.recipient),
    dateMs: nowMs,
  });
  const { recipient, severity, ordinary, items, replaces } = mail;
  const notifications = items.map(({ alertId, sequence, transition, before }) => ({
    alertId,
    sequence,
    transition,
    before,
  }));
  const stored = { recipient, messageId: words.messageId, content, severity, ordinary, notifications, replaces };
  return { mail, subject: words.subject, text: words.text, stored };
}

/** A mail about half the fleet draws no pictures of all of it. */
const mostCharts = 20;

/** Values around what the worst items are about, where stats has a column for it in the unit of the rule. */
async function readCharts(
  { config, store, nowMs }: EnqueueMailsOptions,
  items: readonly PendingNotification[],
): Promise<ReadonlyMap<number, readonly SeriesPoint[]>> {
  const charts = new Map<number, readonly SeriesPoint[]>();
  const rules = new Map(config.clients.map(({ name, rules: own }) => [name, own]));
  const { chartSpan } = await import('../compose/chart-words.ts');
  for (const item of items) {
    if (charts.size >= mostCharts) break;
    const { alertId, client, rule, subject } = item;
    const column = ruleTypeOf(rulesByName(rules.get(client) ?? []).get(rule)?.type)?.chart ?? null;
    if (column === null) continue;
    charts.set(
      alertId,
      await store.series(client, column, subject === '' ? null : subject, chartSpan(item, nowMs).fromMs),
    );
  }
  return charts;
}

/** A mail about half the fleet does not say of each machine what it runs. */
const mostSystems = 100;

/** The systems of the clients that have a line of their own. */
async function readSystems(
  { store }: EnqueueMailsOptions,
  { sections }: DueMail,
): Promise<ReadonlyMap<string, string>> {
  const lines = sections.flatMap(({ rules }) => rules.flatMap((rule) => rule.lines));
  const clients = lines.flatMap(({ fold, items: [item] }) =>
    fold !== null || !item || item.client === '' ? [] : item.client,
  );
  const asked = [...new Set(clients)].slice(0, mostSystems);
  return asked.length === 0 ? new Map() : store.systemsOf(asked);
}
