/** Both transports behind one question, for the tests that hold for each of them: made as config.xml makes them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Client, SshSettings } from '../../src/config/config.ts';
import { Secret } from '../../src/config/secret.ts';
import { transportFor } from '../../src/transport/transport-for.ts';
import type { Connection, ConnectOptions } from '../../src/transport/transport.ts';
import { sharedFor } from './run-shared.ts';

export type Way = 'ssh2' | 'openssh';
export const ways: readonly Way[] = ['ssh2', 'openssh'];

export interface WayTarget {
  readonly port: number;
  readonly username: string;
  /** A folder for known_hosts. */
  readonly dir: string;
  /** Lines of known_hosts. */
  readonly knownHosts: readonly string[];
  readonly address?: string;
  readonly privateKey?: string;
  readonly passphrase?: string;
  readonly password?: string;
  readonly agent?: string;
  readonly hostKeys?: SshSettings['hostKeys'];
  /** An ssh_config; default: none is read. */
  readonly config?: string;
}

let files = 0;

/** The client of a target, and its known_hosts. */
export function clientOf(way: SshSettings['transport'], target: WayTarget): Client {
  files += 1;
  const knownHosts = path.join(target.dir, `known_hosts.${files}`);
  writeFileSync(knownHosts, target.knownHosts.map((line) => `${line}\n`).join(''));
  const secret = (text: string | undefined): Secret | null =>
    text === undefined ? null : new Secret({ kind: 'literal', value: text });
  const place = 'config.xml:3';
  const attributes = ['username', 'port', 'config', 'knownHosts', 'hostKeys', 'privateKey', 'agent'] as const;
  const absent = attributes.filter(
    (name) => name in { privateKey: 1, agent: 1 } && target[name as 'agent'] === undefined,
  );
  const ssh: SshSettings = {
    username: target.username,
    password: secret(target.password),
    privateKey: target.privateKey ?? null,
    passphrase: secret(target.passphrase),
    agent: target.agent ?? null,
    hostKeys: target.hostKeys ?? 'strict',
    knownHosts,
    config: target.config ?? null,
    transport: way,
    proxyJump: null,
    node: null,
    runtime: 'none',
    unsealed: 'refuse',
    kex: null,
    explicit: Object.fromEntries(attributes.filter((name) => !absent.includes(name)).map((name) => [name, place])),
  };
  const address = target.address ?? '127.0.0.1';
  // The rest of a client is no business of a transport.
  return { name: 'web-1', address, addressExplicit: true, port: target.port, ssh } as unknown as Client;
}

/** Connects as the collector does. */
export function connectBy(
  way: SshSettings['transport'],
  target: WayTarget,
  options: Partial<ConnectOptions> = {},
): Promise<Connection> {
  const { signal } = new AbortController();
  const transport = transportFor(clientOf(way, target), sharedFor());
  return transport.connect({ tcpTimeoutMs: 5000, connectTimeoutMs: 10_000, signal, ...options });
}

/** The ssh processes that this process has started, ProxyCommands included, as their command lines. */
export function sshChildren(): string[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It has ended.
    }
  }
  const isOurs = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent === process.pid || (parent !== undefined && parent > 1 && isOurs(parent));
  };
  return [...parents.keys()].filter(isOurs).flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
      // A zombie has no command line, and is as much of a child as any.
      const name = line === '' ? `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (zombie)` : line;
      return /^(?:\S*\/)?ssh\b(?!-agent)/.test(name) ? [name] : [];
    } catch {
      return [];
    }
  });
}

/** No ssh of ours is left, running or as a zombie. */
export async function noChildLeft(): Promise<void> {
  for (let turn = 0; turn < 1000 && sshChildren().length > 0; turn += 1) await sleep(10);
  assert.deepEqual(sshChildren(), []);
}
