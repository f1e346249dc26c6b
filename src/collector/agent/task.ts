import type { AgentRequest, RequestedCheck } from '../../report/wire.ts';

/** A program that is uploaded to clients under the digest of its content. */
export interface Bundle {
  readonly content: Buffer;
  /** SHA-256 of the content in hexadecimal digits. */
  readonly digest: string;
  /**
   * Returns the content for the transfer: brotli if node unpacks it. Packs it at the first use, because most runs
   * upload nothing.
   */
  packed(): Buffer;
}

export interface Bundles {
  readonly agent: Bundle;
  readonly inventory: Bundle;
  /** The program for clients without node (agent/capture). */
  readonly shell: Bundle;
}

/** The task of a client's agent, for any connection. */
export interface AgentTask {
  readonly client: string;
  /** The client's former name, whose spooled reports are received too; null if there is none. */
  readonly was: string | null;
  readonly kind: Exclude<AgentRequest['kind'], 'spool'>;
  readonly runId: string;
  readonly collectorId: string;
  /** The public key: X25519, raw, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly probeOptions: AgentRequest['options'];
  /** True if the shell agent is to read the state in place of what a visit reads. Default: false. */
  readonly shellState?: boolean;
  /** True if the end of a visit's stream is to have a stamp of the state. Default: false. */
  readonly stamp?: boolean;
  /** The checks of config.xml, for a visit; none under a restricted key. */
  readonly checks: readonly RequestedCheck[];
  readonly bundles: Bundles;
  /** The absolute path of node on the client; null to search for it. */
  readonly node: string | null;
  /** `allow` if the shell agent may read a client without node. Only SSH then protects the report in transit. */
  readonly unsealed: 'allow' | 'refuse';
  /** The time from the start of each exec until the agent's last frame. */
  readonly agentTimeoutMs: number;
}
