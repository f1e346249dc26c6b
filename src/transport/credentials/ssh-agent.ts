import { connect, type Socket } from 'node:net';

import { fingerprint } from '../known-hosts/fingerprint.ts';
import { Sha1Refused } from './private-key.ts';
import { OpenSSHAgent, type ParsedKey } from '../connection/ssh2.ts';

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

/** The selection among an agent's keys, by their public blobs. */
export interface AgentSelection {
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
  readonly #open = new Set<Socket>();
  #offered: readonly string[] = [];
  #withheld = 0;
  /** The most keys to offer. */
  limit = Number.POSITIVE_INFINITY;

  constructor(path: string, selection: AgentSelection = { named: [], namedOnly: false, except: [] }) {
    super(path);
    this.#path = path;
    this.#selection = selection;
  }

  /** The fingerprints of the offered keys. */
  get offered(): readonly string[] {
    return this.#offered;
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
    };
    this.#open.add(socket);
    socket.once('connect', () => once(null, socket));
    socket.on('error', (error) => once(new Error(`ssh-agent ${this.#path}: ${error.message}`)));
    socket.once('close', () => {
      this.#open.delete(socket);
      once(new Error(`ssh-agent ${this.#path} closed the connection`));
    });
  }

  override getIdentities(done: IdentityCallback): void {
    super.getIdentities((error, keys) => {
      if (error || !keys) {
        done(error, keys);
        return;
      }
      const { named, namedOnly, except } = this.#selection;
      const rank = (key: ParsedKey): number => named.findIndex((blob) => blob.equals(key.getPublicSSH()));
      const all = (keys as ParsedKey[]).filter((key) => !except.some((blob) => blob.equals(key.getPublicSSH())));
      const first = all.filter((key) => rank(key) !== -1).sort((left, right) => rank(left) - rank(right));
      const selected = namedOnly ? first : [...first, ...all.filter((key) => rank(key) === -1)];
      const offered = selected.slice(0, this.limit);
      this.#offered = offered.map((key) => fingerprint(key.getPublicSSH()));
      this.#withheld = selected.length - offered.length;
      done(error, offered);
    });
  }

  override sign(...[key, data, options, done]: SignParameters): boolean {
    // ssh2 always names the hash of an RSA signature, and passes options and callback as two arguments.
    if (typeof options === 'object' && options.hash === 'sha1') {
      done?.(new Sha1Refused());
      return false;
    }
    return super.sign(key, data, options as object, done);
  }

  /** Destroys the open sockets. */
  close(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
