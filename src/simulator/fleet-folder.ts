import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import * as v from 'valibot';

import { parseJson } from '../platform/parse-json.ts';
import { formatDuration } from '../text/durations.ts';
import { dayMs } from '../platform/units.ts';
import { errnoOf, fileFault, messageOf, usageError } from '../platform/errors/errors.ts';
import { makeFolder } from '../state-folder/durable-file.ts';
import { hostKeyOf } from '../transport/known-hosts/fingerprint.ts';
import { hostName } from '../transport/known-hosts/known-hosts.ts';
import { generateHostKey } from './loopback-server.ts';
import { decodeLoginKey } from '../transport/credentials/private-key.ts';
import type { ParsedKey } from './ssh-server.ts';
import { bastionAddress, bastionName, maxClients, planFleet, type SimulatedClient } from './fleet-plan.ts';
import { profileNames } from './profile.ts';

const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

const keptPlan = v.object({
  seed: whole(0, 2 ** 31 - 1),
  clients: whole(1, maxClients),
  profile: v.picklist(profileNames),
  port: whole(1, 65_535),
  everyMs: whole(1000, 7 * dayMs),
});

/** The settings that the folder of a simulated fleet keeps from one start to the next. */
export type KeptPlan = Readonly<v.InferOutput<typeof keptPlan>>;

export interface FleetKeys {
  readonly hostKey: ParsedKey;
  readonly otherHostKey: ParsedKey;
  /** The public blob of the key that may log in. */
  readonly loginKey: Buffer;
}

export const username = 'simulated';
const planFile = 'simulator.json';
const keyFiles = { login: 'login_key', host: 'server_key', other: 'other_server_key' } as const;

/**
 * Returns the plan of an earlier start in this folder; null if the folder is new or empty. Throws FleetError `usage` if
 * the folder holds other files.
 */
export function readFolder(dir: string): KeptPlan | null {
  const file = path.join(dir, planFile);
  if (!existsSync(file)) {
    if (!existsSync(dir) || readdirSync(dir).length === 0) return null;
    throw usageError(`${dir} is not empty and not the folder of an earlier simulation`, 'Name another one with --dir.');
  }
  try {
    const plan = parseJson(keptPlan, readFileSync(file));
    if (plan === null) throw new Error('it is not the plan of a simulation');
    return plan;
  } catch (thrown) {
    throw usageError(`${file}: ${messageOf(thrown)}`, 'Remove the folder, or name another one with --dir.');
  }
}

/**
 * Writes the files that `collect` needs. Never changes an existing config.xml. Writes clients.xml and known_hosts anew
 * if the plan of the fleet has changed.
 */
export function writeFolder(dir: string, plan: KeptPlan): void {
  const before = readFolder(dir);
  makeFolder(dir);
  const inside = (name: string): string => path.join(dir, name);
  for (const name of Object.values(keyFiles)) keepFile(inside(name), generateHostKey);
  keepFile(inside('config.xml'), () => configText(plan));
  const { seed, clients, profile, port, everyMs } = plan;
  const kept = JSON.stringify({ seed, clients, profile, port, everyMs }, null, 2);
  if (before !== null && JSON.stringify(before, null, 2) === kept && existsSync(inside('known_hosts'))) return;
  const fleet = planFleet({ ...plan, startedAtMs: 0 });
  const hostKey = hostKeyOf(readKeys(dir).hostKey.getPublicSSH());
  if (hostKey === null) throw new Error('the host key cannot be read');
  writeFileSync(inside('clients.xml'), clientsText(fleet, port), { mode: 0o600 });
  writeFileSync(inside('known_hosts'), knownHostsText(fleet, port, `${hostKey.type} ${hostKey.key}`), { mode: 0o600 });
  writeFileSync(inside(planFile), `${kept}\n`, { mode: 0o600 });
}

export function readKeys(dir: string): FleetKeys {
  const key = (name: string) => decodeLoginKey(readFileSync(path.join(dir, name), 'utf8'), null);
  const hostKey = key(keyFiles.host).usable;
  const otherHostKey = key(keyFiles.other).usable;
  if (hostKey === null || otherHostKey === null) {
    throw usageError(`the keys in ${dir} cannot be read`, 'Remove the folder, or name another one with --dir.');
  }
  return { hostKey, otherHostKey, loginKey: key(keyFiles.login).publicBlob };
}

function configText({ everyMs }: KeptPlan): string {
  return `<config>
  <collector every="${formatDuration(everyMs)}"/>
  <ssh username="${username}" privateKey="${keyFiles.login}" knownHosts="known_hosts"/>
  <!-- There is no <smtp>, so mails are files in state/outbox. -->
  <alerts>
    <mail to="you@example.org"/>
    <alert type="cpu" limit="95%" severity="warning"/>
  </alerts>
  <!-- Made by \`fleet-health simulate\`; this file is yours to change. -->
  <include file="clients.xml"/>
</config>
`;
}

function clientsText(fleet: readonly SimulatedClient[], port: number): string {
  const groups = new Map<string, string[]>();
  for (const { name, address, group, behindBastion } of fleet) {
    const jump = behindBastion ? ` proxyJump="${bastionName}"` : '';
    const lines = groups.get(group) ?? [];
    groups.set(group, lines);
    lines.push(`    <client name="${name}" ip="${address}" port="${port}"${jump}/>\n`);
  }
  const bastion = groups.has('behind-bastion')
    ? `  <bastion name="${bastionName}" ip="${bastionAddress}" port="${port}"/>\n`
    : '';
  const text = [...groups].map(([name, lines]) => `  <group name="${name}">\n${lines.join('')}  </group>\n`).join('');
  return `<config>\n${bastion}${text}</config>\n`;
}

/** Returns the text of known_hosts. Clients behind the bastion have entries by name, as in any fleet. */
function knownHostsText(fleet: readonly SimulatedClient[], port: number, key: string): string {
  const names = fleet.map(({ name, address, behindBastion }) => hostName(behindBastion ? name : address, port));
  return [hostName(bastionAddress, port), ...names].map((name) => `${name} ${key}\n`).join('');
}

/** Runs work on the folder. Throws FleetError `usage` if the folder cannot be created, read or written to. */
export function withFolder<T>(dir: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (errnoOf(thrown) === null) throw thrown;
    const why = errnoOf(thrown) === 'ENOENT' ? 'no folder can be made there' : fileFault(thrown);
    throw usageError(`${dir} cannot be used: ${why}`, 'Name another one with --dir.');
  }
}

/** Returns the content of a file. Makes the file if it is missing. */
export function keepFile(file: string, make: () => string): string {
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}
