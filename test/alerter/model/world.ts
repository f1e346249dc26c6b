/** Plays a story with the real alerter over a database, a mail server and a clock, while the model checks all of it. */
import assert from 'node:assert/strict';

import type { AlertResult } from '../../../src/alerter/alert-options.ts';
import type { DueMail } from '../../../src/alerter/dispatch/notification-plan.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { AwayNotices } from '../../../src/notify/away-notices.ts';
import { configBroken, databaseAway } from '../../../src/notify/away-state.ts';
import { minuteMs } from '../../../src/platform/units.ts';
import type { StorageConfig } from '../../../src/config/config.ts';
import type { SmtpAct, SmtpMoment } from '../../support/servers/smtp-server.ts';
import { withMoments } from '../support/moments.ts';
import { day } from '../support/rows.ts';
import { idOf, withStation, type PassOptions, type Station } from '../support/station.ts';
import { acknowledge } from '../support/whole-pass-story.ts';
import { Model, repeatTicks, type Level, type OutageTopic, type Surroundings, type Topic } from './model.ts';
import { everyMinutes, limits, type Answer, type Edit, type Fleet, type Step, type Word } from './steps.ts';

interface Silence {
  readonly client: string;
  readonly rule: string;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
}

const atFirst: Fleet = {
  ...{ oncall: true, dba: true, limits: 'usual', window: false },
  ...{ second: 'active', isRenamed: false, need: false },
};

/** Plays a story on an empty database. Throws for the first promise that is broken. */
export async function play(story: readonly Step[], storage: StorageConfig): Promise<void> {
  const smtp = 'maxMailsPerHour="1000"';
  await withStation({ storage, elements: elementsOf(atFirst), smtp }, async (station) => {
    const world = new World(station);
    await world.take({ kind: 'ticks', words: [50, 50, 50], times: 1, passEvery: 1 });
    for (const step of story) await world.take(step);
  });
}

class World {
  readonly #station: Station;
  readonly #model = new Model();
  readonly #answers = new Map<string, Answer>();
  readonly #outages = new Map<OutageTopic, boolean>();
  /** The time of the newest row by client and kind. */
  readonly #newestMs = new Map<string, number>();
  readonly #arrived: { readonly to: string; readonly content: string }[] = [];
  /** The time since the mail server took all mails. */
  #refusedMinutes = 0;
  #fleet = atFirst;
  #silences: readonly Silence[] = [];
  #backup: { readonly lose: () => Promise<void>; readonly runs: number } | null = null;
  #silencesOfBackup: readonly Silence[] = [];

  constructor(station: Station) {
    this.#station = station;
    station.at(day + 8 * 60 * minuteMs);
    station.act((moment) => this.#answer(moment));
    for (const name of this.#around().hearers.keys()) this.#model.serve(name, true);
  }

  async take(step: Step): Promise<void> {
    const { kind } = step;
    if (kind === 'ticks') for (let tick = 1; tick <= step.times; tick += 1) await this.#tick(step, tick);
    else if (kind === 'wait') this.#leap(step.minutes);
    else if (kind === 'leap') this.#leap(step.minutes, 5);
    else if (kind === 'killed') await this.#killedPass(step.moment);
    else if (kind === 'two') await this.#twoPasses();
    else if (kind === 'server') this.#serve(step.to, step.answer);
    else if (kind === 'edit') await this.#edit(step.edit);
    else if (kind === 'silence') await this.#silence(step.client, step.rule, step.minutes);
    else if (kind === 'acknowledge') await this.#acknowledge();
    else if (kind === 'outage') this.#outage(step.topic);
    else if (kind === 'backup') await this.#copy();
    else await this.#restore();
  }

  /** Makes a run of the collector and, every so often, a pass of the alerter. The clock goes on by `every`. */
  async #tick({ words, passEvery }: Extract<Step, { kind: 'ticks' }>, tick: number): Promise<void> {
    const station = this.#station;
    station.at(station.nowMs() + everyMinutes * minuteMs);
    this.#acceptAgain(everyMinutes);
    const isAway = this.#outages.get('database-away') === true;
    const around = this.#around();
    this.#model.run(around);
    if (!isAway) await this.#collect(words, around);
    if (tick % passEvery !== 0) return;
    station.at(station.nowMs() + minuteMs);
    const exitStatus = isAway ? null : (await this.#pass()).exitStatus;
    for (const topic of this.#outages.keys()) await this.#notifyOfOutage(topic);
    this.#read();
    this.#model.tick(this.#around(), exitStatus);
    station.at(station.nowMs() - minuteMs);
  }

  async #collect(words: readonly Word[], { clients }: Surroundings): Promise<void> {
    const station = this.#station;
    const says: Record<string, string> = {};
    for (const client of clients) {
      const word = words[clientNames.indexOf(client)] ?? 50;
      const isLate = typeof word === 'object';
      const atMs = isLate ? Math.max(day, station.nowMs() - word.hours * 60 * minuteMs) : station.nowMs();
      says[this.#nameIn(client)] = wordsOf(word, atMs);
      const level = levelOf(isLate ? word.late : word, this.#fleet);
      const isNewest = word !== 'fails' && word !== 'mute' && this.#isPresent(`${client} disk`, atMs);
      if (level !== null) this.#model.row(client, 'disk', level, this.#lateness(client, 'disk', atMs, isNewest));
      const isNewestVisit = this.#isPresent(`${client} visit`, station.nowMs());
      const lateness = this.#lateness(client, 'unreachable', station.nowMs(), isNewestVisit);
      this.#model.row(client, 'unreachable', word === 'fails' ? 'critical' : 'ok', lateness);
    }
    await station.collect(says);
  }

  /** True if a row is newer than all before it. A row far ahead of the clock counts as little as none. */
  #isPresent(rows: string, atMs: number): boolean {
    const newestMs = this.#newestMs.get(rows) ?? 0;
    if (newestMs >= atMs && newestMs - this.#station.nowMs() <= 60 * minuteMs) return false;
    this.#newestMs.set(rows, atMs);
    return true;
  }

  /** Returns why a row confirms nothing: it is older than another, or than the end of a silence or window. */
  #lateness(client: string, topic: Topic, atMs: number, isNewest: boolean): Parameters<Model['row']>[3] {
    if (!isNewest) return 'after a newer row';
    const nowMs = this.#station.nowMs();
    const endMs = (windowHour + 1) * 60 * minuteMs;
    const windowEndsAtMs = this.#fleet.window ? nowMs - ((nowMs - endMs) % (24 * 60 * minuteMs)) : -Infinity;
    const silences = this.#silences.filter((one) => one.endsAtMs <= nowMs && isSilencing(one, client, topic));
    const isMuted = [windowEndsAtMs, ...silences.map(({ endsAtMs }) => endsAtMs)].some((endedMs) => atMs <= endedMs);
    return isMuted ? 'after a mute' : atMs < nowMs ? 'but newest' : 'no';
  }

  async #pass(options: PassOptions = {}): Promise<AlertResult> {
    const { result, events } = await this.#station.pass(options);
    for (const event of events) {
      if (event.kind === 'composed')
        this.#model.compose(nameOf(event.mail.recipient), itemsOf(event.mail), this.#around());
    }
    return result;
  }

  /** Makes a pass that evaluates all rows. The lease of a killed pass runs out within a minute. */
  async #evaluate(): Promise<void> {
    const { outcome } = await this.#pass();
    if (outcome !== 'overlapped') return;
    this.#leap(2);
    assert.equal((await this.#pass()).outcome, 'finished');
  }

  /** Kills a pass between two statements. Its lease and claims run out. */
  async #killedPass(moment: number): Promise<void> {
    this.#model.disturb();
    this.#model.openWindow();
    await this.#pass({ wrap: (database) => withMoments(database, ({ count }) => count === moment) }).catch(
      () => undefined,
    );
    this.#read();
  }

  async #twoPasses(): Promise<void> {
    this.#model.disturb();
    await Promise.all([this.#pass(), this.#pass({ machine: 'mon-2' })]);
    this.#read();
  }

  #leap(minutes: number, extraTicks = 0): void {
    this.#acceptAgain(minutes);
    this.#station.at(Math.max(day, this.#station.nowMs() + minutes * minuteMs));
    this.#model.disturb(minutes < 0 ? extraTicks + 5 : extraTicks);
  }

  /** Ends refusals that would last for a day, after which a mail about an ended alert is given up. */
  #acceptAgain(minutes: number): void {
    this.#refusedMinutes += minutes;
    if (Math.abs(this.#refusedMinutes) < 1_200) return;
    for (const name of this.#answers.keys()) this.#serve(name, 'takes');
  }

  #serve(to: string, answer: Answer): void {
    if ([...this.#answers.values()].every((one) => one === 'takes')) this.#refusedMinutes = 0;
    for (const name of to === '' ? this.#around().hearers.keys() : [to]) {
      this.#answers.set(name, answer);
      this.#model.serve(name, answer === 'takes');
    }
  }

  /** Answers for the mail server, and keeps the mails that it takes. */
  #answer({ phase, line }: SmtpMoment): SmtpAct | undefined {
    const to = nameOf(/^(?:RCPT TO:<|To: )(\S+)/m.exec(line)?.[1] ?? '');
    const answer = this.#answers.get(to) ?? 'takes';
    if (phase === 'rcpt' && answer === 'later') return '451 4.7.1 later';
    if (phase === 'rcpt' && answer === 'refuses') return '550 5.1.1 no such user';
    if (phase !== 'dot') return undefined;
    if (answer === 'refuses content') return '554 5.6.0 refused';
    this.#arrived.push({ to, content: line });
    if (answer !== 'loses the answer') return undefined;
    this.#model.openWindow();
    return { kind: 'reset' };
  }

  #read(): void {
    for (const { to, content } of this.#arrived.splice(0)) {
      const messageId = idOf(content);
      const [, topic] = /^<(config-broken|database-away)-/.exec(messageId) ?? [];
      if (topic !== undefined) {
        const state = /^X-Fleet-Health-State: (\w+)/m.exec(content)?.[1] ?? '';
        if (state !== 'reminder') this.#model.readOutage(to, messageId, topic as OutageTopic, state);
        continue;
      }
      const mail: DueMail | undefined = this.#station.composed().get(messageId);
      if (mail !== undefined) this.#model.read(to, messageId, itemsOf(mail));
    }
  }

  async #edit({ field, value }: Edit): Promise<void> {
    const before = this.#fleet;
    // Rows are evaluated by the limits of their pass.
    if (field === 'limits') await this.#evaluate();
    if (field === 'limits' && [before.limits, value].includes('two')) this.#model.editRules();
    this.#fleet = { ...before, [field]: value };
    this.#station.configure(elementsOf(this.#fleet));
    this.#model.disturb();
    if (this.#fleet.isRenamed !== before.isRenamed) {
      await this.#station.storage.retention.renameClient('c2', 'c2b');
      this.#backup = null;
    }
    for (const name of this.#around().hearers.keys())
      this.#model.serve(name, (this.#answers.get(name) ?? 'takes') === 'takes');
  }

  async #silence(client: string, rule: string, minutes: number): Promise<void> {
    const startsAtMs = this.#station.nowMs();
    const endsAtMs = startsAtMs + minutes * minuteMs;
    const one = { client, rule, startsAtMs, endsAtMs };
    const stored = { ...one, client: this.#nameIn(client), subject: '', author: 'kim', comment: '' };
    await this.#station.storage.operator.addSilence(stored);
    this.#silences = [...this.#silences, one];
  }

  async #acknowledge(): Promise<void> {
    await acknowledge(this.#station);
    this.#model.acknowledge();
  }

  async #copy(): Promise<void> {
    const { lose } = await this.#station.snapshot();
    this.#backup = { lose, runs: this.#station.collected() };
    this.#silencesOfBackup = this.#silences;
  }

  async #restore(): Promise<void> {
    if (this.#backup === null) return;
    await this.#backup.lose();
    await this.#station.storeAgain(this.#backup.runs);
    this.#silences = this.#silencesOfBackup;
    this.#model.restore();
  }

  #outage(topic: OutageTopic): void {
    const isOn = this.#outages.get(topic) !== true;
    this.#outages.set(topic, isOn);
    this.#model.outage(topic, isOn);
    if (topic === 'database-away') this.#model.disturb();
  }

  async #notifyOfOutage(topic: OutageTopic): Promise<void> {
    const isOn = this.#outages.get(topic) === true;
    const { signal } = new AbortController();
    const about = topic === 'database-away' ? databaseAway : configBroken;
    const now = (): number => this.#station.nowMs();
    const options = {
      topic: about,
      config: this.#station.config(),
      program: 'alert',
      host: 'mon-1',
      now,
      signal,
    } as const;
    const notices = new AwayNotices(options);
    const fault =
      topic === 'database-away'
        ? (['storage-unavailable', 'storage'] as const)
        : (['config-broken', 'config'] as const);
    if (isOn) notices.heed(new FleetError({ code: fault[0], stage: fault[1], message: 'away' }));
    await notices.end(!isOn);
  }

  /** Returns the present name of a client. */
  #nameIn(client: string): string {
    return client === 'c2' && this.#fleet.isRenamed ? 'c2b' : client;
  }

  #around(): Surroundings {
    const nowMs = this.#station.nowMs();
    const { oncall, dba, window, second } = this.#fleet;
    const hearers: [string, { least: 'warning' | 'critical'; topic: Topic | null; after?: number }][] = [
      ['ops', { least: 'warning', topic: null }],
      ['boss', { least: 'critical', topic: null, after: afterTicks }],
    ];
    if (oncall) hearers.push(['oncall', { least: 'critical', topic: null }]);
    if (dba) hearers.push(['dba', { least: 'warning', topic: 'disk' }]);
    const hour = new Date(nowMs).getUTCHours();
    const isMuted = (client: string, topic: Topic): boolean =>
      (window && hour === windowHour) ||
      (second === 'paused' && client === 'c2') ||
      this.#silences.some((one) => one.startsAtMs <= nowMs && nowMs < one.endsAtMs && isSilencing(one, client, topic));
    return {
      hearers: new Map(hearers),
      clients: second === 'retired' ? ['c1', 'c3'] : clientNames,
      on: { c3: 'c1' },
      isMuted,
      hasTwoRules: this.#fleet.limits === 'two',
      isNeedy: this.#fleet.need && second === 'active',
    };
  }
}

const windowHour = 10;
const afterTicks = 2;

function isSilencing(silence: Silence, client: string, topic: Topic): boolean {
  return ['*', client].includes(silence.client) && ['', topic].includes(silence.rule);
}

/** The names of the clients at first. The model knows no others. */
const clientNames = ['c1', 'c2', 'c3'];

function itemsOf({ items }: DueMail): DueMail['items'] {
  return items.map((item) => (item.client === 'c2b' ? { ...item, client: 'c2' } : item));
}

function elementsOf(fleet: Fleet): string {
  const { oncall, dba, window, second } = fleet;
  const more = ['', ` state="${second}"`, ' on="c1"'];
  const client = (first: string, index: number): string => {
    const isRenamed = fleet.isRenamed && first === 'c2';
    const [name, was] = isRenamed ? ['c2b', ' was="c2"'] : [first, ''];
    return `<client name="${name}"${was} ip="192.0.2.${index + 1}" username="u"${more[index] ?? ''}/>`;
  };
  return `<collector every="${everyMinutes}m" runDeadline="10m"/>
    <alerts repeat="${repeatTicks * everyMinutes}m" defaults="no"><mail to="ops@example.org"/>
      <mail to="boss@example.org" after="${afterTicks * everyMinutes}m"/>
      ${oncall ? '<mail to="oncall@example.org" severity="critical"/>' : ''}
      ${dba ? '<mail to="dba@example.org" rules="disk"/>' : ''}
      ${window ? `<window start="${windowHour}:00" duration="1h" zone="UTC"/>` : ''}
      ${limits[fleet.limits].xml}</alerts>
    <group name="g"${fleet.need ? ' need="2"' : ''}>${clientNames.map(client).join('')}</group>`;
}

/** Returns what a client says in the words of a station. `atMs`: the time of a late row. */
function wordsOf(word: Word, atMs: number): string {
  if (word === 'fails') return 'fails connect-refused';
  if (word === 'mute') return 'mute';
  if (typeof word !== 'object') return `disk / ${word}`;
  const time = new Date(atMs).toISOString().slice(11, 16);
  return `late +${Math.floor((atMs - day) / (24 * 60 * minuteMs))} ${time} disk / ${word.late}`;
}

/** Returns the level of the disk that a row says; null if it says none. */
function levelOf(word: Word, fleet: Fleet): Level | null {
  if (typeof word !== 'number') return null;
  const { warning, critical } = limits[fleet.limits];
  return word >= critical ? 'critical' : word >= warning ? 'warning' : 'ok';
}

function nameOf(recipient: string): string {
  return recipient.replace(/[@>].*/, '').replace(/^</, '');
}
