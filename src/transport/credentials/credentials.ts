import { readFileSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

import { changedFault, errnoOf, FleetError, messageOf } from '../../platform/errors/errors.ts';
import type { HopCredentials } from '../route/hop.ts';
import {
  EncryptedKey,
  Sha1Refused,
  hashOfSigner,
  loadPrivateKey,
  rsaSignaturesFor,
  signingBy,
  type LoginKey,
} from './private-key.ts';
import {
  emptyAgent,
  silentAgent,
  unlistedAgent,
  unreachableAgent,
  unsignedByAgent,
  type AgentProblem,
} from './agent-problem.ts';
import { fingerprint } from '../known-hosts/fingerprint.ts';
import { OpenSSHAgent, type ParsedKey } from '../connection/ssh2.ts';

/**
 * Reads the credentials that may be offered to a machine. `problem` names an unusable key or agent if there are other
 * credentials. Throws FleetError `credentials-unusable` if there are none, or `secret-missing`.
 */
export function revealCredentials(machine: string, wanted: HopCredentials): Credentials {
  const problems: FleetError[] = [];
  const socket = wanted.agent === 'env' ? (process.env['SSH_AUTH_SOCK'] ?? '') : wanted.agent;
  if (socket === '') problems.push(unusable(machine, 'agent="env", but $SSH_AUTH_SOCK is not set'));

  const keys: LoginKey[] = [];
  const named: Buffer[] = [];
  let picked = false;
  for (const { path, optional } of wanted.privateKeys) {
    try {
      const key = loadPrivateKey(path, wanted.passphrase?.reveal() ?? null);
      if (key.usable !== null) keys.push(key);
      else if (!socket) problems.push(unusable(machine, `${path} is a public key, which needs an ssh-agent`));
      else {
        named.push(key.publicBlob);
        picked = true;
      }
    } catch (thrown) {
      if (!(thrown instanceof FleetError)) throw thrown;
      const isMissing = errnoOf(thrown.cause) === 'ENOENT';
      // The agent may hold the key. As in ssh, its public half beside the missing or encrypted file selects it.
      const half = isMissing || thrown.cause instanceof EncryptedKey ? publicHalf(path) : null;
      if (half !== null && socket) named.push(half);
      else if (half !== null && isMissing) problems.push(unusable(machine, `${path}.pub needs an ssh-agent`));
      else if (!isMissing || !optional) problems.push(thrown);
    }
  }

  const password = wanted.password?.reveal() ?? null;
  const [first] = problems;
  if (first !== undefined && password === null && !socket && keys.length === 0) {
    throw changedFault(first, { client: machine });
  }
  if (password === null && !socket && keys.length === 0 && wanted.privateKeys.length > 0) {
    throw unusable(machine, noKeyWords(wanted), noKeyAdvice);
  }
  const certificates = wanted.privateKeys.map(({ path }) => certificateBeside(path)).filter((file) => file !== null);
  const agent = socket
    ? new SshAgent(socket, {
        named,
        namedOnly: wanted.identitiesOnly || picked,
        except: keys.map(({ publicBlob }) => publicBlob),
      })
    : null;
  return {
    password,
    keys,
    agent,
    problem: problems.length === 0 ? null : problems.map(({ message }) => message).join('; '),
    certificates,
  };
}

/** The remedy for a login without any credentials. */
export const noKeyAdvice = 'Make one with ssh-keygen -t ed25519, or set privateKey, agent or password in config.xml.';

/** Describes credentials of which none exists: `no private key: looked for A, B`. */
export function noKeyWords({ privateKeys }: Pick<HopCredentials, 'privateKeys'>): string {
  return `no private key: looked for ${privateKeys.map(({ path }) => path).join(', ')}`;
}

/** Removes the password if there is a key or agent, even one that cannot be read. */
export function besideKeys(credentials: Credentials): Credentials {
  const { keys, agent, problem } = credentials;
  const hasKey = keys.length > 0 || agent !== null || problem !== null;
  return hasKey ? { ...credentials, password: null } : credentials;
}

function publicHalf(path: string): Buffer | null {
  try {
    const [, base64 = ''] = readFileSync(`${path}.pub`, 'utf8').trim().split(/\s+/);
    const blob = Buffer.from(base64, 'base64');
    return blob.length > 0 ? blob : null;
  } catch {
    return null;
  }
}

function unusable(client: string, message: string, advice?: string): FleetError {
  return new FleetError({ client, code: 'credentials-unusable', stage: 'login', message, advice });
}

/** The decrypted credentials that may be offered to a client. Default keys and unnamed agents are never offered. */
export interface Credentials {
  readonly password: string | null;
  /** The private keys in the order in which they are offered. */
  readonly keys: readonly LoginKey[];
  readonly agent: SshAgent | null;
  /** The reason why a configured credential is missing here; null if none is. */
  readonly problem: string | null;
  /** The certificate files beside the keys, which ssh2 cannot offer. */
  readonly certificates: readonly string[];
}

/**
 * Returns the certificate file beside a private or public key (`id_ed25519-cert.pub`, ssh(1) under -i). OpenSSH would
 * offer it with the key; ssh2 cannot offer certificates. Returns null if there is none.
 */
export function certificateBeside(keyFile: string): string | null {
  const file = `${keyFile.replace(/\.pub$/, '')}-cert.pub`;
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? file : null;
}

/** The callback types of ssh2's agent, which its type declaration does not export. */
type StreamCallback = Parameters<InstanceType<typeof OpenSSHAgent>['getStream']>[0];
type IdentityCallback = Parameters<InstanceType<typeof OpenSSHAgent>['getIdentities']>[0];
type SignParameters = Parameters<OpenSSHAgentSign>;
type OpenSSHAgentSign = (
  key: ParsedKey | Buffer | string,
  data: Buffer,
  options?: { hash?: 'sha1' | 'sha256' | 'sha512' } | SignDone,
  done?: SignDone,
) => boolean;
type SignDone = (error: Error | null | undefined, signature?: Buffer) => void;

/** The reasons why a socket takes no connection, by the code of the system error. */
const socketFaults: Readonly<Record<string, string>> = {
  ENOENT: 'the socket does not exist',
  ECONNREFUSED: 'nothing listens there',
  EACCES: 'this account may not',
  ENOTSOCK: 'it is no socket',
};

function socketWords(error: Error): string {
  const errno = errnoOf(error) ?? '';
  const words = socketFaults[errno];
  return words === undefined ? error.message : `${words} (${errno})`;
}

/** The types of identities that OpenSSH offers and ssh2 does not, as they begin a public blob. */
const passedOver: readonly (readonly [kind: string, type: RegExp])[] = [
  ['certificates', /[\w-]+-cert-v01@openssh\.com\0/],
  ['security keys', /sk-[\w-]+@openssh\.com\0/],
];
/** An agent may answer 256 KiB. */
const maxAnsweredChars = 256 * 1024;

/** The selection among an agent's keys, by their public blobs. */
interface AgentSelection {
  /** The keys to offer first. */
  readonly named: readonly Buffer[];
  /** True if only the named keys are offered. */
  readonly namedOnly: boolean;
  /** The keys that are not offered, because the login offers them from files. */
  readonly except: readonly Buffer[];
}

/**
 * A client of the ssh-agent at a socket. Unlike ssh2's own, it can be closed while the agent does not answer. It offers
 * only the selected keys, at most `limit` of them, and requests no signature over SHA-1.
 */
export class SshAgent extends OpenSSHAgent {
  readonly #path: string;
  readonly #selection: AgentSelection;
  readonly #sockets: Socket[] = [];
  #offered: readonly string[] = [];
  #withheld = 0;
  /** The most offers. An RSA key may be offered twice. */
  limit = Number.POSITIVE_INFINITY;
  /** The algorithms of signatures that the server names. */
  serverSignatures: readonly string[] = [];
  #hasOfferedRsa = false;
  /** The beginning of what the agent has answered, as Latin-1. */
  #answered = '';
  /** The number of questions without an answer. */
  #waiting = 0;
  /** The fingerprints of the keys with which the agent did not sign. */
  #unsigned: readonly string[] = [];
  #problem: AgentProblem | null = null;

  constructor(path: string, selection: AgentSelection = { named: [], namedOnly: false, except: [] }) {
    super(path);
    this.#path = path;
    this.#selection = selection;
  }

  /** The fingerprints of the offered keys. */
  get offered(): readonly string[] {
    return this.#offered;
  }

  /** The kinds of identities in the agent that ssh2 passes over, for messages. */
  get unusable(): readonly string[] {
    return passedOver.filter(([, type]) => type.test(this.#answered)).map(([kind]) => kind);
  }

  /** The reason why the agent did not help; null if it did, or was not asked. */
  get problem(): AgentProblem | null {
    return this.#problem;
  }

  /** Returns the problem of an agent that is asked and has not answered; null if none is awaited. */
  silence(late: string): AgentProblem | null {
    return this.#waiting === 0 ? null : silentAgent(this.#path, late);
  }

  /** True if the agent did not sign with the key, so that the server has not refused it. */
  hasNotSigned(print: string): boolean {
    return this.#unsigned.includes(print);
  }

  /** True if an RSA key was offered. */
  get hasOfferedRsa(): boolean {
    return this.#hasOfferedRsa;
  }

  /** The number of keys that were not offered because of the limit. */
  get withheld(): number {
    return this.#withheld;
  }

  override getStream(done: StreamCallback): void {
    const socket = connect(this.#path);
    let called = false;
    const once: StreamCallback = (...answer) => {
      if (called) return;
      called = true;
      done(...answer);
      socket.on('data', (chunk: Buffer) => {
        if (this.#answered.length < maxAnsweredChars) this.#answered += chunk.toString('latin1');
      });
    };
    this.#sockets.push(socket);
    socket.once('connect', () => once(null, socket));
    socket.on('error', (error) => {
      if (!called) this.#problem = unreachableAgent(this.#path, socketWords(error));
      once(new Error(`ssh-agent ${this.#path}: ${error.message}`));
    });
  }

  override getIdentities(done: IdentityCallback): void {
    this.#waiting += 1;
    super.getIdentities((error, keys) => {
      this.#waiting -= 1;
      if (error || !keys) {
        this.#problem ??= unlistedAgent(this.#path, messageOf(error));
        done(error, keys);
        return;
      }
      const { named, namedOnly, except } = this.#selection;
      const rank = (key: ParsedKey): number => named.findIndex((blob) => blob.equals(key.getPublicSSH()));
      const all = (keys as ParsedKey[]).filter((key) => !except.some((blob) => blob.equals(key.getPublicSSH())));
      const first = all.filter((key) => rank(key) !== -1).sort((left, right) => rank(left) - rank(right));
      const selected = namedOnly ? first : [...first, ...all.filter((key) => rank(key) === -1)];
      const [algorithm, ...others] = rsaSignaturesFor(this.serverSignatures);
      const isRsa = (key: ParsedKey): boolean => (key.type as string) === 'ssh-rsa';
      const once = selected.map((key) => (isRsa(key) && algorithm !== undefined ? signingBy(key, algorithm) : key));
      const again = selected.filter(isRsa).flatMap((key) => others.map((other) => signingBy(key, other)));
      const offered = [...once, ...again].slice(0, this.limit);
      this.#offered = offered.map((key) => fingerprint(key.getPublicSSH()));
      this.#hasOfferedRsa = selected.slice(0, this.limit).some(isRsa);
      this.#withheld = Math.max(0, selected.length - offered.length);
      // Keys that are offered from files are in the agent for nothing, which is no problem.
      if (selected.length === 0 && (namedOnly || all.length === keys.length)) {
        this.#problem ??= emptyAgent(this.#path, namedOnly && keys.length > 0);
      }
      done(error, offered);
    });
  }

  override sign(...[key, data, options, done]: SignParameters): boolean {
    // ssh2 always names the hash of an RSA signature, and passes options and callback as two arguments.
    if (typeof options === 'object' && options.hash === 'sha1') {
      done?.(new Sha1Refused());
      return false;
    }
    const signer = typeof key === 'object' && 'type' in key ? key : null;
    const hash = signer === null ? null : hashOfSigner(signer);
    const noting = this.#noteSignature(signer, done ?? (typeof options === 'function' ? options : undefined));
    if (signer !== null && hash !== null) return super.sign(signer.getPublicSSH(), data, { hash }, noting);
    return super.sign(key, data, typeof options === 'object' ? options : {}, noting);
  }

  /** Returns a callback that notes whether the agent has signed, and passes on its answer. */
  #noteSignature(signer: ParsedKey | null, done: SignDone | undefined): SignDone {
    this.#waiting += 1;
    return (error, signature) => {
      this.#waiting -= 1;
      if (error && signer !== null) {
        const print = fingerprint(signer.getPublicSSH());
        this.#unsigned = [...this.#unsigned, print];
        this.#problem = unsignedByAgent(this.#path, `key ${print}`, messageOf(error));
      }
      done?.(error, signature);
    };
  }

  /** Destroys the sockets. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
