/**
 * Knows who must know what by when, and nothing of the alerter. A tick is a run of the collector and a pass of the
 * alerter a minute later. The promises are those of docs/alerts.md and docs/mail.md:
 * - who hears of a value knows its state once it has lasted and nothing disturbed the fleet or the mail server;
 * - nobody is notified of a severity that no row had, of a bad value whose newest row is better, twice of one
 *   transition (but in the window of SMTP), or of the end of an alert that he was never notified of;
 * - nobody with `after` is notified before its time;
 * - nobody is notified that a client is unreachable while he knows it of the one that it stands on (`on`);
 * - what holds a critical value back from somebody is an alert that this person was told of as critical;
 * - whoever was notified of a beginning is notified of the end, also if config.xml does not name him any more;
 * - what a silence, a window or a paused client mutes, and the reminder of what was acknowledged, is in no mail;
 * - where the group needs two of three, whoever hears of critical values knows in time that it lacks members, or that
 *   its members are away, and knows the end of it;
 * - the same of outages; and a pass ends with 1 while somebody lacks a mail that is due, with 0 when all is well.
 */
import assert from 'node:assert/strict';

import type { PendingNotification } from '../../../src/alerter/dispatch/notification-plan.ts';
import type { Severity } from '../../../src/config/config.ts';

export type Level = Severity | 'ok';
export type Topic = 'disk' | 'unreachable';
export type OutageTopic = 'config-broken' | 'database-away';

/** The part of an item of a mail that its reader sees. */
type Item = Pick<
  PendingNotification,
  'alertId' | 'client' | 'rule' | 'transition' | 'severity' | 'sequence' | 'below' | 'leftBy'
>;

/** `after`: the ticks for which an alert is critical and not acknowledged before the person hears of it. */
interface Hearer {
  readonly least: Severity;
  readonly topic: Topic | null;
  readonly after?: number;
}

/** The fleet as config.xml and the operators have it now. */
export interface Surroundings {
  /** The people that config.xml names, with the least severity and the topic that each hears. */
  readonly hearers: ReadonlyMap<string, Hearer>;
  /** The clients that are visited and watched. */
  readonly clients: readonly string[];
  /** The client that a client stands on. */
  readonly on: Readonly<Record<string, string>>;
  readonly isMuted: (client: string, topic: Topic) => boolean;
  /** True if disks have a rule for warnings and one for critical values, for which a warning is a recovery. */
  readonly hasTwoRules: boolean;
  /** True if two of the three clients are needed: one that is unreachable is a warning, two are the group's alert. */
  readonly isNeedy: boolean;
}

/** A value of a client, as its rows say. */
interface Fact {
  level: Level;
  /** The number of rows in a row with this level, and of ticks since the first of them. */
  rows: number;
  ticks: number;
  age: number;
  /** The number of runs since the row that brought the level, or since a mute. Infinity if a row of it was late. */
  runs: number;
  /** The ages, in rows, of the changes of the last day. */
  changes: number[];
  /** The worst level since the value was last known to be ok. */
  worst: Level;
  /** null: perhaps, because an edit may have replaced the rule, whose alert is another one then. */
  isAcknowledged: boolean | null;
  /** True after an edit of the rules until a pass evaluates a row: the open alert may be that of an earlier rule. */
  isOfEarlierRule: boolean;
  /** True since an acknowledgement, which holds until the alert ends or gets worse. */
  mayBeAcknowledged: boolean;
}

/** An alert that a person knows of. Stale: the database was restored since, and may notify of it again. */
interface Known extends Pick<Item, 'client' | 'rule' | 'severity'> {
  readonly heardAt: number;
  readonly isStale: boolean;
}

interface Person {
  readonly alerts: Map<string, Known>;
  readonly outages: Map<OutageTopic, 'away' | 'back'>;
  /** The tick in which each Message-ID arrived first. */
  readonly mails: Map<string, number>;
  /** The number of ticks since the mail server began to take all mails to the person; 0 while it does not. */
  wellTicks: number;
}

const order: readonly Level[] = ['ok', 'warning', 'critical'];
const ends = ['resolved', 'ended'];
/** `groupInterval` is a tick; a value on its way back may wait three; a lost lease or claim costs one. */
const slackTicks = 5;
/** A refused mail is tried again within 65 minutes. */
const retryTicks = 5;
/** The rows after which a flapping value is notified: as bad, and as over. */
const settledRows = { bad: 5, ok: 17 };
/** The number of changes within a day from which a value may flap. */
const fewestChanges = 3;
export const repeatTicks = 16;
const groupShort = 'group-short';
/** An alert that is only listed waits twelve hours for a mail. */
const listingTicks = 60;
const unacknowledged = { isAcknowledged: false, mayBeAcknowledged: false };
const freshFact: Fact = {
  level: 'ok',
  rows: 0,
  ticks: 0,
  age: 0,
  runs: 0,
  changes: [],
  worst: 'ok',
  ...unacknowledged,
  isOfEarlierRule: false,
};

export class Model {
  readonly #facts = new Map<string, Fact>();
  readonly #people = new Map<string, Person>();
  readonly #outages = new Map<OutageTopic, { isOn: boolean; ticks: number }>();
  #tick = 0;
  #calm = Infinity;
  /** The last tick after which a mail may come twice. */
  #windowAt = -1;
  #restoredAt = -Infinity;

  /** Notes that the clock leapt, config.xml changed or a pass was killed: nothing is due for some ticks. */
  disturb(extraTicks = 0): void {
    this.#calm = -extraTicks;
    for (const fact of this.#facts.values()) fact.rows = 0;
  }

  /** Allows a second copy of each mail: an answer was lost, or a pass died. */
  openWindow(): void {
    this.#windowAt = this.#tick;
  }

  /** Notes that the database is an earlier copy. Rows since are stored again, notifications are not. */
  restore(): void {
    this.disturb();
    this.openWindow();
    this.#restoredAt = this.#tick;
    for (const fact of this.#facts.values()) fact.isAcknowledged = false;
    for (const { alerts } of this.#people.values()) {
      const stale = [...alerts.values()].map((one) => ({ ...one, isStale: true }));
      alerts.clear();
      for (const one of stale) alerts.set(`stale ${one.client} ${one.rule}`, one);
    }
  }

  acknowledge(): void {
    for (const fact of this.#facts.values()) {
      const isOpen = fact.level !== 'ok' && fact.ticks > 0;
      const isAcknowledged = isOpen && fact.isOfEarlierRule ? null : isOpen;
      Object.assign(fact, { isAcknowledged, mayBeAcknowledged: true });
    }
  }

  /** Notes that config.xml has other rules: somebody may not have acknowledged their alerts. */
  editRules(): void {
    for (const fact of this.#facts.values()) {
      if (fact.isAcknowledged === true) fact.isAcknowledged = null;
      fact.isOfEarlierRule = true;
    }
  }

  /** Notes that the mail server takes all mails to a person from now on, or does not. */
  serve(name: string, isWell: boolean): void {
    const person = this.#person(name);
    person.wellTicks = isWell ? Math.max(1, person.wellTicks) : 0;
  }

  outage(topic: OutageTopic, isOn: boolean): void {
    this.#outages.set(topic, { isOn, ticks: 0 });
  }

  /** Notes that a run of the collector began. It brings no rows while the database is away. */
  run({ isMuted }: Pick<Surroundings, 'isMuted'>): void {
    for (const [key, fact] of this.#facts) {
      const [client, topic] = key.split(' ') as [string, Topic];
      Object.assign(fact, { age: fact.age + 1, runs: fact.runs + 1 });
      // A row from before the end of a silence or window confirms nothing, also if no pass is made meanwhile.
      if (isMuted(client, topic)) Object.assign(fact, { rows: 0, runs: 0 });
    }
  }

  /** Takes the level of a value in a row. A late row is older than the newest one, or than the end of what muted it. */
  row(
    client: string,
    topic: Topic,
    level: Level,
    late: 'no' | 'but newest' | 'after a newer row' | 'after a mute',
  ): void {
    const fact = this.#fact(client, topic);
    if (isWorse(level, fact.worst)) fact.worst = level;
    // A single pass may evaluate the row before the newer ones, which do not change the level if they lack the value.
    if (late === 'after a newer row') {
      if (level !== fact.level) {
        fact.changes.push(0, 0);
        Object.assign(fact, { rows: 0, ticks: 0 });
      }
      // The row says that the level began earlier, for a pass that evaluates both.
      else fact.runs = Infinity;
      return;
    }
    fact.changes = fact.changes.map((age) => age + 1).filter((age) => age <= 60);
    if (level !== fact.level) fact.runs = late === 'no' ? 0 : Infinity;
    if (level === fact.level) fact.rows += 1;
    else Object.assign(fact, { level, rows: 1, ticks: 0, isAcknowledged: false, changes: [...fact.changes, 0] });
    if (late === 'after a mute') Object.assign(fact, { rows: 0, ticks: 0 });
    fact.age = late === 'no' ? 0 : 2;
  }

  /** Checks a mail when it is composed. */
  compose(recipient: string, items: readonly Item[], { isMuted, hearers, on }: Surroundings): void {
    const hasGroup = items.some(({ rule }) => rule === groupShort);
    for (const { client, rule, transition, severity, below, leftBy } of items) {
      const name = `${recipient}: ${transition} ${severity} ${client} ${rule}`;
      assert.ok(below === undefined || hasGroup, `${name}, below a group that the mail does not tell of`);
      const topic = topicOf(rule);
      if (topic === null) continue;
      assert.ok(!isMuted(client, topic), `${name}, which is muted`);
      const fact = this.#fact(client, topic);
      const { after = null } = hearers.get(recipient) ?? {};
      const isLast = after !== null;
      if (ends.includes(transition)) continue;
      assert.ok(!isWorse(severity, fact.worst), `${name}, but no row was so bad`);
      const isStopped = transition === 'reminder' || (transition === 'firing' && isLast);
      assert.ok(!isStopped || fact.isAcknowledged !== true, `${name}, which is acknowledged`);
      // A mail that tells that a parent is back names the clients that are still away.
      const isFollowUp = transition === 'past' || (transition === 'reminder' && leftBy === undefined);
      assert.ok(!isLast || !isFollowUp, `${name}, in spite of \`after\``);
      // A level that has changed twice may be that of an earlier alert, which goes on.
      const isCounted = fact.changes.length < 2 && this.#calm >= slackTicks + (after ?? 0);
      const isEarly = transition === 'firing' && isCounted && fact.runs < (after ?? 0);
      assert.ok(!isEarly, `${name}, before its time`);
      const isSteady = fact.changes.length < fewestChanges && fact.rows > 0 && fact.age < 2;
      const isBack = isSteady && isWorse(severity, fact.level);
      const isOfNow = ['firing', 'escalated', 'reminder'].includes(transition);
      assert.ok(!isOfNow || !isBack || this.#calm < slackTicks, `${name}, but its newest row is ${fact.level}`);
      const parent = on[client];
      const isToldAlone = topic === 'unreachable' && transition === 'firing' && below === undefined;
      if (!isToldAlone || parent === undefined) continue;
      const { level, rows, ticks, changes } = this.#fact(parent, topic);
      const isAway = level === 'critical' && changes.length < fewestChanges && Math.min(rows, ticks) > slackTicks;
      const isKnown = isAway && this.#knownOf(recipient, parent, topic).some(({ isStale }) => !isStale);
      assert.ok(!isKnown || this.#calm < slackTicks, `${name}, which ${parent} stands for`);
    }
  }

  /** Reads a mail about alerts when the mail server has taken it. */
  read(recipient: string, messageId: string, items: readonly Item[]): void {
    if (this.#hasCome(recipient, messageId)) return;
    const { alerts, wellTicks } = this.#person(recipient);
    const isForgiven = this.#restoredAt >= 0 && Math.min(this.#tick - this.#restoredAt, wellTicks) < 2 * slackTicks;
    const isEnd = ({ transition }: Item): boolean => ends.includes(transition) || transition === 'past';
    for (const item of [...items.filter(isEnd), ...items.filter((one) => !isEnd(one))]) {
      const { alertId, client, rule, transition, severity, sequence } = item;
      const words = `${recipient}: ${transition} ${client} ${rule}`;
      const stale = [...alerts].filter(([, one]) => one.isStale && one.client === client && one.rule === rule);
      const knows = alerts.has(`${alertId}`);
      if (stale.length === 0 && !isForgiven) {
        // A group is told again when no member serves any more.
        const isWorse = rule === groupShort && sequence > 1;
        if (transition === 'firing') assert.ok(!knows || isWorse, `${words}, a second time`);
        else if (transition === 'past') assert.ok(!knows, `${words}, whose beginning was notified`);
        else assert.ok(knows || transition === 'flapping', `${words}, whose beginning was never notified`);
      }
      // An alert that is over may be older than the stale one, which goes on.
      const topic = topicOf(rule);
      const isOlder = transition === 'past' && topic !== null && this.#fact(client, topic).level !== 'ok';
      for (const [id] of isOlder ? [] : stale) alerts.delete(id);
      if (isEnd(item)) alerts.delete(`${alertId}`);
      else alerts.set(`${alertId}`, { client, rule, severity, heardAt: this.#tick, isStale: false });
    }
  }

  /** Reads a mail about an outage. */
  readOutage(recipient: string, messageId: string, topic: OutageTopic, state: string): void {
    if (this.#hasCome(recipient, messageId)) return;
    const { outages } = this.#person(recipient);
    const now = state === 'resolved' ? 'back' : 'away';
    assert.notEqual(now, outages.get(topic) ?? 'back', `${recipient}: ${topic} ${state} a second time`);
    outages.set(topic, now);
  }

  /** True if a mail is the copy of an earlier one, which only the window of SMTP explains. */
  #hasCome(recipient: string, messageId: string): boolean {
    const { mails } = this.#person(recipient);
    const firstAt = mails.get(messageId);
    mails.set(messageId, firstAt ?? this.#tick);
    assert.ok(firstAt === undefined || this.#windowAt >= firstAt, `${recipient}: ${messageId} came twice`);
    return firstAt !== undefined;
  }

  /** Ends a tick. `exitStatus`: of its pass; null if there was none, because the database was away. */
  tick(around: Surroundings, exitStatus: number | null): void {
    this.#tick += 1;
    this.#calm += 1;
    for (const person of this.#people.values()) if (person.wellTicks > 0) person.wellTicks += 1;
    for (const outage of this.#outages.values()) outage.ticks += 1;
    for (const name of this.#people.keys()) this.#checkOutages(name, around);
    if (exitStatus === null) return;
    const wellTicks = Math.min(...[...this.#people.values()].map((person) => person.wellTicks - retryTicks));
    for (const [key, fact] of this.#facts) {
      const [client, topic] = key.split(' ') as [string, Topic];
      const isMuted = around.isMuted(client, topic);
      Object.assign(fact, isMuted ? { rows: 0, ticks: 0, runs: 0 } : { ticks: fact.ticks + 1 });
      // A row after an edit may begin the alert of another rule.
      if (fact.rows > 0 && fact.isOfEarlierRule) Object.assign(fact, { ticks: 0, isOfEarlierRule: false });
      if (!around.clients.includes(client)) Object.assign(fact, { level: 'ok', rows: settledRows.ok, changes: [] });
      const isForgotten = fact.level === 'ok' && Math.min(fact.ticks, fact.rows) > listingTicks;
      if (isForgotten && Math.min(this.#calm, wellTicks) > slackTicks) fact.worst = 'ok';
      if (fact.level === 'ok' && hasLasted(fact, topic, around)) fact.mayBeAcknowledged = false;
    }
    for (const [name, person] of this.#people) {
      const lack = this.#lackOf(name, around);
      const waitsTicks = slackTicks + (around.hearers.get(name)?.after ?? 0);
      const isDue = Math.min(this.#calm, person.wellTicks - retryTicks) >= waitsTicks;
      assert.ok(lack === null || !isDue, `tick ${this.#tick}: ${lack ?? ''}`);
      const isRefused = person.wellTicks === 0 && this.#calm > slackTicks;
      assert.ok(lack === null || !isRefused || exitStatus === 1, `tick ${this.#tick}: ${lack ?? ''}, and exit 0`);
    }
    const isWell = Math.min(this.#calm, wellTicks) > slackTicks;
    assert.ok(!isWell || exitStatus === 0, `tick ${this.#tick}: all is well, and exit status ${exitStatus}`);
  }

  /** Returns what a person does not know although it has lasted; null if nothing. */
  #lackOf(name: string, around: Surroundings): string | null {
    const hearer = around.hearers.get(name);
    const ofGroup = this.#lackOfGroup(name, around);
    if (ofGroup !== null) return ofGroup;
    for (const [key, fact] of this.#facts) {
      const [client, topic] = key.split(' ') as [string, Topic];
      const own = this.#knownOf(name, client, topic);
      const known = own.reduce<Level>((worst, { severity }) => (isWorse(severity, worst) ? severity : worst), 'ok');
      if (
        !hasLasted(fact, topic, around) ||
        (topic === 'disk' && this.#isUnreachable(client, name, fact.level, around))
      )
        continue;
      if (topic === 'unreachable' && this.#isOfGroup(name, fact, known, around)) continue;
      const parent = around.on[client];
      const isHeld = own.length === 0 && topic === 'unreachable' && fact.level !== 'ok';
      if (isHeld && parent !== undefined && this.#knows(name, parent, topic, fact.level)) continue;
      const isHeard = hearer !== undefined && (hearer.topic ?? topic) === topic && !isWorse(hearer.least, fact.level);
      const { after = null } = hearer ?? {};
      const isWaiting = after !== null && (fact.mayBeAcknowledged || fact.ticks < slackTicks + after);
      const mustKnow = fact.level === 'ok' || (isHeard && !isWaiting);
      if (mustKnow && known !== fact.level) return `${name} knows that ${key} is ${known}, but it is ${fact.level}`;
      const heardAt = Math.max(...own.map((one) => one.heardAt));
      const sinceTicks = Math.min(fact.ticks, this.#calm, this.#tick - heardAt);
      const isReminded = fact.isAcknowledged !== false || after !== null || sinceTicks <= repeatTicks + 2 * slackTicks;
      if (isHeard && !isReminded && !(around.isNeedy && topic === 'unreachable'))
        return `${name} was not reminded that ${key} is ${known}`;
    }
    return null;
  }

  /** True if a person knows enough of a client whose group needs others, whatever the person knows of the client. */
  #isOfGroup(name: string, { level }: Fact, known: Level, around: Surroundings): boolean {
    if (this.#knowsGroup(name)) return true;
    if (!around.isNeedy || level === 'ok') return false;
    const { lost, isSteady } = this.#group(around);
    const isEased = known !== 'ok' || around.hearers.get(name)?.least === 'critical';
    // A second client that is lost may not have failed often enough yet.
    return lost < 2 || !isSteady ? isEased : known === 'critical';
  }

  /** Returns what a person does not know of the group; null if nothing. */
  #lackOfGroup(name: string, around: Surroundings): string | null {
    const { lost, isSteady, isWell } = this.#group(around);
    const { least = null, topic = null, after = null } = around.hearers.get(name) ?? {};
    if (this.#knowsGroup(name)) return isWell ? `${name} knows that the group lacks members, but all are well` : null;
    if (!around.isNeedy || lost < 2 || !isSteady || least === null || topic !== null || after !== null) return null;
    const known = around.clients.filter((client) => this.#knownOf(name, client, 'unreachable').length > 0);
    return known.length >= 2 ? null : `${name} does not know that the group lacks members`;
  }

  /** Counts the clients that are lost. Steady: nothing has changed lately. Well: all have been reached for a while. */
  #group({ clients, isMuted, hasTwoRules, ...around }: Surroundings) {
    const facts = clients.map((client) => this.#fact(client, 'unreachable'));
    const surroundings = { clients, isMuted, hasTwoRules, ...around };
    const isSteady = facts.every((fact) => hasLasted(fact, 'unreachable', surroundings));
    return {
      lost: facts.filter(({ level }) => level === 'critical').length,
      isSteady: isSteady && !clients.some((client) => isMuted(client, 'unreachable')),
      isWell: facts.every(({ level, rows, ticks }) => level === 'ok' && Math.min(rows, ticks) > settledRows.ok),
    };
  }

  #knowsGroup(name: string): boolean {
    return [...this.#person(name).alerts.values()].some(({ rule, isStale }) => rule === groupShort && !isStale);
  }

  /** True if the alert that a client is unreachable stands for its other alerts, for this person. */
  #isUnreachable(client: string, name: string, of: Level, { hearers, isMuted }: Surroundings): boolean {
    const { level, ticks } = this.#fact(client, 'unreachable');
    if (level === 'ok' && ticks > slackTicks) return false;
    const known = this.#knownOf(name, client, 'unreachable');
    if (known.length > 0) return of === 'ok' || this.#knows(name, client, 'unreachable', of);
    return hearers.get(name)?.topic === null && !isMuted(client, 'unreachable');
  }

  #checkOutages(name: string, { hearers }: Surroundings): void {
    const { outages, wellTicks } = this.#person(name);
    for (const [topic, { isOn, ticks }] of this.#outages) {
      if (Math.min(ticks, this.#calm, wellTicks - retryTicks) <= 2) continue;
      const knows = outages.get(topic) === 'away';
      assert.ok(
        knows || !isOn || hearers.get(name)?.topic !== null || hearers.get(name)?.after !== undefined,
        `tick ${this.#tick}: ${name} does not know of ${topic}`,
      );
      assert.ok(!knows || isOn, `tick ${this.#tick}: ${name} does not know that ${topic} is over`);
    }
  }

  /** True if a person was told of an alert at a severity that is no milder than this. */
  #knows(name: string, client: string, topic: Topic, least: Level): boolean {
    return this.#knownOf(name, client, topic).some(({ severity }) => !isWorse(least, severity));
  }

  #knownOf(name: string, client: string, topic: Topic): readonly Known[] {
    const known = [...this.#person(name).alerts.values()];
    return known.filter((one) => one.client === client && topicOf(one.rule) === topic);
  }

  #fact(client: string, topic: Topic): Fact {
    const key = `${client} ${topic}`;
    const fact = this.#facts.get(key) ?? { ...freshFact };
    this.#facts.set(key, fact);
    return fact;
  }

  #person(name: string): Person {
    const fresh = { alerts: new Map(), outages: new Map(), mails: new Map(), wellTicks: Infinity };
    const person = this.#people.get(name) ?? fresh;
    this.#people.set(name, person);
    return person;
  }
}

function isWorse(one: Level, other: Level): boolean {
  return order.indexOf(one) > order.indexOf(other);
}

function topicOf(rule: string): Topic | null {
  if (rule === 'unreachable') return 'unreachable';
  return rule.startsWith('disk') ? 'disk' : null;
}

/** True if enough rows say the level, and the alerter had the time to notify it. */
function hasLasted({ level, rows, ticks, changes }: Fact, topic: Topic, { hasTwoRules }: Surroundings): boolean {
  const isSteady = changes.length < fewestChanges;
  const rowsOfFor = topic === 'unreachable' || level !== 'critical' ? 2 : 1;
  const isRecovery = level === 'ok' || (level === 'warning' && hasTwoRules);
  const needed = isSteady ? rowsOfFor : isRecovery ? settledRows.ok : settledRows.bad;
  return rows >= needed && ticks >= slackTicks;
}
