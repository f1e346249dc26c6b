import type { AgentRequest } from '../../report/wire.ts';

/** A program that is brought to clients, under its content digest. */
export interface Bundle {
  readonly content: Buffer;
  /** SHA-256 of the content, hex. */
  readonly digest: string;
  /** The content as it goes over the wire: brotli where node unpacks it. Made when it is first needed, for most runs bring nothing. */
  packed(): Buffer;
}

export interface Bundles {
  readonly agent: Bundle;
  readonly inventory: Bundle;
  /** For clients without node (agent/shell). */
  readonly shell: Bundle;
}

/** What is asked of a client's agent, whatever the connection. */
export interface AgentTask {
  readonly client: string;
  /** The client's former name; its spooled reports are taken too. */
  readonly was: string | null;
  readonly kind: Exclude<AgentRequest['kind'], 'spool'>;
  readonly runId: string;
  readonly collectorId: string;
  /** Raw X25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly probeOptions: AgentRequest['options'];
  readonly bundles: Bundles;
  /** Absolute path of node on the client; null: look for it. */
  readonly node: string | null;
  /** Whether a client without node may be read by the shell agent, whose report only SSH protects on its way here. */
  readonly unsealed: 'allow' | 'refuse';
  /** For runtime="bring": the names of the runtimes that may have been brought; null: none may. */
  readonly runtimes: readonly string[] | null;
  /** For each exec: from its start until the agent's last frame. */
  readonly agentTimeoutMs: number;
}
