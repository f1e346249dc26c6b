import { Duplex } from 'node:stream';

import type { Wire } from '../../../src/transport/connection/wire.ts';

/** An end of a connection in memory. What it writes arrives in a later turn, as with sockets: ssh2 needs that. */
class End extends Duplex {
  other: Duplex = this;

  override _read(): void {
    // The other end pushes.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#arrive(chunk, done);
  }

  override _final(done: () => void): void {
    this.#arrive(null, done);
  }

  #arrive(data: Buffer | null, done: () => void): void {
    setImmediate(() => {
      if (!this.other.destroyed) this.other.push(data);
      done();
    });
  }
}

/** Returns both ends of a connection without a socket. `parts` are more parts of the wire. */
export function wirePair(parts: object = {}): { readonly near: Wire; readonly far: Duplex } {
  const [near, far] = [new End(), new End()];
  [near.other, far.other] = [far, near];
  return { near: Object.assign(near, { bytesRead: 0, bytesWritten: 0, ...parts }), far };
}
