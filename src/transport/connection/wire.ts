import type { Duplex } from 'node:stream';

import type { FleetError } from '../../platform/errors/errors.ts';

/** The connection that carries SSH: a TCP socket, or a connection that a bastion forwards. */
export interface Wire extends Duplex {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** The local address of a direct TCP connection. */
  readonly localAddress?: string;
  /** The fault of the bastion that ended the connection; null or absent if the far end did. */
  readonly brokenBy?: FleetError | null;
}
