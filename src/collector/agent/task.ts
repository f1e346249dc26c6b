import type { AgentRequest, RequestedCheck } from '../../report/wire.ts';

/** A program that is uploaded to clients, under its content digest. */
export interface Bundle {
  readonly content: Buffer;
  /** SHA-256 of the content, hex. */
  readonly digest: string;
  /**
   * Returns the content as it goes over the wire: brotli where node unpacks it. Packed on first use, for most runs
   * upload nothing.
   */
  packed(): Buffer;
}

export interface Bundles {
  readonly agent: Bundle;
  readonly inventory: Bundle;
  /** For clients without node (agent/shell). */
  readonly shell: Bundle;
}

/** The task of a client's agent, for any connection. */
export interface AgentTask {
  readonly client: string;
  /** The client's former name, whose spooled reports are taken too; null if there is none. */
  readonly was: string | null;
  readonly kind: Exclude<AgentRequest['kind'], 'spool'>;
  readonly runId: string;
  readonly collectorId: string;
  /** Raw X25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly probeOptions: AgentRequest['options'];
  /** The checks of config.xml, for a visit; none under a restricted key. */
  readonly checks: readonly RequestedCheck[];
  readonly bundles: Bundles;
  /** Absolute path of node on the client; null: look for it. */
  readonly node: string | null;
  /** `allow` if the shell agent may read a client without node. Only SSH protects its report on the way. */
  readonly unsealed: 'allow' | 'refuse';
  /** For runtime="bring": the names of the runtimes that may have been uploaded; null if none may. */
  readonly runtimes: readonly string[] | null;
  /** For each exec: the time from its start until the agent's last frame. */
  readonly agentTimeoutMs: number;
}
