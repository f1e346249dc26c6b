/**
 * A run in a separate process, so that its memory can be measured. Argument: JSON of MeasuredFleet. Prints JSON of
 * MeasuredPass.
 */
import { readFileSync } from 'node:fs';

import { captureLimits } from '../../../src/collector/agent/seal-in-thread.ts';
import { Secret } from '../../../src/config/secret.ts';
import { transportFor } from '../../../src/transport/transport-for.ts';
import { createTransportShared } from '../../../src/transport/transport-shared.ts';
import { makeClient, makeConfig, openFleet, sshSettings } from './fleet.ts';

export interface MeasuredFleet {
  readonly dir: string;
  readonly knownHosts: string;
  readonly username: string;
  readonly password: string;
  readonly agentTimeoutMs: number;
  readonly clients: readonly { readonly name: string; readonly address: string; readonly port: number }[];
}

export interface MeasuredPass {
  readonly succeeded: number;
  readonly failures: readonly {
    readonly client: string;
    readonly code: string | null;
    readonly message: string | null;
  }[];
  readonly quarantined: number;
  /** The duration of the longest successful visit, in milliseconds. */
  readonly slowestMs: number;
  /** The greatest use of memory by the process. */
  readonly peakMiB: number;
}

const { dir, knownHosts, username, password, agentTimeoutMs, clients } = JSON.parse(
  process.argv[2] ?? '',
) as MeasuredFleet;
const ssh = { ...sshSettings, username, password: new Secret({ kind: 'literal', value: password }), knownHosts };
// A busy or slow machine takes several times as long for a capture, but only memory is measured here.
Object.assign(captureLimits, { cpuMs: 20_000, wallMs: 60_000 });
const fleet = openFleet(dir);
const shared = createTransportShared({ config: makeConfig('/nowhere', []) });
const durations: number[] = [0];
const result = await fleet.collect(
  clients.map(({ name, ...way }) => makeClient(name, { ...way, ssh })),
  {
    concurrency: clients.length,
    // Sixteen logins take long there, too.
    collector: { connectTimeoutMs: 20_000, agentTimeoutMs },
    transportFor: (client) => transportFor(client, shared),
    observe: (event) => {
      if (event.kind === 'visited' && event.visit.ok) durations.push(event.visit.durationMs);
    },
  },
);
const peakKiB = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
const pass: MeasuredPass = {
  succeeded: result.succeeded,
  failures: result.failures.map(({ client, code, message }) => ({ client, code, message })),
  quarantined: result.reports.quarantined,
  slowestMs: Math.max(...durations),
  peakMiB: Math.round(peakKiB / 1024),
};
process.stdout.write(JSON.stringify(pass), () => process.exit(0));
