import { kindOf } from '../../about/kinds.ts';
import type { ExcerptSubject } from '../../storage/store/notification-store.ts';
import type { Config } from '../../config/config.ts';
import type { MailText } from '../../notify/mime.ts';
import { newReplyToken, replyAddress, replyLink as linkOfToken } from '../../notify/replies/reply-token.ts';
import type { Alert, Cause, ToldAhead } from '../../storage/store/alert.ts';
import { readUnreadReplies } from '../../storage/store/reply-store.ts';
import type { NewMail } from '../../storage/store/outbox-store.ts';
import { isByMount } from '../evaluate/rule-metric.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { readDispatchInput } from '../dispatch/read-dispatch-input.ts';
import { hourMs } from '../../platform/units.ts';
import { calendarDay, wallTime } from '../../text/zone-time.ts';
import type { PassContext } from './pass-context.ts';
import { readFleetMemory, saveFleetMemory } from './fleet-memory.ts';
import { readCharts } from './read-charts.ts';
import { readLooks } from '../cause/read-looks.ts';
import { alertsToSeek, seekCauses } from '../dispatch/seek-causes.ts';
import type { Regained } from '../dispatch/forgotten.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import { isFaultOfValues } from '../../storage/sql/fault.ts';
import type { NewNotifications, StoredLook } from '../../storage/store/notification-store.ts';
import type { DueMail, NotificationPlan, PendingNotification } from '../dispatch/notification-plan.ts';
import { kindOfRecipient } from '../../config/values/recipient-kinds.ts';

/** `nowMs` is the time of the plan, after all rows were processed. */
export type EnqueueMailsOptions = PassContext & Parameters<typeof readDispatchInput>[0];

/** The most attempts at a plan. Another attempt is made if a waiting mail was sent while it was to be replaced. */
const attempts = 7;

/**
 * Composes the mails that are due and stores them with their notifications, in one transaction. Returns the number of
 * mails. Makes the plan again if another alerter has taken a waiting mail meanwhile.
 */
export async function enqueueMails(options: EnqueueMailsOptions): Promise<number> {
  const { storage, lease, observe, dryRun, stages } = options;
  const causes = new Map<number, Cause>();
  const named = new Set<string>();
  let hasSought = false;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const plan = await readPlan(options, causes, hasSought);
    const { mails, withdrawn, notified, unnotified, closedOut, settled, alerts, sought } = plan;
    for (const { recipient, thrown } of plan.faults) {
      if (!named.has(recipient)) stages.heed(`planning for ${recipient}`, thrown);
      named.add(recipient);
    }
    await keepToldAhead(options, plan.toldAhead);
    // A mail notifies somebody of something.
    if ([withdrawn, notified, closedOut, settled, sought].every(({ length }) => length === 0)) return 0;
    if (!lease.isHeld()) {
      await lease.take();
      continue;
    }
    if (settled.length > 0 && !dryRun) {
      await storage.outbox.markSentBefore(await lease.take(), settled);
      continue;
    }
    if (sought.length > 0) {
      hasSought = true;
      const found = await stages.run({ what: 'the search for causes', otherwise: null, isVital: false }, async () => {
        const some = await seekCauses(options, alerts, sought);
        await storage.notifications.saveCauses(await lease.take(), some);
        return some;
      });
      for (const [id, cause] of found ?? []) causes.set(id, cause);
      continue;
    }
    const config = mails.length === 0 ? options.config : await answeredConfig(options);
    const written = (await Promise.all(mails.map((mail) => writeOrFault({ ...options, config }, mail)))).flatMap(
      (one) => one ?? [],
    );
    const whole = new Set(written.map(({ mail }) => mail.recipient));
    // Whoever gets no mail now is notified of nothing.
    const isTold = ({ recipient }: { readonly recipient: string }): boolean =>
      whole.has(recipient) || !mails.some((mail) => mail.recipient === recipient);
    const stored = await store(options, {
      mails: written.map((one) => one.stored),
      withdrawn,
      notified: notified.filter(isTold),
      unnotified: unnotified.filter(isTold),
      closedOut,
    });
    if (stored === 'outdated') continue;
    for (const { mail, words } of written) {
      if (stored.has(mail.recipient)) {
        observe({ kind: 'composed', mail, subject: words.subject, text: words.text });
      }
    }
    return stored.size;
  }
  return 0;
}

/** Stores the time since notifications if the clock was set back. */
async function keepToldAhead({ storage, lease }: EnqueueMailsOptions, toldAhead: ToldAhead | null): Promise<void> {
  const memory = await readFleetMemory(storage.evaluation);
  const known = memory.toldAhead ?? null;
  if (known?.atMs !== toldAhead?.atMs)
    await saveFleetMemory(storage.evaluation, await lease.take(), { ...memory, toldAhead });
}

/**
 * Stores mails with what their recipients are notified of. Returns the recipients of the stored mails. If the database
 * refuses these values, stores the mails of each recipient by themselves, so that a mail that cannot be stored costs
 * its recipient alone.
 */
async function store(
  { storage, lease, stages }: EnqueueMailsOptions,
  all: NewNotifications,
): Promise<ReadonlySet<string> | 'outdated'> {
  const { notifications } = storage;
  const held = await lease.take();
  const recipients = [...new Set(all.mails.map(({ recipient }) => recipient))];
  try {
    return (await notifications.saveNotifications(held, all)) === 'outdated' ? 'outdated' : new Set(recipients);
  } catch (thrown) {
    if (!isFaultOfValues(thrown) || recipients.length < 2) throw thrown;
  }
  const stored = new Set<string>();
  for (const recipient of [...recipients, null]) {
    const isOwn = (one: { readonly recipient: string }): boolean =>
      recipient === null ? !recipients.includes(one.recipient) : one.recipient === recipient;
    const own: NewNotifications = {
      mails: all.mails.filter(isOwn),
      withdrawn: recipient === null ? (all.withdrawn ?? []) : [],
      notified: all.notified.filter(isOwn),
      unnotified: (all.unnotified ?? []).filter(isOwn),
      closedOut: recipient === null ? all.closedOut : [],
    };
    try {
      // The next pass makes a mail again that another alerter has taken meanwhile.
      const outcome = await notifications.saveNotifications(held, own);
      if (outcome === 'stored' && recipient !== null) stored.add(recipient);
    } catch (thrown) {
      stages.heed(recipient === null ? 'storing what is over' : `storing the mail to ${recipient}`, thrown);
    }
  }
  return stored;
}

interface ReadPlan extends Omit<NotificationPlan, 'held'> {
  readonly alerts: readonly Alert[];
  /** The alerts whose causes are due. The plan is made again with them. */
  readonly sought: readonly Alert[];
  /** Waiting mails that were sent before the database forgot it. */
  readonly settled: Regained['settled'];
  readonly toldAhead: ToldAhead | null;
}

async function readPlan(
  options: EnqueueMailsOptions,
  causes: ReadonlyMap<number, Cause>,
  hasSought: boolean,
): Promise<ReadPlan> {
  const read = await readDispatchInput(options);
  // Loaded when there is an alert: most passes have none.
  const nothing = {
    mails: [],
    withdrawn: [],
    notified: [],
    unnotified: [],
    closedOut: [],
    settled: [],
    sought: [],
    faults: [],
    toldAhead: null,
  };
  if (read.alerts.length === 0) return { ...nothing, alerts: [] };
  const { planNotifications } = await import('../dispatch/plan-notifications.ts');
  const alerts = read.alerts.map((alert) => ({ ...alert, cause: causes.get(alert.id ?? 0) ?? alert.cause ?? null }));
  const input = { ...read, alerts, exportOf: await readExports(options, alerts) };
  const plan = planNotifications(input);
  // A pass looks for causes once.
  const isSought = !hasSought && input.config.alerts.causeChance !== null;
  const sought = isSought ? alertsToSeek(input, plan) : [];
  const common = { alerts, sought, toldAhead: read.toldAhead ?? null };
  const sending = [plan.mails, input.waiting, input.begun ?? []];
  if (sending.every(({ length }) => length === 0)) return { ...plan, ...common, settled: [] };
  const regained = await readForgotten(options, input);
  if (regained === null) return { ...plan, ...common, settled: [] };
  const { mails, withdrawn, notified, unnotified, closedOut, faults } = planNotifications(regained.input);
  const planned = new Set(notified.map(({ alertId, recipient }) => `${alertId} ${recipient}`));
  const relearnt = regained.notified.filter(({ alertId, recipient }) => !planned.has(`${alertId} ${recipient}`));
  // An alert that a mail would have reported stays until the next pass, as it may stand for others.
  const isRelearnt = new Set(relearnt.map(({ alertId }) => alertId));
  return {
    ...common,
    mails,
    withdrawn,
    notified: [...relearnt, ...notified],
    unnotified,
    faults,
    closedOut: closedOut.filter((id) => !isRelearnt.has(id)),
    settled: regained.settled,
  };
}

/** Returns the input with what this machine has sent and the database has forgotten; null if there is nothing. */
async function readForgotten(options: EnqueueMailsOptions, input: DispatchInput): Promise<Regained | null> {
  const { storage, config, runs, nowMs, sent: mails } = options;
  const recentMs = nowMs - Math.max(hourMs, config.alerts.groupIntervalMs);
  const ids = new Set([...input.waiting, ...(input.begun ?? [])].map(({ messageId }) => messageId));
  const keys = new Set(input.alerts.map(({ client, rule, subject }) => `${client}\0${rule}\0${subject}`));
  const sent = mails
    .all()
    .filter(
      ({ atMs, messageId, told }) =>
        atMs > recentMs ||
        ids.has(messageId) ||
        told.some(({ client, rule, subject }) => keys.has(`${client}\0${rule}\0${subject}`)),
    );
  const storedIds = await storage.notifications.storedMessageIds(sent.map(({ messageId }) => messageId));
  if (sent.every(({ messageId }) => storedIds.has(messageId) && !ids.has(messageId))) return null;
  const [{ regain }, { mayMissRows }] = await Promise.all([
    import('../dispatch/forgotten.ts'),
    import('../absence/fleet-conditions.ts'),
  ]);
  const episodes = await storage.notifications.storedEpisodes(input.alerts);
  return regain(input, { sent, storedIds, episodes, mayMiss: mayMissRows(runs, nowMs, config.collector.everyMs) });
}

/** Returns the remote exports of mounts that alerts are about (see DispatchInput.exportOf). */
async function readExports(
  { config, storage }: EnqueueMailsOptions,
  alerts: readonly Alert[],
): Promise<ReadonlyMap<string, string>> {
  const rules = new Map(config.clients.map(({ name, rules: own }) => [name, own]));
  const isOfMount = ({ client, rule, subject }: Alert): boolean =>
    subject.startsWith('/') &&
    (['mount-unresponsive', 'mount-missing'].includes(rule) ||
      isByMount(findRule(rules.get(client) ?? [], rule) ?? { type: null }));
  const mounts = new Map(
    alerts
      .filter((alert) => alert.state !== 'pending' && isOfMount(alert))
      .map(({ client, subject }) => [`${client}\0${subject}`, { client, mount: subject }] as const),
  );
  // A single mount shares a line with no other.
  return mounts.size < 2 ? new Map() : await storage.notifications.exportsOf([...mounts.values()]);
}

/** A mail as it is stored, and its words. */
interface WrittenMail {
  readonly mail: DueMail;
  readonly words: MailText;
  readonly stored: NewMail;
}

/** Returns config.xml, without `<replies>` while no reply is read: a mail must not ask for one then. */
async function answeredConfig({ config, storage }: EnqueueMailsOptions): Promise<Config> {
  return (await readUnreadReplies(config, storage.evaluation)) === null ? config : { ...config, replies: null };
}

/**
 * Writes a mail. If that fails, writes it without what is only beside its alerts: charts, systems, excerpts, looks,
 * causes. Returns null if that fails too.
 */
async function writeOrFault(options: EnqueueMailsOptions, mail: DueMail): Promise<WrittenMail | null> {
  try {
    return await writeMail(options, mail, options);
  } catch (thrown) {
    options.stages.heed(`the mail to ${mail.recipient} with what is beside its alerts`, thrown, false);
  }
  try {
    return await writeMail(options, withoutCauses(mail), null);
  } catch (thrown) {
    options.stages.heed(`the mail to ${mail.recipient}`, thrown);
    return null;
  }
}

function withoutCauses(mail: DueMail): DueMail {
  const plain = (item: PendingNotification): PendingNotification => ({
    ...item,
    alert: { ...item.alert, cause: null },
  });
  const sections = mail.sections.map((section) => ({
    ...section,
    rules: section.rules.map((rule) => ({
      ...rule,
      lines: rule.lines.map((line) => ({ ...line, items: line.items.map(plain) })),
    })),
  }));
  return { ...mail, items: mail.items.map(plain), sections };
}

/** Writes a mail, with what `beside` reads of the database; null: without that. */
async function writeMail(
  { config, nowMs }: EnqueueMailsOptions,
  mail: DueMail,
  beside: EnqueueMailsOptions | null,
): Promise<WrittenMail> {
  const [{ composeMail }, { takesReplies }] = await Promise.all([
    import('../compose/compose-mail.ts'),
    import('../compose/mail-words.ts'),
  ]);
  const { recipient, severity, ordinary, items, replaces } = mail;
  const charts = beside === null ? new Map<number, never>() : await readCharts(beside, items);
  const systems = beside === null ? new Map<string, never>() : await readSystems(beside, mail);
  const timesToday = beside === null ? new Map<number, never>() : await readTimesToday(beside, mail);
  const excerpts = beside === null ? new Map<string, never>() : await readExcerpts(beside, mail);
  const alerts = items.map(({ alert }) => alert);
  const looks = beside === null ? new Map<string, never>() : await readLooks(beside.storage, alerts);
  const replyToken = takesReplies(mail, config) ? newReplyToken() : null;
  const { replyLinks } = config;
  const replyLink = replyLinks === null || replyToken === null ? null : linkOfToken(replyLinks, replyToken);
  const read = { charts, timesToday, systems, excerpts, looks };
  const words = composeMail({ mail, config, nowMs, ...read, replyLink, program: 'fleet-health' });
  const content = await freeze({ config, nowMs }, mail, words, replyToken, looks);
  const notifications = items.map(({ alertId, sequence, transition, before }) => ({
    alertId,
    sequence,
    transition,
    before,
  }));
  const { messageId } = words;
  const stored = { recipient, messageId, content, severity, ordinary, replyToken, notifications, replaces };
  return { mail, words, stored };
}

/** Returns the content that is stored and sent: a mail, or the request of a webhook. */
async function freeze(
  { config, nowMs }: Pick<EnqueueMailsOptions, 'config' | 'nowMs'>,
  mail: DueMail,
  words: MailText,
  replyToken: string | null,
  looks: ReadonlyMap<string, StoredLook>,
): Promise<string> {
  const { kind, name } = kindOfRecipient(mail.recipient);
  if (kind === 'webhook') {
    const [{ composeNotice }, { freezeWebhook, webhookForm }] = await Promise.all([
      import('../compose/compose-notice.ts'),
      import('../../notify/webhook/freeze-webhook.ts'),
    ]);
    return freezeWebhook(composeNotice(mail, words, nowMs, config, looks), webhookForm(config.webhooks, name));
  }
  const [{ freezeMail }, { senderOf }] = await Promise.all([
    import('../../notify/mime.ts'),
    import('../../notify/mail-identity.ts'),
  ]);
  const { replies } = config;
  return await freezeMail({
    mail: words,
    from: senderOf(config),
    to: kind === 'mail' ? name : null,
    replyTo: replies === null || replyToken === null ? null : replyAddress(replies.address, replyToken),
    dateMs: nowMs,
  });
}

/** Returns how often the alerts that fire anew have begun to fire since midnight, in the zone of people. */
async function readTimesToday(
  { storage, config, nowMs }: EnqueueMailsOptions,
  { items }: DueMail,
): Promise<ReadonlyMap<number, number>> {
  const begun = items.flatMap(({ alertId, transition }) => (transition === 'firing' ? alertId : []));
  if (begun.length === 0) return new Map();
  const { zone } = config.alerts;
  return await storage.notifications.timesFired(
    begun.slice(0, maxSystems),
    wallTime(zone, calendarDay(zone, nowMs), 0),
  );
}

/** The most clients whose systems are named, and the most excerpts: a mail may be about half the fleet. */
const maxSystems = 100;

/** Returns the systems of the clients that have a line of their own. */
async function readSystems(
  { storage }: EnqueueMailsOptions,
  { sections }: DueMail,
): Promise<ReadonlyMap<string, string>> {
  const lines = sections.flatMap(({ rules }) => rules.flatMap((rule) => rule.lines));
  const clients = lines.flatMap(({ fold, items: [item] }) =>
    fold !== null || !item || !kindOf(item).followsRows ? [] : item.client,
  );
  const asked = [...new Set(clients)].slice(0, maxSystems);
  return asked.length === 0 ? new Map() : storage.notifications.systemsOf(asked);
}

/** Returns the last lines about the checks and failed units that fire and have a line of their own. */
async function readExcerpts(
  { storage, config }: EnqueueMailsOptions,
  { sections }: DueMail,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const lines = sections.flatMap(({ rules }) => rules.flatMap((rule) => rule.lines));
  const subjects = lines.flatMap(({ fold, items: [item] }): readonly ExcerptSubject[] => {
    const type = item?.rule === 'check-unknown' ? 'check' : (item?.watch.rule?.type ?? null);
    const isAsked = fold === null && (type === 'check' || type === 'service') && item?.alert.state === 'firing';
    return isAsked ? [{ client: item.client, subject: item.subject, isUnit: type === 'service' }] : [];
  });
  return subjects.length === 0 || !config.alerts.excerpt
    ? new Map()
    : storage.notifications.excerptsOf(subjects.slice(0, maxSystems));
}
