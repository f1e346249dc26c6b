import type { FleetError, Stage } from '../../errors.ts';
import type { Connection } from '../../transport/transport.ts';
import type { AgentResult } from '../agent/agent-session.ts';
import type { RuntimeWish } from '../runtimes/runtime-supply.ts';

/** The findings of a visit so far. A visit may be cut off at any moment, and this remains. */
export interface Progress {
  stage: Stage;
  connection: Connection | null;
  connectMs: number | null;
  bytesIn: number;
  bytesOut: number;
  result: AgentResult | null;
  wish: RuntimeWish | null;
  uploaded: boolean;
  /** True once the agent has sent its last frame. Later faults do not fail the visit. */
  delivered: boolean;
  /** The ids of the keys of the reports that came. */
  readonly sealedTo: Set<string>;
  /** The first fault of a report that came and was not acknowledged. */
  anomaly: FleetError | null;
}

export function startProgress(): Progress {
  return {
    stage: 'connect',
    connection: null,
    connectMs: null,
    bytesIn: 0,
    bytesOut: 0,
    result: null,
    wish: null,
    uploaded: false,
    delivered: false,
    sealedTo: new Set(),
    anomaly: null,
  };
}

/** Takes the connection out of the visit, and counts the bytes that went over it. */
export function takeConnection(progress: Progress): Connection | null {
  const { connection } = progress;
  if (connection === null) return null;
  const bytes = connection.bytes();
  progress.bytesIn += bytes.in;
  progress.bytesOut += bytes.out;
  progress.connection = null;
  return connection;
}

export function closeConnection(progress: Progress): void {
  takeConnection(progress)?.destroy();
}
