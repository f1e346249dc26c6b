/**
 * A client that is away in every other round, so that the others are asked about it. Its address is that of a forwarder
 * to the sshd of all.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

import { atExit } from '../support/at-exit.ts';
import type { Sshd } from '../support/ssh/sshd.ts';
import type { FaultRow } from './fault-database.ts';
import { timeText } from './truth.ts';

export const lostClient = 'gone';

/** The first three bytes of the addresses of a run. */
export interface FaultSubnet {
  readonly prefix: string;
  /** True if they are loopback addresses, about which nobody is asked. */
  readonly isLocal: boolean;
}

/**
 * Makes addresses of this machine that are no loopback addresses and stand at no interface, by a route of the kernel
 * until the end of the process. Returns loopback addresses if this account may not.
 */
export function makeSubnet(): FaultSubnet {
  const prefix = `198.18.${process.pid % 250}`;
  const route = (verb: string): boolean => {
    const words = ['route', verb, 'local', `${prefix}.0/24`, 'dev', 'lo'];
    return spawnSync('ip', words, { stdio: 'ignore' }).status === 0;
  };
  if (!route('replace')) return { prefix: '127.0.0', isLocal: true };
  atExit(() => void route('del'));
  return { prefix, isLocal: false };
}

export interface LostClient {
  /** The element of config.xml. */
  readonly element: string;
  /** The line of known_hosts. */
  readonly hostKeyLine: string;
  /** Takes the client away, or brings it back. Call it only while no collector runs. */
  setAway(isAway: boolean): Promise<void>;
  isAway(): boolean;
  /**
   * Returns what is wrong with the stored looks, by the rows of its visits. The last time that it was away, everybody
   * has to have seen it.
   */
  wrongLooks(rows: readonly FaultRow[]): readonly string[];
  stop(): Promise<void>;
}

export async function openLostClient(sshd: Sshd, { prefix, isLocal }: FaultSubnet): Promise<LostClient> {
  const address = `${prefix}.250`;
  /** The times at which it began to be away (true) or was back (false), by the clock of the programs. */
  const changes: { readonly at: string; readonly isAway: boolean }[] = [];
  const sockets = new Set<Socket>();
  let server: Server | null = null;
  let port = 0;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server === null) return;
    const closed = once(server, 'close');
    server.close();
    server = null;
    await closed;
  };
  const listen = async (): Promise<void> => {
    server ??= createServer((socket) => {
      const there = connect(sshd.port, '127.0.0.1');
      for (const [one, other] of [
        [socket, there],
        [there, socket],
      ] as const) {
        sockets.add(one);
        one.on('error', () => other.destroy()).once('close', () => sockets.delete(one) && other.destroy());
        one.pipe(other);
      }
    }).listen(port, address);
    if (!server.listening) await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  await listen();
  const isAwayAt = (at: string): boolean => changes.findLast((change) => change.at <= at)?.isAway ?? false;
  return {
    // Its alert is mailed like those of others; mail-log.ts reads only lines about processes.
    element: `<client name="${lostClient}" ip="${address}" port="${port}">
      <alert name="unreachable" enabled="yes" for="1x"/></client>`,
    hostKeyLine: `[${address}]:${port} ${sshd.hostKeys[0]?.line ?? ''}`,
    setAway: async (isAway) => {
      await (isAway ? close() : listen());
      changes.push({ at: timeText(), isAway });
    },
    isAway: () => changes.at(-1)?.isAway === true,
    wrongLooks: (rows) => {
      const looks = rows.flatMap((row) => {
        const [at, text] = [String(row['started_at']), row['beside']];
        return typeof text === 'string' ? [{ at, text, isAway: isAwayAt(at) }] : [];
      });
      const wrong = looks.filter(({ text, isAway }) => !(isAway ? seenAway : seenBack).test(text));
      const last = looks.findLast(({ isAway }) => isAway);
      return [
        ...wrong.map(({ at, text, isAway }) => `${at} ${isAway ? 'away' : 'back'}: ${text}`),
        ...(last !== undefined && (isLocal ? asksNobody : seenByAll).test(last.text)
          ? []
          : [`the last look: ${last?.text ?? 'none'}`]),
      ];
    },
    stop: close,
  };
}

const answers = (words: string): RegExp => new RegExp(`"unasked"|"seen":\\[(?:\\["c\\d+","(?:${words})"\\],?)+\\]`);
/** Servers and sessions are killed meanwhile, so that others may be unable to look. */
const [seenAway, seenBack] = [answers('refused|unable'), answers('reached|no banner|refused|unable')];
const seenByAll = /"seen":\[\["c\d+","refused"\],\["c\d+","refused"\]\]/;
const asksNobody = /^\{"unasked":"local"\}$/;
