import { FleetError, type ErrorCode } from '../../errors.ts';
import { bastionFailed, ofClient } from '../bastions/bastion-failed.ts';
import { dialRefusalCode } from '../bastions/bastion-session.ts';
import type { Hop } from '../route/hop.ts';
import { opensshFault, wordsOf } from './openssh-fault.ts';
import { readOpensshLog, type OpensshLog } from './openssh-log.ts';

/** What the ssh of one machine on the way wrote down. */
export interface HopLog {
  readonly log: OpensshLog;
  /** It has a channel to the machine behind it. */
  readonly reached: boolean;
  /** Why it has none: RFC 4254, section 5.1, in ssh's words. */
  readonly refusal: { readonly reason: string; readonly said: string } | null;
  /** It was ended by a signal, and the machine had not said that what lies behind it is gone (RFC 4254, section 5.3). */
  readonly cut: boolean;
}

export interface WayQuestion {
  readonly client: string;
  readonly hops: readonly Hop[];
  /** One for each hop. */
  readonly logs: readonly HopLog[];
  /** `ADDRESS:PORT`. */
  readonly clientPlace: string;
  /** What the client's own ssh said. */
  readonly clientLines: readonly string[];
  /** What did not happen in time: `within 10000 ms`; null: ssh ended by itself. */
  readonly late: string | null;
}

export function hopLog(text: string): HopLog {
  const log = readOpensshLog('\n', () => undefined);
  log.push(Buffer.from(`${text}\n`, 'latin1'));
  const refused = /^channel \d+: open failed: ([a-z ]+)(?:: (.*))?$/m.exec(text.replaceAll('\r', ''));
  const [, reason = '', said = reason] = refused ?? [];
  const refusal = refused === null ? null : { reason, said: said.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 300) };
  return {
    log,
    reached: /^debug2: channel \d+: open confirm /m.test(text),
    refusal,
    cut: /^Killed by signal /m.test(text) && !/^debug2: channel \d+: rcvd (?:eof|close)/m.test(text),
  };
}

/** True once all are logged in and the last one waits for an answer from what it dials. */
export function isDialling(logs: readonly HopLog[]): boolean {
  const last = logs.at(-1);
  return last !== undefined && !last.reached && logs.every(({ log }) => log.progress === 'in');
}

/**
 * The first machine on the way that is at fault, by what its own ssh wrote down: `bastion-failed` with its name, or the
 * client's own fault where the last machine could not reach it. null: the way stands.
 */
export function wayFault({ client, hops, logs, clientPlace, clientLines, late }: WayQuestion): FleetError | null {
  for (const [index, hop] of hops.entries()) {
    const here = logs[index];
    if (here === undefined) return null;
    const { log, refusal } = here;
    const told = (fault: FleetError): FleetError => ofClient(bastionFailed(hop.name, fault), client);
    if (log.progress !== 'in') return told(loginFault(hop, log, late));
    if (log.lines.some((line) => broke.test(line))) {
      return told(faultOf('connect-failed', 'connect', `the connection broke: ${wordsOf(log)}`));
    }
    // An ssh that loses its connection closes its channels, then says why. The ssh behind it may be quicker: it finds
    // its wire closed, ends, and ends its ProxyCommand by a signal, and with it those words.
    if (here.cut && lostItsWire(logs.slice(index + 1), clientLines)) {
      return told(faultOf('connect-failed', 'connect', 'the connection broke'));
    }
    const next = hops[index + 1];
    const place = next === undefined ? clientPlace : `${next.address}:${next.port}`;
    if (refusal === null && (late === null || here.reached)) continue;
    if (refusal !== null && refusal.reason !== 'connect failed') return told(notForwarded(hop, place, refusal));
    const dialled =
      refusal === null
        ? faultOf('connect-timeout', 'connect', `no answer from ${place} through bastion ${hop.name} ${late ?? ''}`)
        : faultOf(
            dialRefusalCode(refusal.said),
            'connect',
            `${place}, dialled by bastion ${hop.name}: ${refusal.said}`,
          );
    return ofClient(next === undefined ? dialled : bastionFailed(next.name, dialled), client);
  }
  return null;
}

/** What a login that stood says at its end, when nobody here ended it. */
const broke =
  /closed by remote host|Connection reset|Broken pipe|not responding|^Timeout, server|^Connection to .* timed out|^Received disconnect/;

/** Whether the first of these machines' ssh, else the client's, ended because its wire was closed at the other end. */
function lostItsWire([next, ...later]: readonly HopLog[], clientLines: readonly string[]): boolean {
  const lines = next?.log.lines ?? clientLines;
  return lines.some((line) => wireClosed.test(line)) || (next?.cut === true && lostItsWire(later, clientLines));
}

const wireClosed = /closed by (?:remote host|UNKNOWN)|Connection reset|Broken pipe/;

function loginFault(hop: Hop, log: OpensshLog, late: string | null): FleetError {
  const { name: client, username, knownHosts, port, address } = hop;
  if (late === null) {
    const question = { client, address: knownName(hop), port, username, knownHosts };
    return opensshFault(question, { ...log, proxied: false });
  }
  switch (log.progress) {
    case 'start':
      return faultOf('dns', 'resolve', `${address} did not resolve ${late}`);
    case 'connect':
      return faultOf('connect-timeout', 'connect', `no answer from ${address} port ${port} ${late}`);
    case 'silent':
    case 'greeted':
      return faultOf('handshake-timeout', 'handshake', `the key exchange did not end ${late}`);
    default:
      return faultOf('auth-timeout', 'login', `no answer to the login ${late}`);
  }
}

/** As messages name it: without the port, which is added to it. */
function knownName({ knownAs, address }: Hop): string {
  return /^\[(.+)\]:\d+$/.exec(knownAs)?.[1] ?? (knownAs === '' ? address : knownAs);
}

function notForwarded(hop: Hop, place: string, { reason, said }: NonNullable<HopLog['refusal']>): FleetError {
  const prohibited = reason === 'administratively prohibited';
  return new FleetError({
    code: 'channel-failed',
    stage: 'connect',
    message: prohibited ? `it does not forward to ${place}: ${said}` : `no connection to ${place}: ${reason}: ${said}`,
    retryable: !prohibited,
    advice: prohibited
      ? `Allow it in sshd_config of ${hop.name}: AllowTcpForwarding, PermitOpen, and the key's restrict option.`
      : `Check the load of ${hop.name}.`,
  });
}

function faultOf(code: ErrorCode, stage: FleetError['stage'], message: string): FleetError {
  return new FleetError({ code, stage, message });
}
