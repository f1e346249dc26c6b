import { Duplex } from 'node:stream';

import type { FleetError } from '../../errors.ts';
import type { ClientChannel } from '../connection/ssh2.ts';
import type { Wire } from '../connection/wire.ts';

/** A connection that a bastion forwards (direct-tcpip, RFC 4254, section 7.2), with the behaviour of a socket. */
export class ForwardedWire extends Duplex implements Wire {
  readonly #channel: ClientChannel;
  #bytesRead = 0;
  #bytesWritten = 0;
  #brokenBy: FleetError | null = null;

  /** The name of the machine at the far end, in errors. */
  readonly client: string;

  constructor(channel: ClientChannel, client: string) {
    super();
    this.client = client;
    this.#channel = channel;
    channel.on('data', (data: Buffer) => {
      // ssh2 still emits data of a destroyed channel until the other side closes it.
      if (this.destroyed) return;
      this.#bytesRead += data.length;
      if (!this.push(data)) channel.pause();
    });
    channel.once('end', () => {
      this.push(null);
      // A socket also ends its own side when the peer has ended (allowHalfOpen is false).
      this.end();
    });
    channel.once('close', () => this.destroy());
    channel.on('error', () => this.destroy());
    // A forwarded connection has no stderr, and unread data would stay in memory.
    channel.stderr.resume();
    // Errors are reported by `close` and `brokenBy`; an error without a listener would end the process.
    this.on('error', () => undefined);
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  get brokenBy(): FleetError | null {
    return this.#brokenBy;
  }

  /** Ends the connection because the bastion that carries it has failed. */
  breakOff(why: FleetError): void {
    this.#brokenBy ??= why;
    this.destroy();
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#bytesWritten += chunk.length;
    this.#channel.write(chunk, encoding, done);
  }

  override _final(done: () => void): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#channel.destroy();
    this.#channel.resume();
    done(error);
  }
}
