import { connect, type Socket } from 'node:net';

import { OpenSSHAgent, type ParsedKey } from './ssh2.ts';

/** What ssh2's agent hands its callbacks; its declaration has these types but does not export them. */
type StreamCallback = Parameters<InstanceType<typeof OpenSSHAgent>['getStream']>[0];
type IdentityCallback = Parameters<InstanceType<typeof OpenSSHAgent>['getIdentities']>[0];

/**
 * An ssh-agent at a socket. Unlike ssh2's own, it can be closed while it waits for an agent that does not answer, and
 * it offers only one key where that one is asked for.
 */
export class SshAgent extends OpenSSHAgent {
  readonly #path: string;
  readonly #only: Buffer | null;
  readonly #open = new Set<Socket>();

  /** `only`: the blob of the one public key to offer; null offers all. */
  constructor(path: string, only: Buffer | null) {
    super(path);
    this.#path = path;
    this.#only = only;
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
      const only = this.#only;
      if (error || !keys || only === null) done(error, keys);
      else
        done(
          error,
          keys.filter((key) => (key as ParsedKey).getPublicSSH().equals(only)),
        );
    });
  }

  /** Ends what is under way. */
  close(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
