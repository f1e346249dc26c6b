/** The pipe by which the reports of a fault run reach the collector: it fetches them, or clients send them. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { freePort } from '../support/servers/free-port.ts';
import { program, runBuilt, succeeded } from '../support/programs/run-cli.ts';
import { sshKeygen, type Sshd } from '../support/ssh/sshd.ts';
import type { FaultPrograms } from './fault-programs.ts';

/** The kinds. `push`: over HTTP to `serve`; `ssh`: to `receive` under sshd; `spoke`: the collector polls over HTTP. */
export const pipes = ['visit', 'push', 'ssh', 'spoke'] as const;
export type Pipe = (typeof pipes)[number];

/** The account of the logins: the owner of the collector's state folder. */
const owner = 'root';

/** Returns the lines of sshd_config for a pipe. */
export const sshdLinesOf = (pipe: Pipe): readonly string[] =>
  pipe === 'ssh' ? ['PermitRootLogin prohibit-password'] : [];

export interface PushSite {
  readonly pipe: Exclude<Pipe, 'visit'>;
  readonly dir: string;
  /** The folder below which the clients keep their spools. */
  readonly home: string;
  /** The collector's config.xml. */
  readonly config: string;
  readonly clients: readonly string[];
  readonly programs: FaultPrograms;
  readonly sshd: Sshd;
  readonly port: number;
}

/** Returns the element of config.xml that takes pushes, and its port; '' and 0 if nothing listens. */
export async function servingElement(pipe: Pipe): Promise<{ readonly element: string; readonly port: number }> {
  if (pipe !== 'push') return { element: '', port: 0 };
  const port = await freePort();
  return { element: `<serve host="127.0.0.1" port="${port}"><push/></serve>`, port };
}

/** Returns the attributes of each `<client>` that does not run under sshd. */
export async function clientAttributes(pipe: Pipe, clients: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const attributes = new Map<string, string>();
  for (const client of clients) {
    const spoke = `transport="http" url="http://127.0.0.1:${await freePort()}/"`;
    attributes.set(client, pipe === 'spoke' ? spoke : 'transport="push"');
  }
  return attributes;
}

/** Returns the path of the agent.json of a client that pushes or is polled over HTTP. */
export const agentFileOf = (dir: string, client: string): string => path.join(dir, 'agents', `${client}.json`);

/** Enrols the clients: each gets an agent.json and a spool and, for ssh, a key that starts `receive`. */
export async function enrolClients(site: PushSite): Promise<void> {
  const { pipe, dir, home, config, clients, sshd, port } = site;
  mkdirSync(path.join(dir, 'agents'), { mode: 0o700 });
  const lines: string[] = [];
  for (const client of clients) {
    const to = {
      push: ['--https', `http://127.0.0.1:${port}/`],
      ssh: ['--ssh', `${owner}@127.0.0.1:${sshd.port}`],
      spoke: [],
    };
    const agent = JSON.parse(await succeeded(runBuilt(['-c', config, 'enroll', client, ...to[pipe]]))) as AgentJson;
    const place = path.join(home, '.local', 'state', client);
    mkdirSync(place, { recursive: true, mode: 0o700 });
    const key = pipe === 'ssh' ? sshKeygen(path.join(dir, 'agents', client), '-t', 'ed25519', '-C', '') : null;
    const push = key === null ? agent.push : { ...agent.push, identity: key.privateKey };
    const content = JSON.stringify({ ...agent, push, state_directory: place });
    writeFileSync(agentFileOf(dir, client), content, { mode: 0o600 });
    if (key !== null) lines.push(`restrict,command="${receiveCommand(site, client)}" ${key.publicKey}\n`);
  }
  if (pipe !== 'ssh') return;
  writeFileSync(path.join(sshd.dir, 'authorized_keys', owner), lines.join(''), { mode: 0o644 });
  writeSshClient(site);
}

interface AgentJson {
  readonly push: Readonly<Record<string, string>>;
}

/**
 * Returns the command that starts `receive` with the hook. It uses the agents' script: sshd clears the environment,
 * too.
 */
function receiveCommand({ programs, config }: PushSite, client: string): string {
  return `${programs.nodeOfAgents} ${program} -c ${config} -q receive ${client}`;
}

/** Writes an `ssh` that knows the server, in addition to the account's own known_hosts. */
function writeSshClient({ dir, sshd }: PushSite): void {
  const known = path.join(dir, 'agents', 'known_hosts');
  writeFileSync(known, `${sshd.hostKeyLine()}\n`);
  const bin = binOf(dir);
  mkdirSync(bin);
  const script = `#!/bin/sh\nexec /usr/bin/ssh -F none -o UserKnownHostsFile='${known}' "$@"\n`;
  writeFileSync(path.join(bin, 'ssh'), script);
  chmodSync(path.join(bin, 'ssh'), 0o755);
}

/** Returns the folder that is first in the PATH of clients that push. */
export const binOf = (dir: string): string => path.join(dir, 'bin');
