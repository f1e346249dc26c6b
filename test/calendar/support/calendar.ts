/** A calendar: what happens at the times of a text, and what programs, tables and mails say at each. */
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';

import { skipWithoutFaketime } from '../../support/programs/faketime.ts';
import { sshdMissing } from '../../support/ssh/sshd.ts';
import { tempFolder, type Scope } from '../../support/temp-folder.ts';
import { calendarClock } from './calendar-clock.ts';
import { startMachine, type AgentKind, type Machine } from './machine.ts';
import { player } from './player.ts';
import { openStation, type StationOptions } from './station.ts';

/** The option `skip` of node:test. */
export const skipCalendar: string | false = sshdMissing() ?? skipWithoutFaketime;

/**
 * Attributes of `<collector>`. Visits are late on a busy machine, and a visit that is late brings its inventory another
 * day, which is what its limits are for.
 */
export const patience = 'connectTimeout="60s" agentTimeout="60s" clientDeadline="240s"';

export interface CalendarOptions extends Pick<StationOptions, 'database' | 'machineZone' | 'elements'> {
  /** The agents of the clients, by their names. */
  readonly clients: Readonly<Record<string, AgentKind>>;
}

/**
 * Plays the lines of a text, and returns them with what was said in truth. A line has a time (UTC), what happens, and
 * behind `|` what is said. player.ts lists what can happen, and what is said of it.
 */
export async function playCalendar(t: Scope, text: string, options: CalendarOptions): Promise<string> {
  const lines = text.split('\n').map((line) => /^(\S+ \S+) +([^|]*?) *\|/.exec(line) ?? []);
  const dir = tempFolder(t);
  // Clients read the clock.
  chmodSync(dir, 0o755);
  const clock = calendarClock(t, dir);
  clock.set(timeOf(lines[0]?.[1] ?? ''));
  const machines = new Map<string, Machine>();
  for (const [name, agent] of Object.entries(options.clients)) {
    machines.set(name, await startMachine(t, { agent, clock }));
  }
  const clients = [...machines].map(([name, { account, sshd, privateKey }]) => {
    const login = `port="${sshd.port}" username="${account.name}" privateKey="${privateKey}"`;
    return `<client name="${name}" ip="127.0.0.1" ${login}/>`;
  });
  const knownHosts = [...machines.values()].map(({ sshd }) => sshd.hostKeyLine());
  const elements = `${options.elements}${clients.join('')}`;
  const station = await openStation(t, { ...options, dir, clock, knownHosts, elements });
  const play = player({ station, machines, clock });
  const played: string[] = [];
  for (const [, time = '', happens = ''] of lines) {
    clock.set(timeOf(time));
    const said = await play(happens.split(', '));
    played.push(`${time} ${happens} | ${said.join('; ')}`.trim());
  }
  return played.join('\n');
}

/** Returns the lines of a text without alignment and line breaks: a line without a time continues the one before. */
export function calendarText(text: string): string {
  return text
    .trim()
    .replace(/\n +(?!\d{4}-)/g, ' ')
    .replace(/ *\n */g, '\n')
    .replace(/ +/g, ' ');
}

function timeOf(time: string): number {
  const timeMs = Date.parse(`${time.replace(' ', 'T')}:00Z`);
  assert.ok(Number.isFinite(timeMs), `no time: ${time}`);
  return timeMs;
}
