import type { RowDataPacket } from 'mysql2/promise';

/** A real cluster of three database servers on this machine. */
export interface Cluster {
  readonly nodes: readonly ClusterNode[];
  /** Attributes that `<storage>` needs for it. */
  readonly attributes: string;
  stop(): Promise<void>;
}

export interface ClusterNode {
  /** Its address for clients, `host:port`. */
  readonly address: string;
  asRoot(...statements: readonly string[]): Promise<readonly RowDataPacket[]>;
  /** Runs statements in the database `fleet` once the node has caught up with the others. */
  asCurrent(...statements: readonly string[]): Promise<readonly RowDataPacket[]>;
  /** Sends SIGKILL, as in a crash. The node is dead at once. Resolves when its exit is known. */
  kill(): Promise<void>;
  /** Starts the node again after `kill` with the same data, and waits until it has caught up with the others. */
  restart(): Promise<void>;
  /** Sends SIGSTOP: the node accepts connections and does not answer. */
  pause(): void;
  resume(): void;
  /** Cuts the node off from the others. */
  cutOff(): Promise<void>;
  reconnect(): Promise<void>;
  /** Waits until the node takes part in a cluster and has caught up. */
  untilSynced(): Promise<void>;
}
