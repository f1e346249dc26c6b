/** Both transports behind one function, for the tests that apply to both. They are made as from config.xml. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Client, SshSettings } from '../../../src/config/config.ts';
import { Secret } from '../../../src/config/secret.ts';
import { commandTransportFor } from '../../../src/transport/transport-for.ts';
import type { Connection, ConnectOptions } from '../../../src/transport/transport.ts';
import { sharedFor, sshClient } from './run-shared.ts';
import { until } from '../until.ts';

export type TransportName = 'ssh2' | 'openssh';
export const transports: readonly TransportName[] = ['ssh2', 'openssh'];

export interface LoginTarget extends Partial<Pick<SshSettings, 'privateKey' | 'agent' | 'hostKeys' | 'config'>> {
  readonly username: string;
  readonly port: number;
  /** A folder for known_hosts. */
  readonly dir: string;
  /** Lines of known_hosts. */
  readonly knownHosts: readonly string[];
  readonly address?: string;
  readonly passphrase?: string;
  readonly password?: string;
}

export const literal = (value: string): Secret => new Secret({ kind: 'literal', value });

type Listening = Pick<LoginTarget, 'port' | 'dir'> & { readonly hostKeyLine: () => string };

/** Returns the target of logins at a server whose host key is known. */
export function targetAt({ port, dir, hostKeyLine }: Listening, more: Partial<LoginTarget> = {}): LoginTarget {
  return { port, dir, knownHosts: [hostKeyLine()], username: 'nobody', ...more };
}

let files = 0;

/** Writes the known_hosts of a target. Returns the target's client. */
export function clientOf(via: SshSettings['via'], target: LoginTarget): Client {
  const { port, dir, knownHosts: lines, address = '127.0.0.1', password, passphrase, ...own } = target;
  files += 1;
  const knownHosts = path.join(dir, `known_hosts.${files}`);
  writeFileSync(knownHosts, lines.map((line) => `${line}\n`).join(''));
  const settings: Partial<SshSettings> = {
    ...{ config: null, hostKeys: 'strict', unsealed: 'refuse', via, knownHosts, ...own },
    ...(password === undefined ? {} : { password: literal(password) }),
    ...(passphrase === undefined ? {} : { passphrase: literal(passphrase) }),
  };
  return sshClient('web-1', settings, { address, port });
}

/** Connects as the collector does. */
export function connectBy(
  via: SshSettings['via'],
  target: LoginTarget,
  options: Partial<ConnectOptions> = {},
): Promise<Connection> {
  const { signal } = new AbortController();
  const limits = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal };
  const client = clientOf(via, target);
  // `<ssh>` has the known_hosts for jumps too, beside ssh's own files.
  const explicit = { knownHosts: undefined } as unknown as SshSettings['explicit'];
  const shared = sharedFor({ jumpHosts: { knownHosts: client.ssh.knownHosts, explicit } });
  return commandTransportFor(client, shared).connect({ ...limits, ...options });
}

/** Returns the command lines of the ssh processes that this process has started, ProxyCommands included. */
export function sshChildren(): string[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // The process has ended.
    }
  }
  const isOurs = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent === process.pid || (parent !== undefined && parent > 1 && isOurs(parent));
  };
  return [...parents.keys()].filter(isOurs).flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
      // A zombie has no command line, and is still a child.
      const name = line === '' ? `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (zombie)` : line;
      return /^(?:\S*\/)?ssh\b(?!-agent)/.test(name) ? [name] : [];
    } catch {
      return [];
    }
  });
}

/** Waits until no ssh of this process is left, neither running nor as a zombie. */
export async function noChildLeft(): Promise<void> {
  await until(
    () => sshChildren().length === 0,
    () => `still there: ${sshChildren().join('; ')}`,
  );
}
