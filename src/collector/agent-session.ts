import type { FleetError } from '../errors.ts';
import type { AgentRequest, End, Hello } from '../report/wire.ts';
import type { SealedHeader } from '../seal/sealed-message.ts';
import type { Connection } from '../transport/transport.ts';

/** A program that is brought to clients, under its content digest. */
export interface Bundle {
  readonly content: Buffer;
  /** SHA-256, hex. */
  readonly digest: string;
}

export interface Bundles {
  readonly agent: Bundle;
  readonly inventory: Bundle;
}

export interface AgentSessionOptions {
  readonly connection: Connection;
  readonly client: string;
  /** The client's former name; its spooled reports are taken too. */
  readonly was: string | null;
  readonly kind: AgentRequest['kind'];
  readonly runId: string;
  readonly collectorId: string;
  /** Raw X25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly probeOptions: AgentRequest['options'];
  readonly bundles: Bundles;
  /** Absolute path of node on the client; null: look for it. */
  readonly node: string | null;
  /** For each exec: from its start until the agent's last frame. */
  readonly agentTimeoutMs: number;
  readonly signal: AbortSignal;
  /** Nothing is acknowledged, whatever onReport says. */
  readonly dryRun: boolean;
  /** Waits for the channel to close after the last frame, so that another exec may follow on this connection. */
  readonly waitForExit: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called for one report after the other; it is acknowledged (or not) once this has resolved. */
  readonly onReport: (report: ReceivedReport) => Promise<'acknowledge' | 'keep'>;
}

export interface ReceivedReport {
  readonly sealed: Buffer;
  readonly header: SealedHeader;
  /** When its last byte was read. */
  readonly receivedAtMs: number;
  /** The hello frame of the agent that sent it. */
  readonly hello: ReceivedHello;
}

export interface ReceivedHello extends Hello {
  readonly receivedAtMs: number;
  /** The client's clock less ours. */
  readonly offsetMs: number;
}

export interface AgentResult {
  readonly hello: ReceivedHello | null;
  readonly end: End | null;
  /** Reports that came, and those of them that were acknowledged. */
  readonly reports: number;
  readonly acknowledged: number;
  /** The agent had to be brought. */
  readonly uploaded: boolean;
  readonly reader: 'node' | null;
  /** What went wrong, with whatever came before it still counted above; null: the agent sent its last frame. */
  readonly fault: FleetError | null;
}
