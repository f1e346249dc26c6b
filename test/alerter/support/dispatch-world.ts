import assert from 'node:assert/strict';
import { test } from 'node:test';

import { followToldAhead } from '../../../src/alerter/dispatch/told-ahead.ts';
import { kindOf } from '../../../src/about/kinds.ts';
import { planNotifications } from '../../../src/alerter/dispatch/plan-notifications.ts';
import type {
  DueMail,
  PendingNotification,
  NotificationPlan,
} from '../../../src/alerter/dispatch/notification-plan.ts';
import type { Config, Severity } from '../../../src/config/config.ts';
import type { Silence } from '../../../src/storage/store/operator-store.ts';
import type {
  ClosedReason,
  Alert,
  StoredNotification,
  LastNotified,
  ToldAhead,
} from '../../../src/storage/store/alert.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { configOf } from './config-of.ts';
import { at } from './rows.ts';
import { clock } from './time-line.ts';
import type { DispatchInput } from '../../../src/alerter/inhibit/dispatch-input.ts';

/** A mail in the outbox. */
export interface SimulatedMail {
  readonly id: number;
  readonly mail: DueMail;
  readonly createdAtMs: number;
  /** `begun`: the mail server got DATA, so the mail may have been delivered. */
  state: 'waiting' | 'begun' | 'sent' | 'replaced';
}

export interface Fires {
  readonly severity?: Severity;
  readonly run?: string;
  /** The time of the alert's first row. Default: now. */
  readonly since?: string;
}

/**
 * Starts a simulated database with a clock and the data that planning reads. Tests change the alerts directly. Each
 * pass is stored as `NotificationStore.saveNotifications` would store it. The mail server's state decides which mails
 * are sent.
 */
export function startDispatch(elements: string) {
  let config: Config = configOf(elements);
  let nowMs = at('08:00');
  const alerts = new Map<number, Alert>();
  const notified = new Map<string, LastNotified>();
  const silences: Silence[] = [];
  const mails: SimulatedMail[] = [];
  const newest = new Map<string, number>();
  const runs = new Set<string>();
  let server: 'up' | 'down' | 'stalls' = 'up';
  let extra: Partial<DispatchInput> = {};
  let toldAhead: ToldAhead | null = null;

  const find = (name: string): Alert => {
    const found = [...alerts.values()].find((one) => nameOf(one) === name && one.state !== 'resolved');
    assert.ok(found, `no open alert ${name}`);
    return found;
  };
  const put = (alert: Alert, over: Partial<Alert>): void => {
    assert.ok(alert.id !== null);
    alerts.set(alert.id, { ...alert, ...over });
  };
  const change = (name: string, over: Partial<Alert>, run?: string): void => {
    const alert = find(name);
    const progress = { ...alert.progress, lastAtMs: nowMs, clearing: 0, easing: 0 };
    put(alert, { sequence: alert.sequence + 1, changedByRun: run ?? null, progress, ...over });
  };
  const world = (): DispatchInput => ({
    config,
    nowMs,
    alerts: [...alerts.values()].filter(({ closedOut }) => !closedOut),
    notified: [...notified.values()].filter(({ alertId }) => alerts.get(alertId)?.closedOut === false),
    silences: silences.filter(({ endsAtMs }) => endsAtMs > nowMs),
    endedSilences: silences.filter(({ endsAtMs }) => endsAtMs <= nowMs && endsAtMs > nowMs - 86_400_000),
    histories: historiesOf(mails, nowMs),
    waiting: mails
      .filter(({ state }) => state === 'waiting')
      .map(({ id, mail, createdAtMs }) => ({
        id,
        recipient: mail.recipient,
        messageId: `<${id}@example.org>`,
        createdAtMs,
        items: mail.items.map(({ alertId, sequence, transition, before }): StoredNotification => ({
          alertId,
          sequence,
          transition,
          before,
        })),
      })),
    unfinishedRuns: runs,
    newestRowMs: newest,
    toldAhead: followToldAhead(toldAhead, [...notified.values()], { nowMs, everyMs: config.collector.everyMs }),
    ...extra,
  });
  const send = (): void => {
    if (server === 'down') return;
    for (const mail of mails) {
      if (mail.state === 'waiting' || mail.state === 'begun') mail.state = server === 'up' ? 'sent' : 'begun';
    }
  };
  const store = (plan: NotificationPlan): void => {
    for (const mail of plan.mails) {
      for (const replaced of mails.filter(({ id }) => mail.replaces.includes(id))) {
        assert.equal(replaced.state, 'waiting');
        replaced.state = 'replaced';
      }
      mails.push({ id: mails.length + 1, mail, createdAtMs: nowMs, state: 'waiting' });
    }
    for (const mail of mails) if (plan.withdrawn.includes(mail.id)) mail.state = 'replaced';
    for (const one of plan.notified) notified.set(`${one.alertId} ${one.recipient}`, one);
    for (const one of plan.unnotified) notified.delete(`${one.alertId} ${one.recipient}`);
    for (const id of plan.closedOut) {
      const alert = alerts.get(id);
      assert.ok(alert?.state === 'resolved');
      put(alert, { closedOut: true });
    }
  };

  const passedAt = (name: string, fromMs: number, toMs: number, over: Partial<Alert> = {}): void => {
    const id = alerts.size + 1;
    const ended: Partial<Alert> = { state: 'resolved', resolvedAtMs: toMs, closedReason: 'recovered' };
    alerts.set(id, { ...firing(name, id, fromMs), ...ended, ...over });
  };
  const silenceAt = (client: string, rule: string, startsAtMs: number, endsAtMs: number): void => {
    const id = silences.length + 1;
    silences.push({ id, client, rule, subject: '', startsAtMs, endsAtMs, author: 'kim', comment: '' });
  };

  const events = {
    configure: (text: string) => {
      config = configOf(text);
    },
    add: (over: Partial<DispatchInput>) => {
      extra = { ...extra, ...over };
    },
    /** Begins an alert. `web-1 disk /`: client, rule and subject; `- collector-silent c1` concerns the fleet. */
    fires: (name: string, { severity = 'critical', run, since }: Fires = {}) => {
      const id = alerts.size + 1;
      const sinceMs = since === undefined ? nowMs : at(since);
      alerts.set(id, { ...firing(name, id, sinceMs), severity, firingSinceMs: nowMs, changedByRun: run ?? null });
      newest.set(find(name).client, nowMs);
    },
    /** Stores an alert that something else has evaluated. */
    put: (alert: Alert & { readonly id: number }) => {
      alerts.set(alert.id, alert);
    },
    changes: change,
    recovers: (name: string, run?: string) =>
      change(name, { state: 'resolved', resolvedAtMs: nowMs, closedReason: 'recovered', flapping: false }, run),
    closes: (name: string, reason: ClosedReason) =>
      change(name, { state: 'resolved', resolvedAtMs: nowMs, closedReason: reason, flapping: false }),
    /** Adds an alert that had ended before the alerter processed its rows. */
    passed: (name: string, from: string, to: string, over: Partial<Alert> = {}) =>
      passedAt(name, at(from), at(to), over),
    passedAt,
    acknowledge: (name: string, until: string | null = null, acknowledgedBy = 'kim') => {
      const alert = find(name);
      const acknowledgedUntilMs = until === null ? null : at(until);
      const how = { acknowledgedBy, acknowledgedAtMs: nowMs, acknowledgedUntilMs };
      put(alert, { ...how, acknowledgedSeverity: alert.severity });
    },
    /** Adds a row in which the client's open alerts still hold. */
    row: (client: string) => {
      newest.set(client, nowMs);
      for (const alert of alerts.values()) {
        if (alert.client !== client || alert.state === 'resolved') continue;
        put(alert, { progress: { ...alert.progress, lastAtMs: nowMs, clearing: 0, easing: 0 } });
      }
    },
    /** Adds a row in which the alert no longer holds, but which does not resolve it yet. */
    easesUp: (name: string) => {
      const alert = find(name);
      newest.set(alert.client, nowMs);
      put(alert, { progress: { ...alert.progress, lastAtMs: nowMs, clearing: 1 } });
    },
    silence: (client: string, rule: string, from: string, to: string) => silenceAt(client, rule, at(from), at(to)),
    silenceAt,
    runBegins: (run: string) => runs.add(run),
    runEnds: (run: string) => runs.delete(run),
    server: (state: typeof server) => {
      server = state;
      send();
    },
  };

  return {
    world,
    mails: mails as readonly SimulatedMail[],
    alerts: (): readonly Alert[] => [...alerts.values()],
    notified: (): readonly LastNotified[] => [...notified.values()],
    now: () => nowMs,
    ...events,
    unfinishedRuns: (): readonly string[] => [...runs],
    /** Sets the clock. Returns the events, as in `world.at('08:05').fires('web-1 cpu')`. */
    at: (time: string | number): typeof events => {
      nowMs = typeof time === 'number' ? time : at(time);
      return events;
    },
    /** Runs one pass. Returns one sentence a mail. */
    pass: (time?: string): readonly string[] => {
      if (time !== undefined) nowMs = at(time);
      const plan = planNotifications(world());
      assert.deepEqual(planNotifications(world()), plan, 'the same world gives the same plan');
      toldAhead = world().toldAhead ?? null;
      store(plan);
      send();
      return plan.mails.map(sentenceOf);
    },
    /**
     * Returns the reasons for missing notifications: `web-1 disk /: silence`. Names the recipient if the reason is the
     * recipient's own.
     */
    held: (): readonly string[] => {
      const byId = new Map([...alerts.values()].map((alert) => [alert.id, nameOf(alert)]));
      return planNotifications(world()).held.map(({ alertId, recipient, reason }) => {
        const until = 'untilMs' in reason && reason.untilMs !== null ? ` until ${clock(reason.untilMs)}` : '';
        const who = recipient === null ? '' : ` for ${shortName(recipient)}`;
        return `${byId.get(alertId) ?? ''}: ${reason.kind}${until}${who}`;
      });
    },
  };
}

/** Returns the database's record of earlier mails, by recipient. */
export function historiesOf(mails: readonly SimulatedMail[], nowMs: number): DispatchInput['histories'] {
  return [...new Set(mails.map(({ mail }) => mail.recipient))].map((recipient) => {
    const own = mails.filter(({ mail, state }) => mail.recipient === recipient && state !== 'replaced');
    const ordinary = own.flatMap(({ mail, createdAtMs }) =>
      mail.ordinary && createdAtMs <= nowMs + 3_600_000 ? createdAtMs : [],
    );
    return {
      recipient,
      createdAtMs: own.map(({ createdAtMs }) => createdAtMs).filter((time) => time > nowMs - 3_600_000),
      lastOrdinaryAtMs: ordinary.length === 0 ? null : Math.max(...ordinary),
      urgentOfClient: urgentOfClient(own, nowMs - 3_600_000),
    };
  });
}

/** Counts, by client, the urgent mails since `sinceMs` in which an alert of the client fires or gets worse. */
function urgentOfClient(mails: readonly SimulatedMail[], sinceMs: number): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { mail } of mails.filter((one) => one.createdAtMs > sinceMs && !one.mail.ordinary)) {
    const news = mail.items.filter(({ transition }) => transition === 'firing' || transition === 'escalated');
    for (const source of new Set(news.map((item) => kindOf(item).urgentSource(item))))
      counts.set(source, (counts.get(source) ?? 0) + 1);
  }
  return counts;
}

export type DispatchWorld = ReturnType<typeof startDispatch>;

/** Returns a function that defines a test with a new world. */
export function dispatchTests(
  start: () => DispatchWorld,
): (name: string, scenario: (world: DispatchWorld) => void) => void {
  return (name, scenario) => void test(name, () => scenario(start()));
}

/** Lets an alert fire and runs the pass that mails it. Returns the same world. */
export function mailed(
  world: DispatchWorld,
  name: string,
  options: Fires & { readonly at?: string } = {},
): DispatchWorld {
  world.fires(name, options);
  world.pass(options.at ?? '08:00');
  return world;
}

/**
 * Returns a mail as a sentence: `ops: firing critical web-1 disk /, resolved web-2 cpu`, with `(only listed)` after
 * such items and `(instead of ...)` after replaced mails.
 */
export function sentenceOf({ recipient, items, replaces }: DueMail): string {
  const instead = replaces.length === 0 ? '' : ` (instead of ${replaces.join(', ')})`;
  return `${shortName(recipient)}: ${items.map(describeItem).join(', ')}${instead}`;
}

function describeItem(item: PendingNotification): string {
  const { transition, severity, listedOnly, below, alert } = item;
  const isOver = ['resolved', 'ended', 'past'].includes(transition);
  const times = transition === 'past' ? ` ${clock(alert.firingSinceMs ?? 0)} to ${clock(alert.resolvedAtMs ?? 0)}` : '';
  return `${transition}${isOver ? '' : ` ${severity}`} ${nameOf(item)}${times}${listedOnly ? ' (only listed)' : ''}${below === undefined ? '' : ` below ${below}`}`;
}

function shortName(recipient: string): string {
  return recipient.replace(/@.*/, '');
}

export function nameOf({ client, rule, subject }: Pick<Alert, 'client' | 'rule' | 'subject'>): string {
  return [client === '' ? '-' : client, rule, subject].join(' ').trim();
}

/** Returns the progress of an alert whose newest row has the time `lastAtMs`. */
export function progressAt(lastAtMs: number): Alert['progress'] {
  return { holding: 1, holdingSinceMs: lastAtMs, clearing: 0, missing: 0, easing: 0, lastAtMs };
}

function firing(name: string, id: number, sinceMs: number): Alert {
  const [client = '', rule = '', ...subject] = name.split(' ');
  return alert({
    client: client === '-' ? '' : client,
    rule,
    subject: subject.join(' '),
    id,
    value: 96,
    valueText: '96 %',
    pendingSinceMs: sinceMs,
    firingSinceMs: sinceMs,
    firstEvidence: `report ${id}`,
    changedByRun: null,
    progress: progressAt(sinceMs),
  });
}
