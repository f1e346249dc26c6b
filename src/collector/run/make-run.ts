import { isAsked } from '../../config/clients/arrival.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { counted } from '../../text/numbers.ts';
import type { CollectResult, CollectorRun } from '../collect-options.ts';
import type { Ingest, IngestOptions } from '../ingest/ingest-options.ts';
import type { IngestTimes } from '../ingest/ingest-queue.ts';
import { clientsOfSites, documentsOf } from '../inbox/origins.ts';
import { runDocuments } from '../inbox/run-documents.ts';
import { storedBase, StoringFiles } from '../inbox/stored-files.ts';
import { startIngest } from '../ingest/start-ingest.ts';
import { openMarks } from '../ingest/opening-marks.ts';
import { describeMissingKey } from '../keys/retired-keys.ts';
import { createClientNames } from '../sealed-reports/client-names.ts';
import { Quarantine } from '../sealed-reports/quarantine.ts';
import type { SpooledReport } from '../sealed-reports/sealed-names.ts';
import { reportPassedOver } from '../sealed-reports/scan-spool.ts';
import { arrivedReport, openSealedSpool } from '../sealed-reports/sealed-spool.ts';
import { boundSpool, type BoundSpool } from '../sealed-reports/spool-bound.ts';
import type { VisitContext } from '../visit/context.ts';
import { entriesOf } from '../../state-folder/folder-entries.ts';
import { endOf, resultOf } from './collect-result.ts';
import { prepareStorage, storeWaiting, type PreparedStorage } from './prepare-storage.ts';
import { pruneInTime } from './prune-in-time.ts';
import { createRunFaults, storageFault, type RunFaults } from './run-faults.ts';
import { RunRecord } from './run-record.ts';
import { alerterFault, hasAnswered, ingestFault, stateDiskFault } from './run-watches.ts';
import { forgetRestored, removeOld } from './second-look.ts';
import { silentVisits } from './silent-clients.ts';
import { restoredRows } from '../../storage/store/run.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { ingestTimes, startStorageTime, storageLimits, type StorageTime } from './storage-limits.ts';
import { visitClients, type ClientsVisited, type VisitClientsOptions } from './visit-clients.ts';

/** Makes the run while the lock is held. Throws FleetError `state-unusable`. */
export async function makeRun(options: CollectorRun): Promise<CollectResult> {
  const { paths, start, config, observe } = options;
  const began = performance.now();
  const time = startStorageTime();
  const faults = createRunFaults(observe, time);
  const { spoolBytes } = config.collector;
  const limits = storageLimits(config.collector);
  const waiting = { bytes: () => 0 };
  const files = new StoringFiles({
    ...{ paths, base: storedBase(start), room: () => spoolBytes - waiting.bytes() },
    isWhole: options.keyRing.opening === null,
    onNote: (message) => observe({ kind: 'note', message }),
  });
  const prepared = await prepareStorage({ run: options, keep: files.keep, time, limits, onFault: faults.add });
  try {
    // Without this folder no visit is worth its while.
    entriesOf(paths.encryptedStats);
    const store = prepared.storage?.reports ?? null;
    const leftMs = (ms: number): number => ms - (performance.now() - began);
    time.endIn(leftMs(limits.allMs));
    const documents = runDocuments(documentsOf(paths, { kind: 'collector' }), start);
    const record = new RunRecord({ store, documents, keep: files.keep, start, onFault: faults.add });
    // The visits begin meanwhile: any number of reports may wait.
    const taking = startTaking({
      ...{ run: options, files, store, onFault: faults.add, onFound: faults.later },
      times: () => ingestTimes(limits, leftMs),
      onSpool: (spool) => (waiting.bytes = () => spool.waitingBytes()),
    });
    const silent = taking.then(({ leftovers }) => silentVisits({ run: options, prepared, leftovers }));
    silent.catch(() => undefined);
    const visited = await visitClients({
      ...{ run: options, facts: prepared.facts, keep: keepIn(taking, faults.later), silent, onFault: faults.add },
      record: (visit) => record.visit(visit),
      shares: prepared.storage?.shares ?? null,
      knownState: knownStateOf(options, prepared.storage),
    });
    faults.addLate();
    const inboxMs = prepared.documentsLeft > 0 ? leftMs(limits.leftoversMs) : 0;
    const { ingest } = await taking;
    return await finish({ options, prepared, visited, ingest, files, record, faults, time, inboxMs });
  } finally {
    time.endIn(null);
    await prepared.opened?.close().catch(() => undefined);
  }
}

/** The spool and the ingest of a run, and the reports of earlier runs. */
interface Taking {
  readonly spool: BoundSpool;
  readonly ingest: Ingest;
  readonly leftovers: readonly SpooledReport[];
}

interface TakingOptions extends Pick<IngestOptions, 'store' | 'onFault'> {
  readonly run: CollectorRun;
  readonly files: StoringFiles;
  readonly times: () => IngestTimes;
  readonly onSpool: (spool: BoundSpool) => void;
  /** Called for a fault of this machine while the reports of earlier runs were looked for. */
  readonly onFound: (fault: FleetError) => void;
}

/** Finds the reports of earlier runs, and starts to store them. Throws FleetError `state-unusable`. */
async function startTaking({ run, files, times, onSpool, onFound, ...options }: TakingOptions): Promise<Taking> {
  const { paths, config, keyRing, start, now, observe } = run;
  const { encryptedStats: dir, inbox, setAside } = paths;
  const { rawMs } = config.retention;
  const sites = clientsOfSites(config.clients);
  const unbounded = openSealedSpool(dir, inbox, files.keep);
  const scan = await unbounded.scan(true, sites);
  const { reports: leftovers, quarantines: places, passedOver } = scan;
  reportPassedOver(scan, observe, onFound);
  const { spoolBytes: maxBytes } = config.collector;
  const spool = boundSpool({ spool: unbounded, dir, inbox, maxBytes, leftovers, sites });
  onSpool(spool);
  files.bound();
  noteLeftovers(run, leftovers);
  const ingest = startIngest({
    ...options,
    spool,
    quarantine: new Quarantine({ places, setAside, nowMs: start.startedAtMs, keepMs: rawMs }),
    ...{ leftovers, passedOver },
    times: times(),
    keys: keyRing.opening,
    runId: start.id,
    describeKey: (id) => describeMissingKey(paths, id),
    marks: openMarks(paths.openingFiles),
    names: createClientNames(config.clients),
    retentionMs: rawMs,
    now,
    observe,
  });
  return { spool, ingest, leftovers };
}

/** Returns the reader of stored digests; none for a collector that opens no reports, which would see them late. */
function knownStateOf(
  { keyRing }: CollectorRun,
  storage: Pick<Storage, 'reports'> | null,
): VisitClientsOptions['knownState'] {
  if (storage === null || keyRing.opening === null) return undefined;
  return (client) => storage.reports.stateDigests(client);
}

/** Reports the number of waiting reports of visits. Omits pushed and forwarded reports, which always wait. */
function noteLeftovers({ config, observe }: CollectorRun, leftovers: readonly SpooledReport[]): void {
  const comes = config.clients.filter((client) => !isAsked(client));
  const pushing = new Set(comes.map(({ name }) => name));
  const isOfVisit = ({ client, origin }: SpooledReport): boolean =>
    origin === null && (client === null || !pushing.has(client));
  const waiting = leftovers.filter(isOfVisit).length;
  if (waiting === 0) return;
  const waits = waiting === 1 ? 'waits' : 'wait';
  observe({ kind: 'note', message: `${counted(waiting, 'sealed report')} ${waits} from earlier runs` });
}

function keepIn(taking: Promise<Taking>, onFault: (fault: FleetError) => void): VisitContext['keep'] {
  return async ({ name }, report) => {
    const { spool, ingest } = await taking;
    try {
      ingest.take(await spool.add(arrivedReport(name, report)));
    } catch (thrown) {
      // The folder of one client fails its visit alone.
      if (thrown instanceof FleetError && thrown.code !== 'inbox-strange') onFault(thrown);
      throw thrown;
    }
  };
}

interface Finish {
  readonly options: CollectorRun;
  readonly prepared: PreparedStorage;
  readonly visited: ClientsVisited;
  readonly ingest: Ingest;
  readonly files: StoringFiles;
  readonly record: RunRecord;
  readonly faults: RunFaults;
  readonly time: StorageTime;
  /** The time for records of earlier runs that were not stored before the visits. */
  readonly inboxMs: number;
}

/** Stores the received reports, records the end of the run, and removes old rows if all went well. */
async function finish(finishing: Finish): Promise<CollectResult> {
  const { options, visited, ingest, files, record, faults, time } = finishing;
  const { storage, wasAway, restored } = finishing.prepared;
  const { start, config, keyRing, paths } = options;
  const orFault = async (work: Promise<unknown>): Promise<void> => {
    const fault = await work.catch(storageFault);
    if (fault instanceof FleetError) faults.add(fault);
  };
  if (visited.endedEarly) ingest.putOffLeftovers();
  const notStored = await ingest.drain();
  if (storage !== null && notStored === null && finishing.inboxMs > 0) {
    await orFault(storeWaiting(options, storage, finishing.inboxMs, files.keep, false));
  }
  const end = await record.end({ ...endOf(options, visited), restored });
  if (restored !== null) forgetRestored(paths);
  files.end();
  // The remaining work has limits of its own.
  time.endIn(null);
  const whole = start.scope === 'full' && !visited.interrupted && faults.all.length === 0;
  const opens = keyRing.opening !== null;
  // A collector that opens nothing may not delete rows. `ingest` prunes for it.
  if (storage !== null && whole && opens) await orFault(pruneInTime(options, start.startedAtMs, storage.retention));
  if (storage !== null && opens) {
    const low = await stateDiskFault(options, storage.reports, options.now()).catch(storageFault);
    // A full disk is one of the faults already.
    if (low !== null && faults.all.length === 0) faults.add(low);
  }
  const { everyMs } = config.collector;
  const isKept = restored !== null && restoredRows(restored) === 0 && notStored === null && !visited.interrupted;
  if (storage !== null && isKept) {
    const timeMs = storageLimits(config.collector).prepareMs / 4;
    await orFault(removeOld({ run: options, storage, nowMs: options.now(), timeMs }));
  }
  const answers = hasAnswered(paths.databaseBack, { wasAway, atMs: start.startedAtMs, everyMs });
  if (storage !== null && whole && answers) {
    await orFault(alerterFault({ storage, everyMs, run: start }));
    if (!opens) await orFault(ingestFault({ storage, everyMs }));
  }
  return resultOf(start.startedAtMs, { visited, end, reports: ingest.counts(), faults: faults.all });
}
