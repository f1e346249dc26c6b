/** A round: all programs at once, as cron starts them, and the kills meanwhile. */
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { timePassed } from '../support/databases/time-passed.ts';
import type { Faults, RandomKill } from './choose-faults.ts';
import type { Pipe } from './fault-pipe.ts';
import type { FaultSite } from './fault-site.ts';
import { hookFiles, type HookReport, type KillPlan, type Strike } from './kill-plan.ts';
import { mailFiles } from './mail-server-files.ts';
import type { MailPlan } from './mail-server.ts';
import { startProgram, type Ended, type RunningProgram, type Start } from './program-run.ts';

export interface RoundResult {
  readonly ended: readonly Ended[];
  /** The victims that were killed from outside, at random instants. */
  readonly random: readonly RandomKill['victim'][];
}

export async function makeRound(site: FaultSite, faults: Faults): Promise<RoundResult> {
  for (const [names, plans] of [
    [site.clients, site.pipe === 'visit' ? faults.agents : noPlans],
    [site.clients.map((client) => `receive-${client}`), faults.receivers],
  ] as const) {
    for (const name of names) {
      const plan = plans.get(name);
      if (plan === undefined) rmSync(planFile(site, name), { force: true });
      else writeFileSync(planFile(site, name), JSON.stringify(plan), { mode: 0o644 });
    }
  }
  const mailPlan = path.join(site.mailDir, mailFiles.plan);
  // The plan applies to the next mail, in whichever round that arrives.
  if (faults.mail !== null) writeFileSync(mailPlan, JSON.stringify(faults.mail), { mode: 0o600 });
  if (faults.forgetAgents) removePrograms(site);
  const serving = await startServing(site, faults);
  const programs = [
    ...serving,
    ...commandsOf(site).map((command) => startProgram(site, { command, plan: faults[command] })),
    ...pushesOf(site).map((start) => startProgram(site, { ...start, plan: faults.agents.get(start.client) ?? null })),
  ];
  const random: RandomKill['victim'][] = [];
  const over = new AbortController();
  const kills = faults.atRandom.map(async ({ victim, afterMs }) => {
    await sleep(afterMs, undefined, { signal: over.signal }).catch(() => undefined);
    if (!over.signal.aborted && (await killNow(site, programs, victim))) random.push(victim);
  });
  await Promise.all(programs.filter((program) => !serving.includes(program)).map((program) => program.ended));
  for (const program of serving) program.kill('SIGTERM');
  const ended = await Promise.all(programs.map((program) => program.ended));
  over.abort();
  await Promise.all(kills);
  return { ended, random };
}

const noPlans: ReadonlyMap<string, KillPlan> = new Map();

function planFile({ hookDir }: FaultSite, name: string): string {
  return path.join(hookDir, hookFiles.planOf(name));
}

/** Starts `serve` if pushes go to it, or the spokes. Waits until each listens or was killed. */
async function startServing(
  site: FaultSite,
  faults: Pick<Faults, 'serve' | 'agents'>,
): Promise<readonly RunningProgram[]> {
  const starts: Readonly<Record<Pipe, () => readonly Start[]>> = {
    visit: () => [],
    ssh: () => [],
    push: () => [{ command: 'serve', plan: faults.serve }],
    spoke: () => site.clients.map((client) => ({ command: 'spoke', client, plan: faults.agents.get(client) ?? null })),
  };
  const serving = starts[site.pipe]().map((start) => startProgram(site, start));
  await Promise.all(serving.map((program) => program.said(/event=(?:serve-started|listening)/)));
  return serving;
}

function pushesOf({ pipe, clients }: FaultSite): readonly { readonly command: 'push'; readonly client: string }[] {
  return pipe === 'visit' || pipe === 'spoke' ? [] : clients.map((client) => ({ command: 'push', client }));
}

/**
 * Removes the agents' programs, as on a machine that was cleaned. They are uploaded again, which also removes the
 * remains of a killed installation.
 */
export function removePrograms({ home }: FaultSite): void {
  const place = path.join(home, '.local/state/fleet-health');
  if (!existsSync(place)) return;
  for (const name of readdirSync(place, { recursive: true, encoding: 'utf8' })) {
    if (/\.(?:cjs|cache)$/.test(name)) rmSync(path.join(place, name), { force: true });
  }
}

/** Makes a round without kills: one program after the other, so that all that arrives is also processed. */
export async function makeRoundInPeace(site: FaultSite): Promise<readonly Ended[]> {
  for (const client of site.clients) {
    for (const name of [client, `receive-${client}`]) rmSync(planFile(site, name), { force: true });
  }
  rmSync(path.join(site.mailDir, mailFiles.plan), { force: true });
  const ended: Ended[] = [];
  const serving = await startServing(site, { serve: null, agents: noPlans });
  for (const start of pushesOf(site)) ended.push(await startProgram(site, { ...start, plan: null }).ended);
  const end = async (): Promise<void> => {
    for (const program of serving) program.kill('SIGTERM');
    ended.push(...(await Promise.all(serving.map((program) => program.ended))));
  };
  if (site.pipe === 'push') await end();
  for (const command of commandsOf(site)) ended.push(await startProgram(site, { command, plan: null }).ended);
  if (site.pipe === 'spoke') await end();
  return ended;
}

function commandsOf({ split }: FaultSite): readonly ('collect' | 'ingest' | 'alert')[] {
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
    case 'serve':
    case 'push':
    case 'spoke':
      return programs.find(({ command, isAlive }) => command === victim && isAlive())?.kill() ?? false;
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
      // The session ended by itself.
    }
  }
  return pids.length > 0;
}

/** Restarts every server that is dead. */
export async function reviveServers({ sshd, mail, database }: FaultSite): Promise<void> {
  if (!sshd.isAlive()) await sshd.restart();
  await mail.revive();
  await database.server?.revive();
}

/**
 * Moves leases, claims and pauses of mails into the past, as if an hour had gone by, so that those of killed programs
 * run out. Call it only while no alerter runs. The programs themselves keep the clock of the machine.
 */
export async function letTimePass({ database }: FaultSite): Promise<void> {
  await database.run(...timePassed);
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

/** Reads a file of JSON lines. Skips a line that a kill cut off. Returns nothing if the file is missing. */
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
