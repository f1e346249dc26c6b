import type { StateKind, StateSection } from '../report/report.ts';
import { stateDigest, stateKinds } from '../report/state/state.ts';
import type { SimulatedClient } from './fleet-plan.ts';
import { personalityOf } from './personality.ts';

/** The state of a machine as a test sets it, in lines by kind, and the units that have failed. */
export interface SimulatedMachine {
  readonly lines: Readonly<Partial<Record<StateKind, readonly string[]>>>;
  readonly failedUnits: readonly string[];
}

/** The kinds that no stamp covers: nothing is written when a port or a mount changes. */
const unstamped: readonly StateKind[] = ['listener', 'mount'];

/** Returns the state of a machine on which nobody changes anything. */
export function quietMachine(seed: number, client: SimulatedClient): SimulatedMachine {
  const { distribution, kernel, programs, mounts, machineUuid } = personalityOf(seed, client);
  return {
    lines: {
      package: [...programs, 'openssl', 'libc6'].map((name) => `${name} amd64\t1.0-1`),
      file: ['/etc/hosts', '/etc/fstab'].map((path) => `${path}\t${'0'.repeat(32)}\t1700000000`),
      mount: mounts.map(({ mount, source, fstype }) => `${mount}\t${source} ${fstype} rw`),
      listener: ['tcp 22\tany'],
      system: [`boot\t${machineUuid}`, `kernel\t${kernel}`, `os\t${distribution}`],
    },
    failedUnits: [],
  };
}

/** Returns the sections of a state report. A section with a known digest has no lines. */
export function sectionsOf(
  { lines }: SimulatedMachine,
  known: Readonly<Record<string, unknown>> = {},
): readonly StateSection[] {
  return stateKinds.map((kind) => {
    const sorted = [...(lines[kind] ?? [])].sort();
    const digest = stateDigest(sorted);
    return { kind, digest, error: null, lines: digest === known[kind] ? null : sorted };
  });
}

/** Returns the stamp of a machine: it differs if packages, files, units, accounts or the system do. */
export function simulatedStamp({ lines }: SimulatedMachine): string {
  return stateDigest(stateKinds.flatMap((kind) => (unstamped.includes(kind) ? [] : (lines[kind] ?? []))));
}
