import type { Duplex } from 'node:stream';

import type { FleetError } from '../../errors.ts';

/** What SSH is spoken over: a TCP socket, or a connection that another machine made. */
export interface Wire extends Duplex {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** The address from which it was dialled, where that was here. */
  readonly localAddress?: string;
  /** Why it ended, where that is not the fault of its far end: a bastion is gone. */
  readonly brokenBy?: FleetError | null;
}
