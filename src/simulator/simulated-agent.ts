import { randomUUID } from 'node:crypto';

import { encodeReport } from '../report/encode-report.ts';
import { reportVersion, type Report } from '../report/report.ts';
import { type AgentRequest, type Hello, protocolVersion } from '../report/wire.ts';
import { sealReport } from '../report/seal/seal.ts';
import type { Condition } from './condition.ts';
import { figuresOf } from './figures.ts';
import type { SimulatedClient } from './fleet-plan.ts';
import { inventoryOf } from './inventory.ts';
import { personalityOf, type Personality } from './personality.ts';
import { seededUuid } from './seeded.ts';
import { quietMachine, sectionsOf, simulatedStamp, type SimulatedMachine } from './state.ts';

/** A sealed report that is not acknowledged yet. */
export interface WaitingReport {
  /** The report id in 32 hexadecimal digits. */
  readonly id: string;
  readonly sealed: Buffer;
}

/** The most waiting reports of a client, fewer than in a real spool, because those of all clients are in memory. */
const maxWaiting = 50;
const agentVersion = 'simulated';
/** The seed part of the boot ids. */
const bootDraw = 300;

/** The agent of one client: its machine, and the reports that are not acknowledged. */
export class SimulatedAgent {
  readonly client: SimulatedClient;
  readonly #seed: number;
  #personality: Personality | null = null;
  #reportedAtMs: number | null = null;
  #waiting: readonly WaitingReport[] = [];

  readonly #machineOf: (client: SimulatedClient, atMs: number) => SimulatedMachine;

  constructor(
    seed: number,
    client: SimulatedClient,
    machineOf = (one: SimulatedClient, _: number): SimulatedMachine => quietMachine(seed, one),
  ) {
    this.#machineOf = machineOf;
    this.#seed = seed;
    this.client = client;
  }

  /** The unacknowledged reports of earlier visits, oldest first. */
  get waiting(): readonly WaitingReport[] {
    return this.#waiting;
  }

  hello(condition: Condition, atMs: number): Hello {
    return {
      v: protocolVersion,
      agent: agentVersion,
      wall_ms: atMs + condition.clockOffsetMs,
      monotonic_ms: atMs - condition.bootedAtMs,
      boot_id: this.#bootId(condition),
    };
  }

  /**
   * Returns a report, sealed to the key of the request. Keeps it for its acknowledgement unless the spool's disk is
   * full.
   */
  report(request: AgentRequest, condition: Condition, atMs: number): WaitingReport {
    const { client } = this;
    const personality = (this.#personality ??= personalityOf(this.#seed, client));
    const reportId = randomUUID();
    const isVisit = request.kind === 'visit';
    const isState = request.kind === 'state';
    const machine = this.#machineOf(client, atMs);
    const since = this.#reportedAtMs === null ? {} : { intervalMs: atMs - this.#reportedAtMs };
    if (isVisit) this.#reportedAtMs = atMs;
    const report: Report = {
      name: isVisit ? 'Daemon report' : isState ? 'State report' : 'Inventory report',
      version: reportVersion,
      datetime: new Date(atMs + condition.clockOffsetMs).toISOString(),
      report_id: reportId,
      run_id: request.run,
      client: request.client,
      agent: { version: agentVersion, cpu_ms: 24, wall_ms: 30 + condition.agentMs, rss_bytes: 47_185_920 },
      boot_id: this.#bootId(condition),
      monotonic_ms: atMs - condition.bootedAtMs,
      worker_reports: isVisit
        ? figuresOf({
            seed: this.#seed,
            client,
            personality,
            condition,
            atMs,
            failedUnits: machine.failedUnits,
            ...since,
          })
        : isState
          ? []
          : inventoryOf(client, personality),
      ...(isState ? { sections: sectionsOf(machine, request.options.known) } : {}),
    };
    const sealed = sealReport({
      publicKey: Buffer.from(request.key, 'base64url'),
      reportId,
      client: request.client,
      plaintext: encodeReport(report),
    });
    const made = { id: reportId.replaceAll('-', ''), sealed };
    if (condition.fullDisk !== 'spool') this.#waiting = [...this.#waiting, made].slice(-maxWaiting);
    return made;
  }

  /** Returns the stamp of the end of a stream. */
  stamp(atMs: number): string {
    return simulatedStamp(this.#machineOf(this.client, atMs));
  }

  acknowledge(id: string): void {
    this.#waiting = this.#waiting.filter((report) => report.id !== id);
  }

  #bootId({ boot }: Condition): string {
    return seededUuid(this.#seed, this.client.index, bootDraw, boot);
  }
}
