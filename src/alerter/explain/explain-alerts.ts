/** src/alerter/explain: why somebody is or is not notified. */
import type { AboutKey } from '../../about/about.ts';
import { isWrittenOnly } from '../../notify/mail-identity.ts';
import type { Config, Rule, Window } from '../../config/config.ts';
import type { MailSummary, Unsent } from '../../storage/store/outbox-store.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { keyOfGroup, kindOf } from '../../about/kinds.ts';
import type { Alert, LastNotified } from '../../storage/store/alert.ts';
import { groupBy } from '../../platform/group-by.ts';
import { easingOf } from '../inhibit/easing.ts';
import type { NeedingGroup } from '../inhibit/group-states.ts';
import { standingText } from './group-words.ts';
import { openMutes, type MuteKey, type Mutes } from '../inhibit/mutes.ts';
import { isAcknowledged } from '../inhibit/inhibition.ts';
import { type EventScope, eventRules, sampleEvents } from '../evaluate/event-samples.ts';
import type { Sample } from '../evaluate/sample.ts';
import { readDispatchInput } from '../dispatch/read-dispatch-input.ts';
import { membersByGroup } from '../../config/clients/group-needs.ts';
import { notifyingSteps, planNotifications } from '../dispatch/plan-notifications.ts';
import type { NotificationPlan } from '../dispatch/notification-plan.ts';
import { type FoundCause, openCauses } from '../cause/find-cause.ts';
import { type HoldReason, holdReasons, type StepName } from '../inhibit/hold-reason.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import { lookAt, readLooks } from '../cause/read-looks.ts';
import type { StoredLook } from '../../storage/store/notification-store.ts';
import { dayMs } from '../../platform/units.ts';
import { type Listener, worstSeverity } from '../../config/recipients/listeners.ts';
import { createWatches } from '../inhibit/watches.ts';

export interface RuleExplained {
  readonly rule: Rule;
  /** The group that the rule evaluates; null for a rule of a client or of the fleet. */
  readonly group: string | null;
  /** The samples of the newest row by subject. */
  readonly samples: readonly Sample[];
  /** The reason why the newest report has no sample, and its begin; null if it has one, or the rule needs no report. */
  readonly unknown: { readonly reason: string; readonly sinceMs: number } | null;
  readonly listeners: readonly Listener[];
  /** Silences and windows in force for the rule's subjects, with and without open alerts. */
  readonly mutes: readonly RuleMute[];
  /** Open alerts first, then the alert that ended last. */
  readonly alerts: readonly AlertExplained[];
}

/** A silence or window in force, and the subjects that it covers; empty if it covers all. */
export interface RuleMute {
  readonly reason: HoldReason;
  readonly subjects: readonly string[];
}

export interface AlertExplained {
  readonly alert: Alert;
  readonly notified: readonly Notified[];
  /** The reasons that hold a notification back now, or would: silences, windows and an acknowledgement in force. */
  readonly held: readonly { readonly recipient: string | null; readonly reason: HoldReason }[];
  /** The recipients that a pass beginning now would notify. */
  readonly due: readonly string[];
  /** Why a critical alert of a member of a group is or is not told as a warning; null for other alerts. */
  readonly standing: string | null;
  /** The changes before an open alert of a client; null for other alerts. */
  readonly changed: FoundCause | null;
  /** The look of clients beside an unreachable one; null if there is none. */
  readonly look: StoredLook | null;
  /** The looks at unreachable members, for the open alert of a group. Empty for other alerts. */
  readonly membersSeen: readonly { readonly alert: Alert; readonly look: StoredLook }[];
}

export interface ExplainOptions {
  readonly config: Config;
  readonly storage: Pick<
    Storage,
    | 'alertHistory'
    | 'causes'
    | 'digest'
    | 'evaluation'
    | 'events'
    | 'figures'
    | 'fleet'
    | 'levels'
    | 'mails'
    | 'notifications'
    | 'operator'
  >;
  readonly isWanted: (rule: string) => boolean;
  readonly nowMs: number;
  readonly firstPass: boolean;
}

/** A client, or the fleet as a whole, whose name is ''. */
export interface Explained extends Pick<AboutKey, 'about'> {
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly windows: readonly Window[];
  /** Groups that need some of their members, for the fleet. Default: none. */
  readonly needing?: readonly NeedingGroup[];
  /** Subjects that the newest row lists under a rule. */
  readonly subjectsOf: (rule: Rule) => readonly string[];
}

export interface AlertsExplained {
  readonly rules: readonly Omit<RuleExplained, 'samples' | 'unknown'>[];
  /** Mails to recipients of these rules that no mail server has accepted. */
  readonly undelivered: readonly MailSummary[];
  /** The input of a pass that began now. */
  readonly input: DispatchInput;
}

/** Samples the newest events by the wanted rules of events. */
export async function explainEvents(
  { storage, isWanted, nowMs }: ExplainOptions,
  scope: EventScope,
): Promise<readonly Sample[]> {
  const rules = eventRules(scope.rules).filter((rule) => isWanted(rule.name));
  if (rules.length === 0) return [];
  return sampleEvents({ ...scope, rules }, await storage.events.newestEvents(), { nowMs, mayMiss: true });
}

const runsMs = dayMs;
/** The most alerts of one client that are shown. Older ones can be read by SQL. */
const alertsShown = 100;

/** Explains the open alerts of some rules: the recipients that were notified, and the plan of a pass that began now. */
export async function explainAlerts(options: ExplainOptions, of: Explained): Promise<AlertsExplained> {
  const { config, storage, isWanted, nowMs, firstPass } = options;
  const runs = await storage.fleet.runs('collect', nowMs - runsMs);
  const input = await readDispatchInput({ config, storage, runs, nowMs, firstPass, newRules: new Set() });
  const plan = planNotifications(input);
  const alerts = await storage.alertHistory.alertsOf({ client: of.name, openOnly: false, limit: alertsShown });
  const ids = alerts.flatMap(({ id }) => id ?? []);
  const notified = await notifiedOf(config, storage, ids);
  const watchOf = createWatches(config);
  const mutes = openMutes({ config, silences: await storage.operator.silences(nowMs) });
  const causeOf = openCauses({ config, causes: storage.causes, alerts: input.alerts, runs, nowMs });
  const changed = await causesOf(
    alerts.filter((alert) => kindOf(alert).followsRows && alert.state !== 'resolved' && isWanted(alert.rule)),
    causeOf,
  );
  const membersLost = openMembersLost(config, input.alerts);
  const looks = await readLooks(storage, [...alerts, ...alerts.flatMap(membersLost)]);
  const easing = config.needs.length === 0 ? null : easingOf(input);
  const explained = (alert: Alert): AlertExplained => ({
    alert,
    notified: notified.get(alert.id ?? NaN) ?? [],
    ...outlookOf(plan, alert, inForceAt(alert, mutes, nowMs)),
    standing: easing === null ? null : standingText(easing, alert),
    changed: changed.get(alert) ?? null,
    look: lookAt(alert, looks),
    membersSeen: membersLost(alert).flatMap((member) => {
      const look = lookAt(member, looks);
      return look === null ? [] : { alert: member, look };
    }),
  });
  const ofGroups = (of.needing ?? []).map(({ need }) => ({ rule: need.rule, group: need.name }));
  const rules = [...of.rules.map((rule) => ({ rule, group: null })), ...ofGroups]
    .filter(({ rule }) => isWanted(rule.name))
    .map(({ rule, group }) => {
      const key = group === null ? { about: of.about, client: of.name, rule: rule.name } : keyOfGroup(group);
      const { listeners } = watchOf(key);
      const own = alerts.filter((alert) => alert.rule === rule.name && (group === null || alert.subject === group));
      const open = own.filter(({ state }) => state !== 'resolved');
      const ended = own.filter(({ state }) => state === 'resolved').slice(0, 1);
      return {
        ...{ rule, group },
        listeners: [...listeners.values()],
        mutes: mutesOf(
          mutes,
          nowMs,
          { ...key, severity: worstSeverity(rule) },
          group === null ? of.subjectsOf(rule) : [group],
        ),
        alerts: [...open, ...ended].map(explained),
      };
    });
  const concerned = new Set(
    rules.flatMap(({ listeners, alerts: own }) => [
      ...listeners.map(({ recipient }) => recipient),
      ...own.flatMap((one) => one.notified.map(({ recipient }) => recipient)),
    ]),
  );
  const undelivered = (await storage.mails.undelivered()).filter(({ recipient }) => concerned.has(recipient));
  return { rules, undelivered, input };
}

/** Returns a function that finds the alerts of unreachable members, for the open alert of a group. */
function openMembersLost(config: Config, alerts: readonly Alert[]): (alert: Alert) => readonly Alert[] {
  const membersOf = membersByGroup(config);
  return (alert) => {
    if (!kindOf(alert).carriesOthers || alert.state === 'resolved') return [];
    const members = new Set((membersOf.get(alert.subject) ?? []).map(({ name }) => name));
    return alerts.filter(({ client, rule }) => rule === 'unreachable' && members.has(client));
  };
}

/** Returns the mutes and the acknowledgement of an open alert that are in force. */
function inForceAt(alert: Alert, mutes: Mutes, nowMs: number): readonly HoldReason[] {
  if (alert.state === 'resolved') return [];
  const { acknowledgedBy: by, acknowledgedUntilMs: untilMs } = alert;
  const acknowledged = by !== null && isAcknowledged(alert, nowMs);
  return [...mutes.reasonsAt(alert, nowMs), ...(acknowledged ? [{ kind: 'acknowledged' as const, by, untilMs }] : [])];
}

async function causesOf(
  alerts: readonly Alert[],
  causeOf: (alert: Alert) => Promise<FoundCause>,
): Promise<ReadonlyMap<Alert, FoundCause>> {
  const found = new Map<Alert, FoundCause>();
  // Alerts that began together share what is read.
  for (const alert of [...alerts].sort((one, other) => one.pendingSinceMs - other.pendingSinceMs)) {
    found.set(alert, await causeOf(alert));
  }
  return found;
}

/** Groups the mutes in force by silence or window. A rule without subjects is looked up with the subject ''. */
function mutesOf(
  { reasonsAt }: Mutes,
  nowMs: number,
  key: Omit<MuteKey, 'subject'>,
  subjects: readonly string[],
): readonly RuleMute[] {
  const asked = subjects.length === 0 ? [''] : [...new Set(subjects)];
  const covered = asked.flatMap((subject) =>
    reasonsAt({ ...key, subject }, nowMs).map((reason) => ({ subject, reason })),
  );
  return [...groupBy(covered, ({ reason }) => JSON.stringify(reason)).values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    return [{ reason: first.reason, subjects: same.length === asked.length ? [] : same.map(({ subject }) => subject) }];
  });
}

function outlookOf(
  { mails, held }: NotificationPlan,
  { id }: Alert,
  inForce: readonly HoldReason[],
): Pick<AlertExplained, 'held' | 'due'> {
  const now = held.filter(({ alertId }) => alertId === id).map(({ recipient, reason }) => ({ recipient, reason }));
  const named = new Set(now.map(({ reason }) => reason.kind));
  const others = inForce.filter(({ kind }) => !named.has(kind)).map((reason) => ({ recipient: null, reason }));
  const steps: readonly (StepName | null)[] = [null, ...notifyingSteps.map(({ name }) => name)];
  return {
    // In the order of the steps of notifying.
    held: steps.flatMap((step) => [...now, ...others].filter(({ reason }) => holdReasons[reason.kind].by === step)),
    due: mails.filter(({ items }) => items.some(({ alertId }) => alertId === id)).map(({ recipient }) => recipient),
  };
}

/** The last notification of an alert to a recipient, and the state of its mail. */
export interface Notified extends LastNotified {
  /** null if the mail was sent. */
  readonly unsent: NotSent | null;
}

/** The state of a notification that was not sent. `written`: its mail is a file, because there is no <smtp>. */
export interface NotSent extends Omit<Unsent, 'delivery'> {
  readonly delivery: Unsent['delivery'] | 'written';
}

/** Returns the last notifications of these alerts by alert, newest first. */
export async function notifiedOf(
  config: Pick<Config, 'smtp'>,
  storage: Pick<Storage, 'alertHistory' | 'mails'>,
  alertIds: readonly number[],
): Promise<ReadonlyMap<number, readonly Notified[]>> {
  const keyOf = ({ alertId, recipient }: Pick<LastNotified, 'alertId' | 'recipient'>): string =>
    `${alertId} ${recipient}`;
  const unsent = new Map((await storage.mails.unsentOf(alertIds)).map((one) => [keyOf(one), one]));
  const last = [...(await storage.alertHistory.notificationsOf(alertIds))].sort(
    (one, other) => other.notifiedAtMs - one.notifiedAtMs,
  );
  const written = ({ alertId, recipient, notifiedAtMs: sinceMs }: LastNotified): NotSent | null =>
    isWrittenOnly(config, recipient) ? { alertId, recipient, delivery: 'written', sinceMs, error: null } : null;
  const notified = last.map((one) => ({
    ...one,
    // Only the alerter itself distinguishes an alert that flapped when it was notified as firing.
    state: one.state === 'unsteady' ? ('firing' as const) : one.state,
    unsent: unsent.get(keyOf(one)) ?? written(one),
  }));
  return groupBy(notified, ({ alertId }) => alertId);
}
