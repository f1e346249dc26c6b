import type { Config, StorageConfig } from '../../config/config.ts';
import { FleetError } from '../../errors.ts';
import { statePaths } from '../../state/paths.ts';
import { claimStateFolder } from '../../state/state-folder.ts';
import { checkMigrations } from '../../storage/migrate/migrate.ts';
import { openStorage } from '../../storage/open-storage.ts';
import type { EventStore } from '../../storage/store/event-store.ts';
import type { FigureStore } from '../../storage/store/figure-store.ts';
import type { DetailStore } from '../../storage/store/detail-store.ts';
import type { DigestStore } from '../../storage/store/digest-store.ts';
import type { LevelStore } from '../../storage/store/level-store.ts';
import type { LookStore } from '../../storage/store/look-store.ts';
import type { SealedStore } from '../../storage/store/sealed-store.ts';
import type { ShareStore } from '../../storage/store/share-store.ts';
import type { AlertStore, History, RetentionStore } from '../../storage/store/storage.ts';

/**
 * The readable parts of the database. All but `history` are null before the first run, when there is no schema yet.
 */
export interface Stored {
  readonly history: History;
  readonly alerts: AlertStore | null;
  readonly look: LookStore | null;
  readonly levels: LevelStore | null;
  readonly figures: FigureStore | null;
  readonly detail: DetailStore | null;
  readonly digest: DigestStore | null;
  readonly sealed: SealedStore | null;
  readonly events: EventStore | null;
  readonly shares: ShareStore | null;
}

const nothing: Stored = {
  history: {
    clients: () => Promise.resolve([]),
    client: () => Promise.resolve(null),
    lastRun: () => Promise.resolve(null),
    query: () => Promise.resolve([]),
  },
  alerts: null,
  look: null,
  levels: null,
  figures: null,
  detail: null,
  digest: null,
  sealed: null,
  events: null,
  shares: null,
};

/**
 * Reads from the database in a session that the database keeps read-only. Everything is empty before the first run.
 * Throws FleetError `migration-mismatch` if there is no schema and no run may make one.
 */
export async function readStored<Result>(
  storage: StorageConfig,
  signal: AbortSignal,
  read: (stored: Stored) => Promise<Result>,
): Promise<Result> {
  const { applied } = await checkMigrations({ storage, signal });
  if (applied.length === 0 && !storage.migrate) {
    const message = 'the database has no schema, and migrate="no" lets no run make one';
    const advice = 'Run `fleet-health migrate` as an account that may.';
    throw new FleetError({ code: 'migration-mismatch', stage: 'storage', message, advice });
  }
  if (applied.length === 0) return await read(nothing);
  const open = await openStorage({ storage, migrate: false, program: 'read', signal });
  try {
    return await read(open);
  } finally {
    await open.close();
  }
}

/** Opens the database for changes by people. Makes the database if it is missing, as `alert` would. */
export async function changeStored<Result>(
  { storage, stateDir }: Pick<Config, 'storage' | 'stateDir'>,
  signal: AbortSignal,
  change: (alerts: AlertStore, retention: RetentionStore) => Promise<Result>,
): Promise<Result> {
  if (storage.kind === 'sqlite') claimStateFolder(statePaths(stateDir), []);
  const open = await openStorage({ storage, migrate: storage.migrate, program: 'change', signal });
  try {
    return await change(open.alerts, open.retention);
  } finally {
    await open.close();
  }
}
