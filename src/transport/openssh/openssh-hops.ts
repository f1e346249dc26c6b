import { closeSync, mkdirSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { FleetError, type ErrorCode } from '../../platform/errors/errors.ts';
import { packageDir } from '../../state-folder/paths.ts';
import { bastionFailed, dialRefusalCode, notForwarded, ofClient } from '../bastions/bastion-failed.ts';
import type { Hop } from '../route/hop.ts';
import { unfit, type OpensshRoute } from './openssh-arguments.ts';
import { lateStart, opensshFault, wordsOf } from './openssh-fault.ts';
import { hopConfig, isHostName } from './openssh-hop-config.ts';
import { readOpensshLog, type OpensshLog } from './openssh-log.ts';

export interface HopsOptions {
  /** The client's name in errors. */
  readonly client: string;
  readonly route: OpensshRoute;
  /** The folder to create, in a folder that only this user can enter. */
  readonly dir: string;
  readonly tcpTimeoutMs: number;
  /** ssh's version, major times 100 plus minor. */
  readonly version: number;
}

/** The machines between the collector and a client, each reached by an ssh of its own. */
export interface OpensshHops {
  /** The ProxyCommand of the client's ssh. Constant except for a number, so that no value passes through the shell. */
  readonly proxyCommand: string;
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Returns the fault of a machine on the route, by the machines' logs. `clientLines` are the log lines of the client's
   * own ssh. `late` is the exceeded time, for messages. Returns null if no machine is at fault.
   */
  fault(clientLines: readonly string[], late?: string | null): FleetError | null;
  /** True if all machines are logged in and the last one has no answer from the client yet. */
  dialling(): boolean;
  /** Removes the folder with the files of the route. */
  remove(): void;
}

const maxLogBytes = 256 * 1024;

/**
 * Writes the files of each ssh on the route: `N.config`, and `N.to` for openssh-hop.sh. Throws FleetError
 * `config-invalid` for a value that cannot be passed to ssh.
 */
export function openHops({ client, route, dir, tcpTimeoutMs, version }: HopsOptions): OpensshHops {
  const { hops, address, port } = route;
  mkdirSync(dir, { mode: 0o700 });
  let removed = false;
  const remove = (): void => {
    removed = true;
    rmSync(dir, { recursive: true, force: true });
  };
  const places = [...hops.map((hop) => ({ address: hop.address, port: hop.port })), { address, port }];
  try {
    for (const [index, hop] of hops.entries()) {
      const proxyCommand = index === 0 ? null : commandOf(index - 1);
      const write = (ending: string, text: string): void =>
        writeFileSync(path.join(dir, `${index}.${ending}`), text, { mode: 0o600 });
      write('config', hopConfig(hop, { client, proxyCommand, tcpTimeoutMs, version }));
      const next = places[index + 1] ?? { address, port };
      const host = isHostName(hop.sshConfig.host) ? hop.sshConfig.host : hop.address;
      const to = [host, hop.username, placeOf(next)];
      // oxlint-disable-next-line no-control-regex -- these are what must not be there.
      const unwritable = to.find((text) => /[\u0000-\u001f\u007f]/.test(text));
      if (unwritable !== undefined) {
        throw unfit({ client }, `${JSON.stringify(unwritable)} of ${hop.name}`, 'write it without control characters');
      }
      write('to', to.map((text) => `${text}\n`).join(''));
    }
  } catch (thrown) {
    remove();
    throw thrown;
  }
  const logs = (): readonly HopLog[] => hops.map((_, index) => hopLog(readLog(path.join(dir, `${index}.log`))));
  return {
    proxyCommand: commandOf(hops.length - 1),
    environment: { FLEET_HEALTH_HOPS: dir, FLEET_HEALTH_HOP: hopProgram },
    fault: (clientLines, late = null) => {
      if (removed) return null;
      return hopsFault({ client, hops, logs: logs(), clientPlace: placeOf({ address, port }), clientLines, late });
    },
    dialling: () => isDialling(logs()),
    remove,
  };
}

const hopProgram = path.join(packageDir, 'src', 'transport', 'openssh', 'openssh-hop.sh');

/** Returns the ProxyCommand of a machine. ssh runs it through /bin/sh; the environment holds the variable parts. */
function commandOf(index: number): string {
  return `/bin/sh "$FLEET_HEALTH_HOP" ${index}`;
}

function placeOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** Returns the beginning of a file. Returns an empty string if the file cannot be read. */
function readLog(file: string): string {
  let fd: number | null = null;
  try {
    fd = openSync(file, 'r');
    const buffer = Buffer.alloc(maxLogBytes);
    return buffer.toString('latin1', 0, readSync(fd, buffer, 0, maxLogBytes, 0));
  } catch {
    return '';
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** The log of the ssh to one machine on the route. */
interface HopLog {
  readonly log: OpensshLog;
  /** True if ssh has a channel to the next machine. */
  readonly reached: boolean;
  /** The reason for a missing channel (RFC 4254, section 5.1), in ssh's words. null if the channel was not refused. */
  readonly refusal: { readonly reason: string; readonly answer: string } | null;
  /**
   * True if a signal ended ssh before the machine had reported the end of the next connection (RFC 4254, section 5.3).
   */
  readonly cut: boolean;
}

interface HopsQuestion {
  readonly client: string;
  readonly hops: readonly Hop[];
  /** The logs, one for each hop. */
  readonly logs: readonly HopLog[];
  /** `ADDRESS:PORT`. */
  readonly clientPlace: string;
  /** The log lines of the client's own ssh. */
  readonly clientLines: readonly string[];
  /** The exceeded time, for messages: `within 10000 ms`. null if ssh ended by itself. */
  readonly late: string | null;
}

export function hopLog(text: string): HopLog {
  const log = readOpensshLog('\n', () => undefined);
  log.push(Buffer.from(`${text}\n`, 'latin1'));
  const refused = /^channel \d+: open failed: ([a-z ]+)(?:: (.*))?$/m.exec(text.replaceAll('\r', ''));
  const [, reason = '', answer = reason] = refused ?? [];
  const refusal = refused === null ? null : { reason, answer: answer.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 300) };
  return {
    log,
    reached: /^debug2: channel \d+: open confirm /m.test(text),
    refusal,
    cut: /^Killed by signal /m.test(text) && !/^debug2: channel \d+: rcvd (?:eof|close)/m.test(text),
  };
}

/** True if all machines are logged in and the last one waits for its connection to the client. */
function isDialling(logs: readonly HopLog[]): boolean {
  const last = logs.at(-1);
  return last !== undefined && !last.reached && logs.every(({ log }) => log.progress === 'in');
}

/**
 * Returns the fault of the first faulty machine on the route, by the log of its ssh: `bastion-failed` with the
 * machine's name, or the client's own fault if the last machine could not reach the client. Returns null if no machine
 * is at fault.
 */
export function hopsFault({ client, hops, logs, clientPlace, clientLines, late }: HopsQuestion): FleetError | null {
  for (const [index, hop] of hops.entries()) {
    const here = logs[index];
    if (here === undefined) return null;
    const { log, refusal } = here;
    const ofHop = (fault: FleetError): FleetError => ofClient(bastionFailed(hop.name, fault), client);
    if (log.progress !== 'in') return ofHop(loginFault(hop, log, late));
    if (log.lines.some((line) => broke.test(line))) {
      return ofHop(faultOf('connect-failed', 'connect', `the connection broke: ${wordsOf(log)}`));
    }
    // An ssh that loses its connection closes its channels before it logs the reason. The ssh behind it may react
    // first: the ssh finds its connection closed, ends, and kills its ProxyCommand by a signal before the reason is
    // logged.
    if (here.cut && lostItsWire(logs.slice(index + 1), clientLines)) {
      return ofHop(faultOf('connect-failed', 'connect', 'the connection broke'));
    }
    const next = hops[index + 1];
    const place = next === undefined ? clientPlace : `${next.address}:${next.port}`;
    if (refusal === null && (late === null || here.reached)) continue;
    if (refusal !== null && refusal.reason !== 'connect failed') {
      const isProhibited = refusal.reason === 'administratively prohibited';
      const answer = isProhibited ? refusal.answer : `${refusal.reason}: ${refusal.answer}`;
      return ofHop(notForwarded(hop.name, place, { answer, isProhibited }));
    }
    const dialled =
      refusal === null
        ? faultOf('connect-timeout', 'connect', `no answer from ${place} through bastion ${hop.name} ${late ?? ''}`)
        : faultOf(
            dialRefusalCode(refusal.answer),
            'connect',
            `${place}, dialled by bastion ${hop.name}: ${refusal.answer}`,
          );
    return ofClient(next === undefined ? dialled : bastionFailed(next.name, dialled), client);
  }
  return null;
}

/** The log lines of an established login that the other side ended. */
const broke = new RegExp(
  'closed by remote host|Connection reset|Broken pipe|not responding' +
    '|^Timeout, server|^Connection to .* timed out|^Received disconnect',
);

/**
 * True if the ssh of the next machine (after the last machine, the client's ssh) ended because its connection was
 * closed at the other end.
 */
function lostItsWire([next, ...later]: readonly HopLog[], clientLines: readonly string[]): boolean {
  const lines = next?.log.lines ?? clientLines;
  return lines.some((line) => wireClosed.test(line)) || (next?.cut === true && lostItsWire(later, clientLines));
}

const wireClosed = /closed by (?:remote host|UNKNOWN)|Connection reset|Broken pipe/;

function loginFault(hop: Hop, log: OpensshLog, late: string | null): FleetError {
  const { name: client, username, knownHosts, port, address } = hop;
  if (late === null) {
    const question = {
      client,
      address: knownName(hop),
      port,
      username,
      knownHosts,
      agent: hop.credentials.agent,
      jumps: false,
    };
    return opensshFault(question, { ...log, proxied: false });
  }
  switch (log.progress) {
    case 'start':
      return lateStart({ client, address }, log, late);
    case 'connect':
      return faultOf('connect-timeout', 'connect', `no answer from ${address} port ${port} ${late}`);
    case 'silent':
    case 'greeted':
      return faultOf('handshake-timeout', 'handshake', `the key exchange did not end ${late}`);
    default:
      return faultOf('auth-timeout', 'login', `no answer to the login ${late}`);
  }
}

/** Returns the host key name for messages, without the port: messages add the port. */
function knownName({ knownAs, address }: Hop): string {
  return /^\[(.+)\]:\d+$/.exec(knownAs)?.[1] ?? (knownAs === '' ? address : knownAs);
}

function faultOf(code: ErrorCode, stage: FleetError['stage'], message: string): FleetError {
  return new FleetError({ code, stage, message });
}
