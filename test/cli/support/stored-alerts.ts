import assert from 'node:assert/strict';
import path from 'node:path';
import type { TestContext } from 'node:test';

import type { DeliveryOutcome } from '../../../src/alerter/alert-options.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { NewNotifications } from '../../../src/storage/store/notification-store.ts';
import type { RunStart } from '../../../src/storage/store/run.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { alert } from '../../storage/support/alert-samples.ts';
import { runEnd, runStart } from '../../storage/support/samples.ts';
import { makeMigrated } from '../../support/databases/migrated.ts';
import { configFolder, exits, runCli, succeeded } from '../../support/programs/run-cli.ts';

export interface ShownAlert {
  readonly id: number;
  readonly client: string;
  readonly state: string;
  readonly acknowledged: { readonly by: string; readonly until: string | null; readonly comment: string | null } | null;
  readonly notified: readonly Record<string, string>[];
  readonly held_by: readonly { readonly kind: string; readonly silence: number | null }[];
}

export interface AlertFolderOptions {
  readonly config: string;
  readonly alerts?: readonly Alert[];
  readonly plan?: Partial<NewNotifications>;
  readonly env?: Readonly<Record<string, string>>;
}

/** Makes a folder with a config.xml and a database with open alerts. */
export async function alertFolder(t: TestContext, options: AlertFolderOptions) {
  const { config, alerts = [], plan = {}, env = {} } = options;
  const dir = configFolder(t, config);
  const file = path.join(dir, 'config.xml');
  const store = async <T>(work: (storage: Storage) => Promise<T>): Promise<T> => {
    const config = loadConfig({ file }).storage;
    await makeMigrated(config);
    const storage = await openStorage({ storage: config, migrate: true });
    try {
      return await work(storage);
    } finally {
      await storage.close();
    }
  };
  await store(async ({ evaluation, leases, notifications }) => {
    const lease = await leases.takeLease('alert', 'a test');
    if (lease === null) throw new Error('somebody else holds the lease');
    await evaluation.saveProcessed(lease, { statIds: [], visitIds: [], alerts, ruleStates: new Map() });
    await notifications.saveNotifications(lease, { mails: [], notified: [], closedOut: [], ...plan });
    await leases.releaseLease(lease);
  });
  const run = (...args: readonly string[]) => runCli(args, { cwd: dir, env: { USER: 'ann', ...env } });
  const json = async (...args: readonly string[]) =>
    JSON.parse((await run('--json', ...args)).stdout) as Record<string, unknown>;
  return {
    dir,
    /** Runs the program in that folder. $USER is ann. */
    run,
    /** Returns the JSON document that the program prints. */
    json,
    /** Returns the output of the program. Asserts exit status 0 and an empty stderr. */
    said: (...args: readonly string[]) => succeeded(run(...args)),
    /** Asserts that the program refuses the command line with these words. */
    refused: (args: readonly string[], words: RegExp) => exits(2, run(...args), words),
    /** Returns the alerts that `alerts` prints. */
    alerts: async (...args: readonly string[]) => (await json('alerts', ...args))['alerts'] as readonly ShownAlert[],
    store,
    /** Delivers as many mails as there are outcomes, the earliest due first. */
    deliver: (...outcomes: readonly DeliveryOutcome[]) => store((storage) => deliver(storage, outcomes)),
    /** Stores a full run that has finished. Returns its id. */
    ran: (options: Partial<RunStart>) =>
      store(async ({ reports }) => {
        const start = runStart(options);
        await reports.endRun(start, runEnd(start));
        return start.id;
      }),
  };
}

export type AlertFolder = Awaited<ReturnType<typeof alertFolder>>;

async function deliver({ outbox }: Storage, outcomes: readonly DeliveryOutcome[]): Promise<void> {
  const due = await outbox.dueMails(outcomes.length);
  assert.equal(due.length, outcomes.length);
  for (const [index, outcome] of outcomes.entries()) {
    const id = due[index]?.id ?? 0;
    assert.ok(await outbox.claimMail(id, 'a test', 60_000));
    if (outcome.kind === 'sent') await outbox.markSent(id, 'a test');
    if (outcome.kind === 'put-off') await outbox.markPutOff(id, 'a test', 60_000, outcome.error);
    if (outcome.kind === 'refused') await outbox.markFailed(id, 'a test', outcome.error);
  }
}

const hourMs = 3_600_000;

/** Returns an alert that has fired for two hours. */
export function firing(options: Partial<Alert> = {}): Alert {
  const sinceMs = Date.now() - 2 * hourMs;
  const progress = { holding: 1, holdingSinceMs: sinceMs, clearing: 0, missing: 0, easing: 0, lastAtMs: Date.now() };
  const since = { pendingSinceMs: sinceMs, firingSinceMs: sinceMs, progress };
  return alert({ subject: '/var', changedByRun: null, ...since, ...options });
}

/** Returns an alert that ended a quarter of an hour ago. */
export function ended(options: Partial<Alert> = {}): Alert {
  return firing({ state: 'resolved', resolvedAtMs: Date.now() - hourMs / 4, closedReason: 'recovered', ...options });
}
