import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

import {
  runAgent,
  type AgentResult,
  type RunAgentOptions,
  type ReceivedReport,
} from '../../../src/collector/agent/agent-stream.ts';
import type { Report } from '../../../src/report/report.ts';
import { generateKeyPair } from '../../../src/report/seal/key-pair.ts';
import { openReport } from '../../../src/report/seal/open.ts';
import { SealFault } from '../../../src/report/seal/seal-fault.ts';
import { buildBundles } from './agent-bundles.ts';
import { shellConnection } from './shell-connection.ts';
import { tempFolder } from '../temp-folder.ts';

export const bundles = buildBundles();
export const keyPair = generateKeyPair();

/**
 * The collector of this test file: agents of other files, which run at the same time, use the same /dev/shm where a
 * home cannot be used.
 */
export const ownCollector: string = randomUUID();

export interface Visited {
  readonly result: AgentResult;
  readonly received: readonly ReceivedReport[];
  /** The reports that could be opened. */
  readonly reports: readonly Report[];
}

export type VisitOptions = Partial<RunAgentOptions> & Pick<RunAgentOptions, 'connection'>;

/** Makes a visit by the real session. Acknowledges every report unless the options differ. */
export async function visit(options: VisitOptions): Promise<Visited> {
  const received: ReceivedReport[] = [];
  const result = await runAgent({
    client: 'web-1',
    was: null,
    kind: 'visit',
    runId: randomUUID(),
    collectorId: ownCollector,
    publicKey: keyPair.publicKey,
    probeOptions: {},
    checks: [],
    bundles,
    node: process.execPath,
    unsealed: 'allow',
    agentTimeoutMs: 60_000,
    signal: new AbortController().signal,
    dryRun: false,
    waitForExit: true,
    now: Date.now,
    ...options,
    onReport: (report) => {
      received.push(report);
      return options.onReport?.(report) ?? Promise.resolve('acknowledge');
    },
  });
  const keys = new Map([[keyPair.id, keyPair]]);
  const reports = received.flatMap(({ sealed }) => {
    try {
      return [JSON.parse(openReport(sealed, keys).plaintext.toString()) as Report];
    } catch (thrown) {
      if (thrown instanceof SealFault) return [];
      throw thrown;
    }
  });
  return { result, received, reports };
}

/** Returns every file and link below a folder, relative to the folder. */
export function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** Returns the mode of a file or folder, without its type. */
export function modeOf(file: string): number {
  return statSync(file).mode & 0o7777;
}

/** Keeps the report on the client, as an onReport. */
export const keep = (): Promise<'keep'> => Promise.resolve('keep');

export interface Machine {
  readonly home: string;
  readonly visit: (options?: Partial<VisitOptions>) => Promise<Visited>;
  /** The only folder of client web-1. */
  readonly clientDir: () => string;
  /** The sealed files of client web-1. */
  readonly spool: () => string[];
}

/**
 * Makes a machine with a home of its own. All tests of an account share the other folders, so a test that uses them
 * needs its own collector id.
 */
export function machine(context: TestContext, collectorId = ownCollector): Machine {
  const home = tempFolder(context);
  const clientDir = (): string => {
    const place = path.join(home, '.local/state/fleet-health');
    const [machineId = ''] = readdirSync(place);
    const dir = path.join(place, machineId, collectorId);
    const [client = ''] = readdirSync(dir).filter((name) => !/\.(cjs|cache)$/.test(name));
    return path.join(dir, client);
  };
  return {
    home,
    visit: (options = {}) =>
      visit({
        connection: shellConnection({ env: { HOME: home, PATH: process.env['PATH'] ?? '' } }),
        collectorId,
        ...options,
      }),
    clientDir,
    spool: () => readdirSync(clientDir()).filter((name) => name.endsWith('.fhs')),
  };
}

export interface OwnMachine extends Machine {
  readonly collectorId: string;
}

/** Makes a machine for a separate collector. Removes the collector's files from all folders after the test. */
export function ownMachine(context: TestContext): OwnMachine {
  const collectorId = randomUUID();
  context.after(() => {
    for (const root of [`/var/tmp/fleet-health-${userInfo().uid}`, `/dev/shm/fleet-health-${userInfo().uid}`]) {
      for (const name of existsSync(root) ? readdirSync(root) : []) {
        rmSync(path.join(root, name, collectorId), { recursive: true, force: true });
      }
    }
  });
  return { ...machine(context, collectorId), collectorId };
}
