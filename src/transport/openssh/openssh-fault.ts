import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { zoneAdvice, zoneFault } from '../../config/values/addresses.ts';
import {
  errnoOf,
  FleetError,
  lacksDescriptors,
  messageOf,
  type ErrorCode,
  type Stage,
} from '../../platform/errors/errors.ts';
import {
  confirmAdvice,
  emptyAgent,
  unlistedAgent,
  unreachableAgent,
  type AgentProblem,
} from '../credentials/agent-problem.ts';
import { fingerprint, keyTypeName } from '../known-hosts/fingerprint.ts';
import { firstSeenWords, parseKnownHostLine } from '../known-hosts/known-hosts-line.ts';
import { hostName } from '../known-hosts/known-hosts.ts';
import { wrongPassphrase, type OpensshLog } from './openssh-log.ts';
import { connectLack, hasResolver, noResolver } from '../connection/dial.ts';
import {
  closedLogin,
  closedSession,
  halfwayAdvice,
  saidWords,
  sessionAdvice,
  wantedWords,
} from '../connection/server-words.ts';
import { otherProtocol, otherProtocolAdvice } from '../connection/other-protocol.ts';
import { sshdRejection } from '../connection/sshd-rejection.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { signalGroup } from '../../platform/child-process.ts';

/** The destination of ssh, for messages. */
export interface OpensshQuestion {
  readonly client: string;
  readonly address: string;
  readonly port: number;
  readonly username: string;
  /** The known_hosts files, in the order in which ssh reads them. */
  readonly knownHosts: readonly string[];
  /** The agent by config.xml: `env`, `none`, a socket, or null if it names none. */
  readonly agent: string | null;
  /** True if ssh_config names the route by ProxyJump, and not by a ProxyCommand. */
  readonly jumps: boolean;
}

/** Returns the fault of an ssh that ended before the login was complete, from its progress and its log lines. */
export function opensshFault(question: OpensshQuestion, log: OpensshLog): FleetError {
  const { progress, proxied } = log;
  const words = wordsOf(log);
  const fault = (code: ErrorCode, stage: Stage, message: string, advice?: string): FleetError =>
    failure(question, code, stage, message, advice);
  if (proxied && (progress === 'connect' || progress === 'silent')) {
    const advice = log.lines.some((line) => unverified.test(line)) ? unverifiedAdvice(question) : undefined;
    return fault('bastion-failed', 'connect', `the route there, which ssh_config names, failed: ${words}`, advice);
  }
  switch (progress) {
    case 'start': {
      const unresolved = /Could not resolve hostname (.*)/.exec(words);
      if (unresolved) {
        const why = unresolved[1] ?? words;
        const isOwn = /Temporary failure/.test(why) && !hasResolver();
        return isOwn ? fault('collector-fault', 'resolve', `${why}: ${noResolver}`) : fault('dns', 'resolve', why);
      }
      return fault('config-invalid', 'connect', `ssh did not begin: ${words}`, 'See what `ssh -G` says of it.');
    }
    case 'connect': {
      const [, reason = words] = /connect to host .* port \d+: (.*)/.exec(words) ?? [];
      const code = /refused/.test(reason) ? 'connect-refused' : /timed out/.test(reason) ? 'connect-timeout' : null;
      const zone = /Invalid argument/.test(reason) ? zoneFault(question.address) : null;
      if (zone !== null) return fault('connect-failed', 'connect', zone, zoneAdvice);
      const message = `${hostName(question.address, question.port)}: ${reason}`;
      const own = ownErrors.find(([error]) => error.test(reason))?.[1] ?? null;
      if (own !== null && !lacksWay.includes(own)) return fault(ownCode(own), 'connect', message);
      // ssh does not say which of the name's addresses it has tried.
      const lack = own === null || isIP(question.address) === 0 ? null : connectLack(own, question.address);
      if (lack !== null) return fault('collector-fault', 'connect', `${message}: ${lack}`);
      return fault(code ?? 'connect-failed', 'connect', message);
    }
    case 'silent': {
      const notice = sshdRejection(log.lines.join('\n'), null);
      if (notice !== null) return fault('sshd-rejection', 'handshake', notice);
      const other = otherServer(question, log);
      if (other !== null) return other;
      if (/timed out/.test(words)) return fault('handshake-timeout', 'handshake', words);
      const isClosed = log.lines.every((line) => closedLine.test(line));
      return fault(isClosed ? 'handshake-closed' : 'handshake-failed', 'handshake', words);
    }
    case 'greeted':
      return (
        hostKeyFault(question, log) ?? algorithmFault(question, words) ?? fault('handshake-failed', 'handshake', words)
      );
    case 'login':
      return loginFault(question, log, words);
    case 'in':
      if (/^Connection to \S+ closed by remote host\.$/.test(words)) {
        return fault('connect-failed', 'login', closedSession, sessionAdvice);
      }
      return fault('connect-failed', 'login', `the connection broke: ${words}`);
  }
}

/** Returns the fault of a server with which ssh shares no algorithm. Returns null for other words. */
function algorithmFault(question: OpensshQuestion, words: string): FleetError | null {
  const [, kind = '', offer = ''] = /no matching (.+) found\. Their offer: (\S+)/.exec(words) ?? [];
  const option = algorithmOptions[kind];
  if (option === undefined) return null;
  const [first = ''] = offer.split(',');
  const message = `no matching ${kind}; the client offers ${clean(offer)}`;
  const advice = `Update its SSH server, or write in ssh_config under its Host: ${option} +${clean(first)}`;
  return failure(question, 'no-common-algorithm', 'handshake', message, advice);
}

/** The options of ssh_config for the kinds of algorithms, in the words of ssh. */
const algorithmOptions: Readonly<Record<string, string>> = {
  'key exchange method': 'KexAlgorithms',
  'host key type': 'HostKeyAlgorithms',
  cipher: 'Ciphers',
  MAC: 'MACs',
};

/** Returns the fault of an ssh that this machine could not start. It says nothing about the client. */
export function startFault(client: string, thrown: unknown, stage: Stage = 'connect'): FleetError {
  const isMissing = errnoOf(thrown) === 'ENOENT';
  const message = isMissing
    ? 'transport="openssh" needs the program ssh: there is none in PATH'
    : `ssh cannot be started: ${messageOf(thrown)}`;
  const advice = isMissing
    ? 'Install the OpenSSH client (Debian, Ubuntu: openssh-client), or use transport="ssh2".'
    : undefined;
  const code = lacksDescriptors(thrown) ? 'descriptors-exhausted' : 'collector-fault';
  return new FleetError({ client, code, stage, message, advice, cause: thrown });
}

const unverified = /Host key verification failed|host key is known for/;

/** Returns the remedy for a host key on a route of ssh_config that ssh refused. */
function unverifiedAdvice({ client, jumps }: OpensshQuestion): string {
  if (jumps) return `fleet-health trust ${shownShellWord(client)}`;
  return 'A ProxyCommand reads the known_hosts of the account that runs it: add the key there. Or write ProxyJump.';
}

/** The errors of a connection that this machine may cause, in the words of ssh. */
const ownErrors: readonly (readonly [error: RegExp, errno: string])[] = [
  [/Too many open files/, 'EMFILE'],
  [/Cannot allocate memory/, 'ENOMEM'],
  [/No buffer space available/, 'ENOBUFS'],
  [/Cannot assign requested address/, 'EADDRNOTAVAIL'],
  [/Network is unreachable/, 'ENETUNREACH'],
  [/No route to host/, 'EHOSTUNREACH'],
];
/** The errors that say something about this machine only for some addresses. */
const lacksWay: readonly string[] = ['EADDRNOTAVAIL', 'ENETUNREACH', 'EHOSTUNREACH'];

function ownCode(errno: string): ErrorCode {
  return errno === 'EMFILE' ? 'descriptors-exhausted' : 'collector-fault';
}

/** Returns the fault of a server of another protocol, of which ssh logs the first lines; null if it is none. */
export function otherServer({ client }: Pick<OpensshQuestion, 'client'>, log: OpensshLog): FleetError | null {
  const message = log.progress === 'silent' ? log.lines.map(otherProtocol).find((words) => words !== null) : null;
  if (message === null || message === undefined) return null;
  return new FleetError({ client, code: 'handshake-failed', stage: 'handshake', message, advice: otherProtocolAdvice });
}

/** Returns the fault of an ssh that has not begun to connect by the deadline, `late`, which says `within 5000 ms`. */
export function lateStart(
  { client, address }: Pick<OpensshQuestion, 'client' | 'address'>,
  { resolving }: Pick<OpensshLog, 'resolving'>,
  late: string,
): FleetError {
  if (resolving) {
    const message = `${address} did not resolve ${late}`;
    return new FleetError({ client, code: 'dns', stage: 'resolve', message });
  }
  return new FleetError({
    client,
    code: 'connect-timeout',
    stage: 'connect',
    message: `ssh did not begin to connect to ${address} ${late}`,
    advice: 'Check the load of this machine, and what ssh_config lets ssh run first (Match exec).',
  });
}

function loginFault(question: OpensshQuestion, log: OpensshLog, words: string): FleetError {
  const refused = log.lines.some((line) => /Permission denied \(/.test(line));
  const ended = log.lines.find((line) => /^(?:Received disconnect from|Disconnected from)/.test(line));
  if (!refused && ended === undefined) {
    if (log.lines.some((line) => line.startsWith('Connection closed by '))) {
      const { code, message, advice } = closedLogin(question.username, log.said);
      return failure(question, code, 'login', message, advice);
    }
    return failure(question, 'connect-failed', 'login', `the connection broke during the login: ${words}`);
  }
  const unusable = /^Load key |^no such identity: |^(?:sign_and_send_pubkey|PKCS11)/;
  const problem = log.lines.find((line) => line === wrongPassphrase || unusable.test(line));
  const ofAgent = agentProblem(question.agent, log);
  const facts = [
    `${question.username} was refused`,
    log.tried.length > 0 ? `tried ${log.tried.join(', ')}` : 'nothing that is configured was asked for',
    ...(log.wanted === null ? [] : [wantedWords(log.taken, log.wanted)]),
    ...(ended === undefined ? [] : [clean(ended)]),
    ...(problem === undefined ? [] : [clean(problem)]),
    ...(ofAgent === null ? [] : [ofAgent.message]),
  ];
  const isAgentAlone = ofAgent !== null && log.tried.length === 0;
  const code = problem === undefined && !isAgentAlone ? 'auth-failed' : 'credentials-unusable';
  const advice =
    problem === undefined
      ? isAgentAlone
        ? ofAgent.advice
        : (tooManyAdvice(ended) ?? (log.taken.length > 0 ? halfwayAdvice : undefined))
      : loginAdvices.find(([line]) => line.test(problem))?.[1];
  return failure(question, code, 'login', facts.join('; ') + saidWords(log.said), advice);
}

/** Returns the socket of an agent by config.xml, for messages; null for that of ssh_config. */
export function agentSocket(agent: string | null): string | null {
  return agent === 'env' ? (process.env['SSH_AUTH_SOCK'] ?? null) : agent === 'none' ? null : agent;
}

/** Returns the reason why ssh had no key of an agent. Returns null if it had some, or asked none. */
function agentProblem(agent: string | null, { agentFault }: OpensshLog): AgentProblem | null {
  if (agent === 'env' && !process.env['SSH_AUTH_SOCK']) {
    return { message: 'agent="env", but $SSH_AUTH_SOCK is not set', advice: 'Set it, or name the socket by agent.' };
  }
  if (agentFault === null) return null;
  const socket = agentSocket(agent);
  if (!agentFault.isReached) return unreachableAgent(socket, clean(agentFault.why));
  return /no identities/.test(agentFault.why) ? emptyAgent(socket) : unlistedAgent(socket, clean(agentFault.why));
}

/** Returns the remedy for a server that ended a login after too many keys. */
function tooManyAdvice(ended: string | undefined): string | undefined {
  if (ended === undefined || !/Too many authentication failures/.test(ended)) return undefined;
  return 'Name one key by privateKey; privateKey="FILE.pub" picks one of an ssh-agent.';
}

/** The remedy for a key file that ssh does not read, of which it says `error in libcrypto` or `invalid format`. */
const unreadKeyAdvice =
  'See `ssh-keygen -y -f FILE`. A key of OpenSSH has to begin the file, without a byte order mark, with line breaks ' +
  'of Unix (no CRLF) and one after its last line.';

/** The remedies for what ssh logs about a key that it cannot use. */
const loginAdvices: readonly (readonly [line: RegExp, advice: string])[] = [
  [/^Load key /, unreadKeyAdvice],
  [/^sign_and_send_pubkey: .*agent/, confirmAdvice],
];

function hostKeyFault(question: OpensshQuestion, log: OpensshLog): FleetError | null {
  const has = (pattern: RegExp): boolean => log.lines.some((line) => pattern.test(line));
  const name = hostName(question.address, question.port);
  const shown = log.shown === null ? 'a key' : `${keyTypeName(log.shown.type)} ${log.shown.fingerprint}`;
  const [place = ''] = question.knownHosts;
  const fault = (code: ErrorCode, message: string, advice?: string): FleetError =>
    failure(question, code, 'handshake', message, advice);
  if (has(/REVOKED HOST KEY DETECTED|marked as revoked/)) {
    return fault('host-key-revoked', `${shown} of ${name} is marked @revoked in ${question.knownHosts.join(' or ')}`);
  }
  if (has(/REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed/i)) {
    const known = offendingKeys(log);
    const message = `${name} shows ${shown}, but ${known.length > 0 ? known.join(' or ') : `${place} says another`}`;
    const advice = `If the change is meant to be: fleet-health trust --replace ${shownShellWord(question.client)}`;
    return fault('host-key-changed', message, advice);
  }
  if (!has(unverified)) return null;
  const certificate = log.lines.find((line) => /^Certificate invalid|^Host certificate/i.test(line));
  const why = certificate === undefined ? '' : ` (${clean(certificate)})`;
  const advice = `fleet-health trust ${shownShellWord(question.client)}`;
  return fault('host-key-unknown', `${name} shows ${shown}; ${place} has no key for it${why}`, advice);
}

/** Returns `PATH says ED25519 SHA256:... (line N)` for each line that ssh names. */
function offendingKeys({ lines }: OpensshLog): string[] {
  return lines.flatMap((text) => {
    const [, file, number] = /^Offending .*key in (.+):(\d+)$/.exec(text) ?? [];
    if (file === undefined) return [];
    const line = Number(number);
    try {
      const entry = parseKnownHostLine(readFileSync(file, 'utf8').split('\n')[line - 1] ?? '', line);
      if (entry === null || typeof entry === 'string') return [];
      const key = `${keyTypeName(entry.key.type)} ${fingerprint(entry.key.key)}`;
      return [`${file} says ${key} (line ${line}${firstSeenWords(entry)})`];
    } catch {
      return [];
    }
  });
}

/** The lines of ssh about a connection that was closed before the server's version. */
const closedLine =
  /^kex_exchange_identification: (?:Connection closed|read: Connection reset)|^Connection (?:closed|reset) by /;

/** The lines that say nothing of a fault. */
const idle = /^@+$|^@ .*@$|^Connection closed by UNKNOWN|^Killed by signal|^Transferred: sent |^Bytes per second: /;

/** Returns the last log lines for a message. Omits decoration, and lines that report only the end of ssh. */
export function wordsOf({ lines }: Pick<OpensshLog, 'lines'>): string {
  const telling = lines.filter((line) => !idle.test(line));
  return telling.length === 0
    ? 'ssh ended without a word'
    : telling
        .slice(-3)
        .map((line) => clean(withoutQuotation(line)))
        .join('; ');
}

/** Omits what ssh quotes of a line of ssh_config: an included file may be a private key. */
export function withoutQuotation(line: string): string {
  const place = /^(.{1,300}?:? line \d+): /.exec(line)?.[1];
  if (place === undefined) return line;
  return `${place}: ${line.includes(': Bad configuration option') ? 'Bad configuration option' : 'ssh rejects it'}`;
}

/** Reduces a text to one line of at most 300 printable characters. */
function clean(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 300);
}

function failure(
  question: OpensshQuestion,
  code: ErrorCode,
  stage: Stage,
  message: string,
  advice?: string,
): FleetError {
  const { client } = question;
  return new FleetError({ client, code, stage, message, advice });
}

const lookMs = 50;
const maxLooks = 15;

/**
 * Returns the fault of the machine on the route that made an ssh end. `ask` reads the fault from the logs of the
 * machines. An ssh on the route closes its end before it logs the reason. Therefore polls until a fault is logged or
 * all processes of `master` have ended, at most three quarters of a second. Returns null if no machine is at fault.
 * Never rejects.
 */
export async function lastFault(
  master: ChildProcess,
  ask: (() => FleetError | null) | null,
): Promise<FleetError | null> {
  for (let look = 0; ask !== null && look < maxLooks; look += 1) {
    const ended = !signalGroup(master, 0);
    const fault = ask();
    if (ended || fault !== null) return fault;
    await sleep(lookMs);
  }
  return null;
}
