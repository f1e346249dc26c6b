/** A whole run: rounds with kills until there were enough, rounds without kills, and the comparison. */
import { utimesSync } from 'node:fs';
import path from 'node:path';

import { createRandom } from '../fuzz/random.ts';
import { chooseFaults, openProfile } from './choose-faults.ts';
import { compareLedgers, filesBelow, type Comparison } from './compare-ledgers.ts';
import type { FaultDatabase } from './fault-database.ts';
import type { Pipe } from './fault-pipe.ts';
import { letTimePass, makeRound, makeRoundInPeace } from './fault-round.ts';
import { linesOf, readHookRecords, removePrograms, reviveServers } from './fault-round.ts';
import { openFaultSite, type FaultSite } from './fault-site.ts';
import { openMailLog, type MailFigures } from './mail-log.ts';
import type { Ended } from './program-run.ts';
import { openTruth } from './truth.ts';

export interface FaultRunOptions {
  readonly database: FaultDatabase['kind'];
  readonly seed: number;
  /** The run ends after this many kills or after `forMs`, whichever comes first. */
  readonly kills: number;
  readonly forMs: number;
  readonly clients?: number;
  /** True if the private key is on a separate machine. */
  readonly split?: boolean;
  /** True for a MariaDB that forgets what it has confirmed when it is killed. */
  readonly forgets?: boolean;
  /** Default: visits. */
  readonly pipe?: Pipe;
  /** The number of rows between two changes of a client; see TruthOptions. */
  readonly rowsBetween?: number;
  /** Called after every round. */
  readonly observe?: (progress: Progress) => void;
}

export interface Progress {
  readonly rounds: number;
  readonly kills: number;
  /** The faults found so far. */
  readonly wrong: readonly string[];
}

export interface FaultRunResult {
  readonly seed: number;
  readonly rounds: number;
  /** The number of kills by victim: `collect`, `agent-visit`, `mariadb` ... */
  readonly kills: Readonly<Record<string, number>>;
  readonly killed: number;
  /** The different instants (program, kind, before or after) at which a process was killed. */
  readonly instants: readonly string[];
  readonly mails: MailFigures;
  readonly comparison: Comparison;
  /** Programs that hung, crashed, or ended with an unknown status. Must be empty. */
  readonly wrong: readonly string[];
  /** The number of rounds without kills until all was notified and stored; null if that did not happen. */
  readonly peaceRounds: number | null;
}

const maxPeaceRounds = 30;
/** The round without kills in which a client is away, and others are asked about it. */
const roundAway = 2;

export async function runFaults(options: FaultRunOptions): Promise<FaultRunResult> {
  const { database, clients = 4, split = false, forgets = false, pipe = 'visit' } = options;
  const site = await openFaultSite(database, clients, { split, forgets, pipe, mayLose: pipe === 'visit' });
  try {
    return await breakThings(site, options);
  } finally {
    await site.close();
  }
}

async function breakThings(site: FaultSite, options: FaultRunOptions): Promise<FaultRunResult> {
  const random = createRandom(options.seed);
  const profile = openProfile();
  const mails = openMailLog(site.mailDir);
  const truth = openTruth({ site, mails, random: createRandom(options.seed + 1), rowsBetween: options.rowsBetween });
  const outside: string[] = [];
  const wrong: string[] = [];
  const marked = new Set<string>();
  let learnt = 0;
  let rounds = 0;
  let seenBetween = 0;
  let peaceRounds: number | null = null;

  const killsSoFar = (): Record<string, number> => {
    const { strikes, mailStrikes } = readHookRecords(site);
    const kills: Record<string, number> = {};
    const count = (victim: string): void => void (kills[victim] = (kills[victim] ?? 0) + 1);
    for (const { victim, killed } of strikes) if (killed > 0) count(victim);
    mailStrikes.forEach(() => count('mail server'));
    for (const victim of outside) count(victim);
    return kills;
  };
  const learn = (): void => {
    const { reports } = readHookRecords(site);
    for (const report of reports.slice(learnt)) profile.learn(report);
    learnt = reports.length;
  };
  /** Reads the new mails after a round, and ages leases and claims. Needs a database that answers. */
  const lookAround = async (broken: boolean): Promise<void> => {
    mails.readOn({ marked, broken, remembered: site.forgets ? rememberedMails(site) : null });
    const rows = await site.database.rows('SELECT message_id FROM mails WHERE sent_at IS NOT NULL');
    const sent = new Set(rows.map((row) => String(row['message_id'])));
    for (const id of site.forgets ? [] : marked) {
      if (!sent.has(id)) wrong.push(`${id} was sent, and is not any more`);
    }
    for (const id of sent) marked.add(id);
    await letTimePass(site);
  };
  /** True if the tables exist. They are missing if the very first run was killed before it had made them. */
  const hasTables = async (): Promise<boolean> =>
    (await site.database.rows('SELECT replaced_by FROM mails WHERE 1 = 0').catch(() => null)) !== null;

  try {
    const endsAt = performance.now() + options.forMs;
    for (let kills = 0; kills < options.kills && performance.now() < endsAt;) {
      const faults = chooseFaults({ random, profile, site });
      await site.lost?.setAway(rounds % 2 === 1);
      const { ended, random: hit } = await makeRound(site, faults);
      rounds += 1;
      outside.push(...hit.map((victim) => nameOf(victim)));
      wrong.push(...ended.flatMap((one) => faultOf(one)));
      learn();
      if (!faults.leaveDead) await reviveServers(site);
      if (site.database.server?.isAlive() !== false && (await hasTables())) {
        const between = killsBetween(killsSoFar());
        await lookAround(between > seenBetween);
        seenBetween = between;
        await truth.advance();
      }
      kills = total(killsSoFar());
      options.observe?.({ rounds, kills, wrong: [...wrong, ...mails.figures.doubled, ...mails.figures.strange] });
    }
    const kills = killsSoFar();
    // The run an hour later removes unfinished files.
    for (const file of site.stateDirs.flatMap(filesBelow)) if (file.endsWith('.part')) utimesSync(file, 0, 0);
    for (let round = 1; round <= maxPeaceRounds && peaceRounds === null; round++) {
      await reviveServers(site);
      if (round === 2) removePrograms(site);
      await site.lost?.setAway(round === roundAway);
      for (const one of await makeRoundInPeace(site)) {
        wrong.push(...faultOf(one));
        if (round > 3 && one.status !== 0)
          wrong.push(`in peace ${one.command} ended with ${one.status ?? 'a signal'}: ${one.said}`);
      }
      await lookAround(round === 1);
      if ((await truth.retreat()) && round > roundAway) peaceRounds = round;
    }
    const comparison = await compareLedgers(site, truth, mails);
    const instants = readHookRecords(site).strikes.map(({ program, kind, when }) => `${program}: ${when} ${kind}`);
    return {
      seed: options.seed,
      rounds,
      kills,
      killed: total(kills),
      instants: [...new Set(instants)].sort(),
      mails: mails.figures,
      comparison,
      wrong,
      peaceRounds,
    };
  } finally {
    truth.stop();
  }
}

/** Returns the Message-IDs of the files `sent`. */
function rememberedMails({ stateDirs }: FaultSite): ReadonlySet<string> {
  const lines = stateDirs.flatMap((dir) => linesOf(path.join(dir, 'sent')));
  return new Set(lines.map((line) => (line as { readonly messageId: string }).messageId));
}

/** Counts the kills between an alert and its reader. */
function killsBetween(kills: Readonly<Record<string, number>>): number {
  return ['alert', 'mariadb', 'mail server'].reduce((sum, victim) => sum + (kills[victim] ?? 0), 0);
}

function nameOf(victim: string): string {
  if (victim === 'sessions') return 'sshd sessions';
  return victim === 'mail' ? 'mail server' : victim;
}

function total(kills: Readonly<Record<string, number>>): number {
  return Object.values(kills).reduce((sum, count) => sum + count, 0);
}

/**
 * Returns the fault of a program's end: it hung, died of a signal other than SIGKILL, crashed, or had an unknown
 * status.
 */
function faultOf({ command, status, signal, said, hung }: Ended): readonly string[] {
  if (hung) return [`${command} hung: ${said}`];
  if (signal !== null) return signal === 'SIGKILL' ? [] : [`${command} ended by ${signal}: ${said}`];
  const isKnown = status === 0 || status === 1 || status === 3;
  const isCrash = /\(internal\)|^\s+at |TypeError|ReferenceError/m.test(said);
  return isKnown && !isCrash ? [] : [`${command} ended with ${status ?? 'nothing'}: ${said}`];
}
