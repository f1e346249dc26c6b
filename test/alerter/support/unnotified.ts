import assert from 'node:assert/strict';

import fc from 'fast-check';

/**
 * Random events of a fleet and its recipients, and a model of the expected mails that shares no code with the alerter.
 * Every recipient of a client's critical alerts must be notified of each state that is critical for longer than its
 * `for` and is not muted. The notification names the alert itself or an alert that stands for it.
 *
 * An alert stands for another if its reader was notified of it as critical and the newest mail says that it goes on:
 *
 * - a worse rule of the type for a milder one;
 * - `unreachable` for everything else of the client while its visits fail, and until its next row comes or is overdue;
 * - a bastion, or a machine that is no client, that a mail named for `unreachable` of clients that need it, until one
 *   of them is back;
 * - `unreachable` of all clients that a client stands on, for its own;
 * - `collector-isolated` for `unreachable` by faults of the network, and `collector-silent` for `no-report`.
 *
 * The time allowed beyond `for` is two passes and `groupInterval`: a client that has used up its urgent mails of the
 * hour waits that long. A recipient with `after` waits for this time too. After a silence the time counts from the
 * first row that holds again.
 */
export interface Trial {
  readonly people: readonly Entry[];
  /** Additional recipients, of the clients behind the bastion. */
  readonly peopleBehind: readonly Entry[];
  readonly disk: keyof typeof diskRules;
  /** The clients that stand on others. */
  readonly on: keyof typeof standing;
  /** The severity of `unreachable`: for all clients, and for those behind the bastion. */
  readonly unreachable: Severity;
  readonly unreachableBehind: Severity;
  /** The severity of `collector-isolated` and `collector-silent` in config.xml. */
  readonly fleet: Severity;
  /** The runs of the collector: content of each row by client. `null` if there was no run. */
  readonly runs: readonly (Readonly<Record<string, string>> | null)[];
  readonly silences: readonly Muting[];
  /** The number of runs between two passes of the alerter. */
  readonly passEvery: number;
}

type Severity = 'warning' | 'critical';

interface Entry {
  readonly to: string;
  readonly severity: 'critical' | null;
  readonly rules: readonly string[];
  /** The number of runs for which an alert is critical before the recipient is notified. `null` if at once. */
  readonly after: number | null;
}

interface Muting {
  readonly from: number;
  readonly runs: number;
  readonly client: string;
  readonly rule: string;
}

/** The content of a mail as its reader sees it. */
export interface ReadMail {
  readonly recipient: string;
  readonly items: readonly {
    readonly client: string;
    readonly rule: string;
    readonly transition: string;
    readonly severity: Severity;
  }[];
  /** The bastions and other machines that a critical line of the mail reports as unreachable. */
  readonly parentsGone: readonly string[];
}

export const everyMinutes = 5;
const groupIntervalRuns = 3;
/** The smallest number of runs after 2.5 times `every`. */
const rowOverdueRuns = 3;
export const direct = ['c1', 'c2', 'c3'];
export const behind = ['b1', 'b2', 'b3'];
const clients = [...direct, ...behind];

/** Limits of critical disk rules by name; the worst last. */
const diskRules = {
  one: { xml: '<alert type="disk" warning="85%" critical="95%"/>', critical: [['disk', 95]] },
  two: {
    xml:
      '<alert name="disk-low" type="disk" limit="85%" severity="warning"/><alert name="disk-high" type="disk" ' +
      'limit="95%"/>',
    critical: [['disk-high', 95]],
  },
  both: {
    xml: '<alert name="disk-low" type="disk" limit="90%"/><alert name="disk-high" type="disk" limit="95%"/>',
    critical: [
      ['disk-low', 90],
      ['disk-high', 95],
    ],
  },
} as const;

/** The machines that clients stand on. `sw` is no client. */
const standing: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  nothing: {},
  one: { c2: ['c1'], b1: ['c1'] },
  both: { c3: ['c1', 'c2'], b1: ['c1', 'c2'] },
  chain: { c2: ['c1'], c3: ['c2'], b2: ['c3'] },
  switch: { c1: ['sw'], c2: ['sw'], c3: ['sw'] },
};

/** Returns the machines that are no clients, with the clients that need them. */
function needing(on: Trial['on']): readonly (readonly [machine: string, clients: readonly string[]])[] {
  const onSwitch = direct.filter((client) => standing[on]?.[client]?.includes('sw') === true);
  return [
    ['bast', behind],
    ['sw', onSwitch],
  ];
}

/** Returns the elements of config.xml, without <smtp>. */
export function elementsOf(given: Trial): string {
  const { people, peopleBehind, disk, on, unreachable, unreachableBehind, fleet } = given;
  const mails = (entries: readonly Entry[]): string =>
    entries
      .map(({ to, severity, rules, after }) => {
        const least = severity === null ? '' : ` severity="${severity}"`;
        const only = rules.length === 0 ? '' : ` rules="${rules.join(',')}"`;
        const delay = after === null ? '' : ` after="${after * everyMinutes}m"`;
        return `<mail to="${to}@example.org"${least}${only}${delay}/>`;
      })
      .join('');
  const client = (name: string, index: number): string =>
    `<client name="${name}" ip="192.0.2.${index + 1}" username="u" on="${standing[on]?.[name]?.join(' ') ?? 'none'}"/>`;
  return `<collector every="${everyMinutes}m" runDeadline="4m"/>
    <alerts repeat="6h" groupInterval="${groupIntervalRuns * everyMinutes}m">${mails(people)}${diskRules[disk].xml}
      <alert name="unreachable" severity="${unreachable}"/><alert name="collector-isolated" severity="${fleet}"/>
      <alert name="collector-silent" severity="${fleet}"/></alerts>
    <bastion name="bast" ip="192.0.2.99" username="u"/>${direct.map(client).join('')}
    <group name="g" proxyJump="bast">${mails(peopleBehind)}<alert name="unreachable" severity="${unreachableBehind}"/>
      ${behind.map((name, index) => client(name, index + 10)).join('')}</group>`;
}

const well = 'disk / 50';
const length = fc.integer({ min: 1, max: 14 });
const says = fc.constantFrom(well, well, 'disk / 88', 'disk / 92', 'disk / 96', 'disk / 96', 'mute');
const codes = ['connect-timeout', 'connect-timeout', 'connect-refused', 'auth-failed', 'handshake-failed'];
const fails = fc.constantFrom(...codes);

const disksFull = Array.from({ length: 8 }, () => 'disk / 96');

/** Alternates between two values: rows that return to healthy, and changes that flap. */
const flapping = fc
  .record({
    one: says,
    other: fc.constantFrom(well, well, 'disk / 88', 'fails connect-refused'),
    rows: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 3 })),
    times: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ one, other, rows: [ones, others], times }) =>
    Array.from({ length: times * (ones + others) }, (_, index) => (index % (ones + others) < ones ? one : other)),
  );

const stretch = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(says, length).map(([one, runs]) => Array<string>(runs).fill(one)) },
  { weight: 2, arbitrary: fc.tuple(flapping, fc.constantFrom([], disksFull)).map(([one, then]) => [...one, ...then]) },
  { weight: 1, arbitrary: fc.tuple(fails, length).map(([code, runs]) => Array<string>(runs).fill(`fails ${code}`)) },
);

const outage = fc.record({
  from: fc.integer({ min: 1, max: 25 }),
  runs: length,
  clients: fc.constantFrom(clients, clients, direct, behind, behind.slice(1), ['b3'], ['c1']),
  code: fails,
});

const entry: fc.Arbitrary<Entry> = fc.record({
  to: fc.constantFrom('ops', 'oncall', 'dba'),
  severity: fc.constantFrom(null, 'critical' as const),
  rules: fc
    .constantFrom('', '', 'disk*', 'unreachable', 'collector-*', 'disk-low', 'no-report')
    .map((rule): readonly string[] => (rule === '' ? [] : [rule])),
  after: fc.constantFrom(null, null, 3, 6),
});
const severity = fc.constantFrom<Severity>('critical', 'critical', 'warning');
const runCount = 36;

export const trial: fc.Arbitrary<Trial> = fc
  .record({
    people: fc.array(entry, { maxLength: 3 }),
    peopleBehind: fc.array(entry, { maxLength: 1 }),
    disk: fc.constantFrom<keyof typeof diskRules>('one', 'two', 'both'),
    on: fc.constantFrom('nothing', ...Object.keys(standing)),
    unreachable: severity,
    unreachableBehind: severity,
    fleet: severity,
    lines: fc.tuple(...clients.map(() => fc.array(stretch, { maxLength: 4 }))),
    outages: fc.array(outage, { maxLength: 3 }),
    away: fc.option(fc.record({ from: fc.integer({ min: 4, max: 20 }), runs: length }), { freq: 4 }),
    silences: fc.array(
      fc.record({
        from: fc.nat(25),
        runs: length,
        client: fc.constantFrom('*', 'c1', 'b*'),
        rule: fc.constantFrom('', 'collector-isolated', 'collector-silent', 'unreachable', 'disk*'),
      }),
      { maxLength: 2 },
    ),
    passEvery: fc.constantFrom(1, 1, 2),
  })
  .map(({ lines, outages, away, ...rest }) => {
    const base = lines.map((stretches) => [well, ...stretches.flat()]);
    const runs = Array.from({ length: runCount }, (_, index) => {
      if (away !== null && index >= away.from && index < away.from + away.runs) return null;
      const all = clients.map((name, at) => {
        const isLasting = ({ from, runs }: { from: number; runs: number }) => index >= from && index < from + runs;
        const out = outages.find((one) => one.clients.includes(name) && isLasting(one));
        const own = base[at]?.[index] ?? base[at]?.at(-1) ?? well;
        return [name, out === undefined ? own : `fails ${out.code}`] as const;
      });
      return Object.fromEntries(all);
    });
    return { ...rest, runs };
  });

/** The state of one rule of one client, derived from the rows. */
interface Wrong {
  /** The number of consecutive rows in which the rule held. */
  rows: number;
  lastRun: number;
  /** The run from which the rule has been critical for as long as its `for`. `null` if it is not critical. */
  sinceRun: number | null;
  /** True if a silence was in force since the last row. */
  isMuted: boolean;
}

interface Row {
  readonly client: string;
  readonly rule: string;
  readonly holds: boolean | null;
  readonly rowsNeeded: number;
}

/** Follows the rows and the mails, and finds recipients that were not notified. */
export class Reader {
  readonly #trial: Trial;
  readonly #wrong = new Map<string, Wrong>();
  readonly #knows = new Map<string, Severity>();
  readonly #machinesKnown = new Set<string>();
  readonly #failedRun = new Map<string, number>();
  #said: Readonly<Record<string, string>> = {};

  constructor(given: Trial) {
    this.#trial = given;
  }

  /** Reads a run of the collector, and the rows of its clients. */
  run(index: number): void {
    const { runs, disk } = this.#trial;
    const said = runs[index] ?? null;
    const silent = said === null ? true : false;
    this.#row(index, { client: '', rule: 'collector-silent', holds: silent, rowsNeeded: 4 });
    if (said === null) return;
    this.#said = said;
    for (const [client, text] of Object.entries(said)) {
      const isFailure = text.startsWith('fails');
      if (isFailure) this.#failedRun.set(client, index);
      const value = /^disk \/ (\d+)$/.exec(text)?.[1];
      for (const [rule, limit] of diskRules[disk].critical) {
        const holds = value === undefined ? null : Number(value) >= limit;
        this.#row(index, { client, rule, holds, rowsNeeded: 1 });
      }
      this.#row(index, { client, rule: 'unreachable', holds: isFailure, rowsNeeded: 2 });
      this.#row(index, { client, rule: 'no-report', holds: text === 'mute', rowsNeeded: 3 });
    }
  }

  #row(index: number, { client, rule, holds, rowsNeeded }: Row): void {
    const key = `${client} ${rule}`;
    const wrong = this.#wrong.get(key) ?? { rows: 0, lastRun: index, sinceRun: null, isMuted: false };
    this.#wrong.set(key, wrong);
    wrong.isMuted ||= this.#isSilenced(client, rule, index);
    if (holds === null) return;
    const isGap = index - wrong.lastRun > 2 && wrong.sinceRun === null;
    wrong.rows = holds ? (isGap ? 1 : wrong.rows + 1) : 0;
    wrong.lastRun = index;
    if (wrong.rows < rowsNeeded) wrong.sinceRun = null;
    else if (wrong.isMuted) wrong.sinceRun = index;
    else wrong.sinceRun ??= index;
    wrong.isMuted = this.#isSilenced(client, rule, index);
  }

  /** True if a matching silence is in force, begins with the next run, or ended at most one run ago. */
  #isSilenced(client: string, rule: string, index: number): boolean {
    const matches = (pattern: string, name: string): boolean =>
      pattern === '' || (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name);
    return this.#trial.silences.some(
      (one) =>
        index >= one.from - 1 &&
        index <= one.from + one.runs + 1 &&
        matches(one.client, client) &&
        matches(one.rule, rule),
    );
  }

  read({ recipient, items, parentsGone }: ReadMail): void {
    const name = recipient.replace(/@.*/, '');
    const isOver = ({ transition }: { readonly transition: string }): boolean =>
      ['resolved', 'ended', 'past'].includes(transition);
    // A mail may report both the end of an alert and the beginning of the next alert.
    for (const { client, rule } of items.filter(isOver)) {
      this.#knows.delete(`${name} ${client} ${rule}`);
      for (const [machine, needed] of needing(this.#trial.on)) {
        if (rule === 'unreachable' && needed.includes(client)) this.#machinesKnown.delete(`${name} ${machine}`);
      }
    }
    for (const { client, rule, severity: notified } of items.filter((one) => !isOver(one))) {
      this.#knows.set(`${name} ${client} ${rule}`, notified);
    }
    for (const machine of parentsGone) this.#machinesKnown.add(`${name} ${machine}`);
  }

  /** Checks the state after the pass that follows a run. Throws for the first recipient not notified in time. */
  check(index: number): void {
    const allowed = groupIntervalRuns + 2 * this.#trial.passEvery;
    for (const [key, { sinceRun, isMuted }] of this.#wrong) {
      const [client = '', rule = ''] = key.split(' ');
      if (sinceRun === null || isMuted || index - sinceRun < allowed || !this.#isCritical(client, rule)) continue;
      if (client === '') this.#checkFleet(rule, index, index - sinceRun - allowed);
      else {
        for (const [person, after] of this.#hearers(client, rule)) {
          if (index - sinceRun < allowed + after) continue;
          const words = `run ${index}: ${person} lacks word of ${rule} of ${client}, critical since run ${sinceRun}`;
          assert.ok(this.#isNotified(person, client, rule, index), words);
        }
      }
    }
  }

  /** Checks that at least one recipient was notified of a fleet alert, whatever `rules` and `severity` select. */
  #checkFleet(rule: string, index: number, lateRuns: number): void {
    const { people, peopleBehind } = this.#trial;
    const all = [...people, ...peopleBehind].map(({ to }) => to);
    if ([...people, ...peopleBehind].some(({ after }) => (after ?? 0) > lateRuns)) return;
    assert.ok(
      all.length === 0 || all.some((person) => this.#knows.has(`${person}  ${rule}`)),
      `run ${index}: nobody was notified of ${rule}`,
    );
  }

  #isCritical(client: string, rule: string): boolean {
    if (rule !== 'unreachable') return true;
    return this.#trial[behind.includes(client) ? 'unreachableBehind' : 'unreachable'] === 'critical';
  }

  /** Returns the recipients of a critical alert, and the number of runs that each waits for an acknowledgement. */
  #hearers(client: string, rule: string): ReadonlyMap<string, number> {
    const { people, peopleBehind } = this.#trial;
    const entries = behind.includes(client) ? [...people, ...peopleBehind] : people;
    const isFor = ({ rules }: Entry): boolean =>
      rules.length === 0 || rules.some((one) => (one.endsWith('*') ? rule.startsWith(one.slice(0, -1)) : one === rule));
    const hearers = new Map<string, number>();
    for (const { to, after } of entries.filter(isFor))
      hearers.set(to, Math.min(hearers.get(to) ?? Infinity, after ?? 0));
    return hearers;
  }

  #isNotified(person: string, client: string, rule: string, index: number): boolean {
    const knows = (of: string, about: string): boolean => this.#knows.get(`${person} ${of} ${about}`) === 'critical';
    if (knows(client, rule)) return true;
    if (rule === 'disk-low' && knows(client, 'disk-high')) return true;
    if (rule === 'no-report' && knows('', 'collector-silent')) return true;
    if (rule !== 'unreachable') {
      // An alert of `unreachable` stands for this one while visits fail, and then until the client's next row is
      // overdue.
      if (this.#said[client]?.startsWith('fails') === true)
        return this.#isNotified(person, client, 'unreachable', index);
      if (index - (this.#failedRun.get(client) ?? -Infinity) > rowOverdueRuns) return false;
      return this.#isCritical(client, 'unreachable') && this.#hearers(client, 'unreachable').has(person);
    }
    if (this.#said[client] === 'fails connect-timeout' && knows('', 'collector-isolated')) return true;
    return this.#isStoodFor(person, client);
  }

  /** True if a person knows that what the client needs is away. */
  #isStoodFor(person: string, client: string): boolean {
    const isKnown = ([machine, clients]: readonly [string, readonly string[]]): boolean =>
      clients.includes(client) && this.#machinesKnown.has(`${person} ${machine}`);
    if (needing(this.#trial.on).some(isKnown)) return true;
    const on = standing[this.#trial.on]?.[client] ?? [];
    const isAway = (one: string): boolean =>
      this.#knows.get(`${person} ${one} unreachable`) === 'critical' || this.#isStoodFor(person, one);
    return on.length > 0 && on.every(isAway);
  }
}
