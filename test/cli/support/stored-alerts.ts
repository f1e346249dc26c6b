import type { TestContext } from 'node:test';
import path from 'node:path';

import { loadConfig } from '../../../src/config/load-config.ts';
import type { NewNotifications } from '../../../src/storage/store/notification-store.ts';
import type { AlertStore } from '../../../src/storage/store/storage.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { configFolder, runCli, type CliResult } from '../../support/run-cli.ts';

/** A folder with a config.xml and a database in which alerts are open. */
export interface AlertFolder {
  readonly dir: string;
  /** The program in that folder; $USER is ann. */
  readonly run: (...args: readonly string[]) => Promise<CliResult>;
  /** Its one JSON document. */
  readonly json: (...args: readonly string[]) => Promise<Record<string, unknown>>;
  readonly store: <T>(work: (alerts: AlertStore) => Promise<T>) => Promise<T>;
}

export interface AlertFolderOptions {
  readonly config: string;
  readonly alerts?: readonly Alert[];
  readonly telling?: Partial<NewNotifications>;
  readonly env?: Readonly<Record<string, string>>;
}

export async function alertFolder(t: TestContext, options: AlertFolderOptions): Promise<AlertFolder> {
  const { config, alerts = [], telling = {}, env = {} } = options;
  const dir = configFolder(t, config);
  const file = path.join(dir, 'config.xml');
  const store: AlertFolder['store'] = async (work) => {
    const storage = await openStorage({ storage: loadConfig({ file }).storage, migrate: true });
    try {
      return await work(storage.alerts);
    } finally {
      await storage.close();
    }
  };
  await store(async (alertStore) => {
    const lease = await alertStore.takeLease('alert', 'a test');
    if (lease === null) throw new Error('somebody else holds the lease');
    await alertStore.saveProcessed(lease, { statIds: [], visitIds: [], alerts, ruleStates: new Map() });
    await alertStore.saveNotifications(lease, { mails: [], notified: [], closedOut: [], ...telling });
    await alertStore.releaseLease(lease);
  });
  const run: AlertFolder['run'] = (...args) => runCli(args, { cwd: dir, env: { USER: 'ann', ...env } });
  return {
    dir,
    run,
    json: async (...args) => JSON.parse((await run('--json', ...args)).stdout) as Record<string, unknown>,
    store,
  };
}

const hourMs = 3_600_000;

/** Fires since two hours ago. */
export function firing(options: Partial<Alert> = {}): Alert {
  const sinceMs = Date.now() - 2 * hourMs;
  const progress = { holding: 1, holdingSinceMs: sinceMs, clearing: 0, missing: 0, easing: 0, lastAtMs: Date.now() };
  const since = { pendingSinceMs: sinceMs, firingSinceMs: sinceMs, progress };
  return alert({ subject: '/var', changedByRun: null, ...since, ...options });
}

/** Ended a quarter of an hour ago. */
export function ended(options: Partial<Alert> = {}): Alert {
  return firing({ state: 'resolved', resolvedAtMs: Date.now() - hourMs / 4, closedReason: 'recovered', ...options });
}
