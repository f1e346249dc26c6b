/** A round: all programs at once, as cron starts them, and the kills meanwhile. */
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Faults, RandomKill } from './choose-faults.ts';
import type { FaultSite } from './fault-site.ts';
import { hookFiles, type HookReport, type Strike } from './kill-plan.ts';
import { mailFiles } from './mail-server-files.ts';
import type { MailPlan } from './mail-server.ts';
import { startProgram, type Command, type Ended, type RunningProgram } from './program-run.ts';

export interface RoundResult {
  readonly ended: readonly Ended[];
  /** Who was killed from outside, at an instant that nobody chose. */
  readonly random: readonly RandomKill['victim'][];
}

export async function makeRound(site: FaultSite, faults: Faults): Promise<RoundResult> {
  const planOf = (client: string): string => path.join(site.hookDir, hookFiles.planOf(client));
  for (const client of site.clients) {
    const plan = faults.agents.get(client);
    if (plan === undefined) rmSync(planOf(client), { force: true });
    else writeFileSync(planOf(client), JSON.stringify(plan), { mode: 0o644 });
  }
  const mailPlan = path.join(site.mailDir, mailFiles.plan);
  // It waits for the next mail, in whatever round that comes.
  if (faults.mail !== null) writeFileSync(mailPlan, JSON.stringify(faults.mail), { mode: 0o600 });
  if (faults.forgetAgents) removePrograms(site);
  const programs = commandsOf(site).map((command) => startProgram(site, command, faults[command]));
  const random: RandomKill['victim'][] = [];
  const over = new AbortController();
  const kills = faults.atRandom.map(async ({ victim, afterMs }) => {
    await sleep(afterMs, undefined, { signal: over.signal }).catch(() => undefined);
    if (!over.signal.aborted && (await killNow(site, programs, victim))) random.push(victim);
  });
  const ended = await Promise.all(programs.map((program) => program.ended));
  over.abort();
  await Promise.all(kills);
  return { ended, random };
}

/**
 * The agents' programs are gone, as on a machine that was cleaned: they are brought again, which also removes what an
 * installation that was killed has left beside them.
 */
export function removePrograms({ home }: FaultSite): void {
  const place = path.join(home, '.local/state/fleet-health');
  if (!existsSync(place)) return;
  for (const name of readdirSync(place, { recursive: true, encoding: 'utf8' })) {
    if (/\.(?:cjs|cache)$/.test(name)) rmSync(path.join(place, name), { force: true });
  }
}

/** A round in which nobody dies: one program after the other, so that everything that came is also treated. */
export async function makeRoundInPeace(site: FaultSite): Promise<readonly Ended[]> {
  for (const client of site.clients) rmSync(path.join(site.hookDir, hookFiles.planOf(client)), { force: true });
  rmSync(path.join(site.mailDir, mailFiles.plan), { force: true });
  const ended: Ended[] = [];
  for (const command of commandsOf(site)) ended.push(await startProgram(site, command, null).ended);
  return ended;
}

function commandsOf({ split }: FaultSite): readonly Command[] {
  return split ? ['collect', 'ingest', 'alert'] : ['collect', 'alert'];
}

async function killNow(
  site: FaultSite,
  programs: readonly RunningProgram[],
  victim: RandomKill['victim'],
): Promise<boolean> {
  switch (victim) {
    case 'collect':
    case 'ingest':
    case 'alert':
      return programs.find(({ command }) => command === victim)?.kill() ?? false;
    case 'sshd':
      if (!site.sshd.isAlive()) return false;
      await site.sshd.kill();
      return true;
    case 'sessions':
      return killSessions(site);
    case 'mail':
      if (!site.mail.isAlive()) return false;
      await site.mail.kill();
      return true;
    case 'mariadb': {
      const { server } = site.database;
      if (server?.isAlive() !== true) return false;
      await server.kill();
      return true;
    }
  }
}

function killSessions({ sshd }: FaultSite): boolean {
  if (!sshd.isAlive()) return false;
  const pids = readFileSync(`/proc/${sshd.pid()}/task/${sshd.pid()}/children`, 'utf8').split(' ').filter(Boolean);
  for (const pid of pids) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  return pids.length > 0;
}

/** Whatever is dead is started again. */
export async function reviveServers({ sshd, mail, database }: FaultSite): Promise<void> {
  if (!sshd.isAlive()) await sshd.restart();
  await mail.revive();
  await database.server?.revive();
}

/**
 * An hour goes by: leases and claims of those who were killed run out, and pauses end. Only while no alerter runs. The
 * programs themselves are given no clock but that of the machine.
 */
export async function letTimePass({ database }: FaultSite): Promise<void> {
  await database.run(
    "UPDATE leases SET touched_at = '2020-01-01 00:00:00.000'",
    `UPDATE mails SET claimed_until = '2020-01-01 00:00:00.000', next_attempt_at = NULL
      WHERE sent_at IS NULL AND failed_at IS NULL`,
  );
}

export interface HookRecords {
  readonly strikes: readonly Strike[];
  readonly mailStrikes: readonly MailPlan[];
  readonly reports: readonly HookReport[];
}

/** Reads the records of the killers inside the programs. */
export function readHookRecords(site: FaultSite): HookRecords {
  return {
    strikes: linesOf(path.join(site.hookDir, hookFiles.strikes)) as readonly Strike[],
    mailStrikes: linesOf(path.join(site.mailDir, mailFiles.strikes)) as readonly MailPlan[],
    reports: linesOf(path.join(site.hookDir, hookFiles.counts)) as readonly HookReport[],
  };
}

/** A line that a kill cut off is none. */
export function linesOf(file: string): readonly unknown[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return line === '' ? [] : [JSON.parse(line) as unknown];
      } catch {
        return [];
      }
    });
}
