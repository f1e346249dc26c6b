import { Duplex } from 'node:stream';

import type { FleetError } from '../../errors.ts';
import type { ClientChannel } from '../connection/ssh2.ts';
import type { Wire } from '../connection/wire.ts';

/** A connection that a bastion made for us (direct-tcpip, RFC 4254, section 7.2), as a socket would behave. */
export class ForwardedWire extends Duplex implements Wire {
  readonly #channel: ClientChannel;
  #bytesRead = 0;
  #bytesWritten = 0;
  #brokenBy: FleetError | null = null;

  /** Name of the machine at its far end, in errors. */
  readonly client: string;

  constructor(channel: ClientChannel, client: string) {
    super();
    this.client = client;
    this.#channel = channel;
    channel.on('data', (data: Buffer) => {
      // ssh2 goes on with a channel that was destroyed until the other side closes it.
      if (this.destroyed) return;
      this.#bytesRead += data.length;
      if (!this.push(data)) channel.pause();
    });
    channel.once('end', () => {
      this.push(null);
      // As a socket does: whoever says no more is not listening either.
      this.end();
    });
    channel.once('close', () => this.destroy());
    channel.on('error', () => this.destroy());
    // A connection has no such stream, and what nobody reads is kept.
    channel.stderr.resume();
    // As with a socket, its errors are told by its end.
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

  /** Ends it because what carried it is gone. */
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
