import type { Client, CollectorConfig } from '../../config/config.ts';
import type { ClientFacts } from '../../storage/store/storage.ts';
import type { Transport } from '../../transport/transport.ts';
import type { AgentResult, ReceivedReport } from '../agent/agent-session.ts';
import type { KnownKeys } from '../keys/key-ring.ts';
import type { RuntimeSupply } from '../runtimes/runtime-supply.ts';
import type { Bundles } from '../agent/task.ts';

/** What all visits of a run share. */
export interface VisitContext {
  readonly runId: string;
  readonly collectorId: string;
  readonly config: CollectorConfig;
  /** Raw, 32 bytes: what reports are sealed to. */
  readonly publicKey: Uint8Array;
  /** Whose reports are taken. */
  readonly keys: KnownKeys;
  readonly bundles: Bundles;
  /** null: no client asks for one, or what is kept cannot be read. */
  readonly runtimes: RuntimeSupply | null;
  readonly dryRun: boolean;
  /** Aborted with a FleetError when the run is to end. */
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly transportFor: (client: Client) => Transport;
  /** Told of every visit's agent, how far it came. */
  readonly sawAgent?: (client: string, result: AgentResult) => void;
  /** Whether what reports say becomes known here; else `ingest` makes it known some time later. Default: it does. */
  readonly opens?: boolean;
  /** null while the database is away: then nothing is decided that needs it. */
  readonly facts: ReadonlyMap<string, ClientFacts> | null;
  /** Makes one report safe. What it throws is the visit's fault, and the report is not acknowledged. */
  readonly keep: (client: Client, report: ReceivedReport) => Promise<void>;
}
