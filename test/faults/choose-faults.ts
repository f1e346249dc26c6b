/** The choice of victims and instants for one round, by a seed, from the instants that were seen so far. */
import type { Random } from '../fuzz/random.ts';
import type { FaultSite } from './fault-site.ts';
import type { HookReport, KillPlan, Victim, When } from './kill-plan.ts';
import type { MailPlan } from './mail-server.ts';

export interface Faults {
  readonly collect: KillPlan | null;
  readonly ingest: KillPlan | null;
  readonly alert: KillPlan | null;
  readonly serve: KillPlan | null;
  /** The plans of agents, pushes and spokes, by client. */
  readonly agents: ReadonlyMap<string, KillPlan>;
  /** The plans of receivers, by `receive-CLIENT`. */
  readonly receivers: ReadonlyMap<string, KillPlan>;
  readonly mail: MailPlan | null;
  /** The kills at random instants. */
  readonly atRandom: readonly RandomKill[];
  /** True if the agents' programs are removed from the clients before the round. */
  readonly forgetAgents: boolean;
  /** True if dead servers stay dead for this round. */
  readonly leaveDead: boolean;
}

export interface RandomKill {
  readonly victim:
    'collect' | 'ingest' | 'alert' | 'serve' | 'push' | 'spoke' | 'sshd' | 'sessions' | 'mail' | 'mariadb';
  readonly afterMs: number;
}

/** The number of times that each kind of instant occurs in a program. */
export interface Profile {
  learn(report: HookReport): void;
  instantsOf(program: string): readonly (readonly [kind: string, count: number])[];
}

/** Kinds that are never chosen: output to stdout, and queries of the connection's settings. */
const dull: readonly string[] = ['say', 'complain', 'mysql other', 'sqlite PRAGMA'];

/** The instants of the very first run, which makes keys, folders and tables; no profile exists before it. */
const birth: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  collect: {
    ...{ 'file-write': 5, fsync: 9, link: 2, rename: 3, unlink: 9, mkdir: 6, 'sqlite run': 230, 'sqlite COMMIT': 5 },
    ...{ 'mysql CREATE': 30, 'mysql execute': 30, 'mysql COMMIT': 3, acknowledge: 3, 'ssh-send': 90 },
  },
  ingest: { 'file-write': 2, 'sqlite run': 30, 'sqlite COMMIT': 6, 'mysql execute': 30, 'mysql COMMIT': 5 },
  alert: { 'sqlite run': 12, 'sqlite COMMIT': 5, 'mysql execute': 12, 'mysql COMMIT': 3 },
  serve: { 'file-write': 9, fsync: 12, rename: 6, unlink: 3, mkdir: 6, 'http-send': 6 },
  receive: { 'file-write': 3, fsync: 5, rename: 2, mkdir: 3, 'sqlite BEGIN': 1, acknowledge: 2 },
  'agent-push': { mkdir: 4, 'file-write': 3, fsync: 4, rename: 3, unlink: 2, 'http-send': 2 },
  'agent-spoke': { mkdir: 4, 'file-write': 3, fsync: 4, rename: 3, unlink: 2, 'http-send': 3 },
  'agent-visit': { send: 4, mkdir: 6, 'file-write': 3, fsync: 4, rename: 3, symlink: 1, unlink: 2, acknowledgement: 2 },
};

export function openProfile(): Profile {
  const seen = new Map<string, Map<string, number>>(
    Object.entries(birth).map(([program, counts]) => [program, new Map(Object.entries(counts))]),
  );
  const learnt = new Set<string>();
  return {
    learn: ({ program, counts }) => {
      const kinds = learnt.has(program) ? (seen.get(program) ?? new Map<string, number>()) : new Map<string, number>();
      learnt.add(program);
      seen.set(program, kinds);
      // Rare instants (a mail, an inventory) stay known; old counts fade slowly.
      for (const [kind, count] of Object.entries(counts)) {
        kinds.set(kind, Math.max(count, Math.floor((kinds.get(kind) ?? 0) * 0.9)));
      }
    },
    instantsOf: (program) =>
      [...(seen.get(program) ?? [])].filter(([kind, count]) => count > 0 && !dull.includes(kind)).sort(),
  };
}

interface Choose {
  readonly random: Random;
  readonly profile: Profile;
  readonly site: FaultSite;
}

export function chooseFaults({ random, profile, site }: Choose): Faults {
  const chance = (percent: number): boolean => random.below(100) < percent;
  const planFor = (program: string, victim: Victim): KillPlan | null => {
    const instants = profile.instantsOf(program);
    const [kind, count] = instants[random.below(instants.length)] ?? [];
    if (kind === undefined || count === undefined) return null;
    const when: When = random.pick(['before', 'after']);
    return { kind, number: 1 + random.below(count), when, victim };
  };
  const self: Victim = { kind: 'self' };
  const hasLogins = site.pipe === 'visit' || site.pipe === 'ssh';
  const sshd: Victim | null = hasLogins ? { kind: 'process', name: 'sshd', pid: site.sshd.pid() } : null;
  const sessions: Victim | null =
    sshd === null ? null : { kind: 'children', name: 'sshd sessions', pid: site.sshd.pid() };
  const mail: Victim = { kind: 'process', name: 'mail server', pid: site.mail.pid() };
  const { server } = site.database;
  const mariadb: Victim | null = server === null ? null : { kind: 'process', name: 'mariadb', pid: server.pid() };

  /** Chooses the first victim whose percents, added to those of the victims before, exceed the dice. */
  const planOf: PlanOf = (program, victims) => {
    const dice = random.below(100);
    let sum = 0;
    const [, victim = null] = victims.find(([percent]) => dice < (sum += percent)) ?? [];
    return victim === null ? null : planFor(program, victim);
  };
  const mayLook = site.lost?.isAway() === true;
  const collect =
    mayLook && chance(50)
      ? { ...lookOf(profile, random), when: random.pick(['before', 'after'] as const), victim: self }
      : planOf('collect', [
          [40, self],
          [8, sessions],
          [3, sshd],
          [site.forgets ? 25 : 6, mariadb],
        ]);
  const alert = planOf('alert', [
    [50, self],
    [10, mail],
    [site.forgets ? 20 : 4, mariadb],
  ]);
  // Draws nothing for programs that do not run, so that an older seed gives the same run.
  const ingest = site.split && chance(60) ? planFor('ingest', chance(15) && mariadb !== null ? mariadb : self) : null;
  const agents = new Map<string, KillPlan>();
  for (const client of site.clients) {
    const dieOfAgent = random.below(100);
    // The parent of a push is this run.
    const victim: Victim = dieOfAgent < 5 && site.pipe === 'visit' ? { kind: 'parent', name: 'loader' } : self;
    // An inventory is taken once a day, so that there are few after the first rounds.
    const visiting = chance(3) ? 'agent-inventory' : 'agent-visit';
    const program = site.pipe === 'visit' ? visiting : site.pipe === 'spoke' ? 'agent-spoke' : 'agent-push';
    // A killed push tests nothing of the server.
    const plan = dieOfAgent < (site.pipe === 'visit' ? 85 : 45) ? planFor(program, victim) : null;
    if (plan !== null) agents.set(client, plan);
  }
  const atRandom: RandomKill[] = [];
  const within = (maxMs: number): number => random.below(maxMs);
  if (collect === null && chance(25)) atRandom.push({ victim: 'collect', afterMs: within(1500) });
  if (alert === null && chance(30)) atRandom.push({ victim: 'alert', afterMs: within(700) });
  if (site.split && ingest === null && chance(40)) atRandom.push({ victim: 'ingest', afterMs: within(900) });
  if (chance(5) && hasLogins) atRandom.push({ victim: 'sessions', afterMs: within(1500) });
  if (chance(3) && hasLogins) atRandom.push({ victim: 'sshd', afterMs: within(1500) });
  if (chance(3)) atRandom.push({ victim: 'mail', afterMs: within(700) });
  if (mariadb !== null && chance(site.forgets ? 25 : 3)) atRandom.push({ victim: 'mariadb', afterMs: within(1500) });
  const pushed = choosePushFaults({ site, chance, within, planOf, mariadb });
  atRandom.push(...pushed.atRandom);
  const phase = random.pick(['greeting', 'ehlo', 'mail', 'rcpt', 'data', 'dot', 'taken'] as const);
  const when: When = phase === 'taken' ? 'after' : random.pick(['before', 'after']);
  return {
    collect,
    ingest,
    alert,
    serve: pushed.serve,
    agents,
    receivers: pushed.receivers,
    mail: chance(60) ? { phase, when } : null,
    atRandom,
    forgetAgents: chance(7),
    leaveDead: chance(20),
  };
}

/** Returns an instant of a collector that asks others about a lost client: it does so after all visits. */
function lookOf(profile: Profile, random: Random): Pick<KillPlan, 'kind' | 'number'> {
  const kind = 'ssh-send';
  const [, count = 1] = profile.instantsOf('collect').find(([name]) => name === kind) ?? [];
  return { kind, number: count - random.below(Math.ceil(count / 3)) };
}

type Percents = readonly (readonly [percent: number, Victim | null])[];
type PlanOf = (program: string, victims: Percents) => KillPlan | null;

interface ChoosePush {
  readonly site: FaultSite;
  readonly chance: (percent: number) => boolean;
  readonly within: (maxMs: number) => number;
  readonly planOf: PlanOf;
  readonly mariadb: Victim | null;
}

/** Chooses the kills of programs that take pushes. Draws nothing for visits. */
function choosePushFaults(choose: ChoosePush): Pick<Faults, 'serve' | 'receivers' | 'atRandom'> {
  const { site, chance, within, planOf, mariadb } = choose;
  const receivers = new Map<string, KillPlan>();
  const atRandom: RandomKill[] = [];
  if (site.pipe === 'visit') return { serve: null, receivers, atRandom };
  const self: Victim = { kind: 'self' };
  if (site.pipe === 'spoke') {
    if (chance(40)) atRandom.push({ victim: 'spoke', afterMs: within(2500) });
    return { serve: null, receivers, atRandom };
  }
  if (chance(30)) atRandom.push({ victim: 'push', afterMs: within(1500) });
  if (site.pipe === 'ssh') {
    const session: Victim = { kind: 'parent', name: 'sshd session' };
    for (const client of site.clients) {
      const plan = planOf('receive', [
        [40, self],
        [5, session],
        [3, mariadb],
      ]);
      if (plan !== null) receivers.set(`receive-${client}`, plan);
    }
    return { serve: null, receivers, atRandom };
  }
  const serve = planOf('serve', [
    [60, self],
    [5, mariadb],
  ]);
  if (serve === null && chance(60)) atRandom.push({ victim: 'serve', afterMs: within(2500) });
  return { serve, receivers, atRandom };
}
