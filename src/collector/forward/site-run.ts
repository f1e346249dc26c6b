import path from 'node:path';

import { asFleetError, isOwnFault, messageOf, type FleetError } from '../../platform/errors/errors.ts';
import { secondMs } from '../../platform/units.ts';
import type { ForwardConfig } from '../../config/config.ts';
import { entriesOf } from '../../state-folder/folder-entries.ts';
import { folderOfClient } from '../../state-folder/client-folder.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import type { CollectResult, CollectorRun } from '../collect-options.ts';
import { boundDocuments, documentsIn, removeStored } from '../inbox/document-files.ts';
import { allowances, documentsOf } from '../inbox/origins.ts';
import { runDocuments } from '../inbox/run-documents.ts';
import { removeUnasked } from '../inbox/stored-files.ts';
import { endOf, resultOf } from '../run/collect-result.ts';
import { lateFaults } from '../run/run-faults.ts';
import { RunRecord } from '../run/run-record.ts';
import { visitClients } from '../run/visit-clients.ts';
import { Quarantine } from '../sealed-reports/quarantine.ts';
import type { ReceivedReport } from '../agent/agent-stream.ts';
import type { SpooledReport } from '../sealed-reports/sealed-names.ts';
import { reportPassedOver } from '../sealed-reports/scan-spool.ts';
import { arrivedReport, openSealedSpool } from '../sealed-reports/sealed-spool.ts';
import { boundSpool, type BoundSpool } from '../sealed-reports/spool-bound.ts';
import { forward, type Forwarding, type WaitingFile } from './forward.ts';
import { openSiteFacts, type SiteFacts } from './site-facts.ts';
import type { SiteKey } from './site-key.ts';
import { siteLink } from './site-link.ts';
import { reportForwarded } from './report-forwarded.ts';
import { waitingFiles } from './waiting-files.ts';

export interface SiteRunOptions {
  readonly run: CollectorRun;
  readonly to: ForwardConfig;
  readonly key: SiteKey;
}

/** The part of `every` after which forwarding ends, so that the next run finds the lock free. */
const shareOfEvery = 0.9;
/** The least time for forwarding, however long the visits took. */
const minMs = 10 * secondMs;
/** The part of `<collector spool>` that records of visits may take. */
const shareOfRecords = 0.25;

/** Makes the run of a site without a database, while the lock is held. Throws FleetError `state-unusable`. */
export async function makeSiteRun({ run, to, key }: SiteRunOptions): Promise<CollectResult> {
  const { paths, start, config, observe } = run;
  const { spoolBytes, everyMs } = config.collector;
  const began = performance.now();
  const faults: FleetError[] = [];
  const onFault = toldOnce(faults, run);
  removeKept(run);
  // Without this folder no visit is worth its while.
  entriesOf(paths.encryptedStats);
  // The visits begin meanwhile: any number of reports may wait.
  const { later, addLate } = lateFaults(onFault);
  const taking = startTaking(run, later);
  let waiting: ReadonlySet<string> | null = null;
  const whenTaken = taking.then(({ leftovers }) => {
    return (waiting = new Set(leftovers.map(({ file }) => path.basename(path.dirname(file)))));
  });
  whenTaken.catch(() => undefined);
  const folder = documentsOf(paths, { kind: 'collector' });
  const recordBytes = Math.max(allowances.collector.maxBytes, spoolBytes * shareOfRecords);
  const earlier = new Set(boundDocuments(folder, recordBytes).kept);
  const facts = openSiteFacts(paths.siteFacts);
  const documents = runDocuments(folder, start);
  const record = new RunRecord({ store: null, documents, keep: removeStored, start, onFault });
  const fresh = takeFresh(taking, later);
  const note = (visit: VisitRecord): void => {
    facts.saw(visit, start);
    // No collector may yet retire the keys of reports that wait here.
    const isWaiting = waiting?.has(folderOfClient(visit.client)) ?? true;
    record.visit(isWaiting ? { ...visit, sealedTo: null } : visit);
  };
  const visited = await visitClients({
    ...{ run, facts: new Map(facts.clients), keep: fresh.keep, record: note, shares: null, onFault },
    sawInventory: (client) => facts.sawInventory(client, run.now()),
  });
  addLate();
  const end = endOf(run, visited);
  await record.end(end);
  saveFacts(facts, run, onFault);
  const { spool, quarantine, leftovers } = await taking;
  const files = waitingFiles({
    spool,
    present: { reports: fresh.first, documents: documentsIn(folder).filter((file) => !earlier.has(file)) },
    backlog: { reports: [...leftovers, ...fresh.others], documents: [...earlier] },
    refusedBefore: facts.refused(),
    onDamaged: (report, message) => {
      quarantine.add(report, report.client ?? '', { code: 'seal-corrupt', message, atMs: run.now() });
      observe({ kind: 'quarantined', client: report.client ?? '', code: 'seal-corrupt', message });
    },
    onUnreadable: (file, message) => observe({ kind: 'note', message: `${file} is not forwarded: ${message}` }),
  });
  const endsAt = Math.max(performance.now() + minMs, began + everyMs * shareOfEvery);
  const sent = await sendFiles({ run, to, key }, files, endsAt);
  reportForwarded({ observe, sent, faults, url: to.url });
  // A broken link says nothing about the clients that were not reached.
  facts.setRefused([...new Set([...sent.refused, ...(sent.fault === null ? [] : facts.refused())])]);
  saveFacts(facts, run, onFault);
  const reports = { stored: sent.reports, duplicate: 0, quarantined: 0, waiting: sent.left };
  return resultOf(start.startedAtMs, { visited, end, reports, faults });
}

/** Returns an observer that adds faults to a list and tells of them, each of this machine's codes once. */
function toldOnce(faults: FleetError[], { observe }: Pick<CollectorRun, 'observe'>): (fault: FleetError) => void {
  return (fault) => {
    const isSame = ({ code, message }: FleetError): boolean =>
      code === fault.code && (isOwnFault(code) || message === fault.message);
    if (faults.some(isSame)) return;
    faults.push(fault);
    observe({ kind: 'fault', fault });
  };
}

interface Taking {
  readonly spool: BoundSpool;
  readonly quarantine: Quarantine;
  readonly leftovers: readonly SpooledReport[];
}

/** Finds the reports of earlier runs. Throws FleetError `state-unusable`. */
async function startTaking(
  { paths, config, start, observe }: CollectorRun,
  onFound: (fault: FleetError) => void,
): Promise<Taking> {
  const { encryptedStats: dir, setAside } = paths;
  const unbounded = openSealedSpool(dir);
  const scan = await unbounded.scan();
  reportPassedOver(scan, observe, onFound);
  const { reports: leftovers, quarantines: places } = scan;
  const spool = boundSpool({ dir, maxBytes: config.collector.spoolBytes, isSite: true, spool: unbounded, leftovers });
  const times = { nowMs: start.startedAtMs, keepMs: config.retention.rawMs };
  return { spool, quarantine: new Quarantine({ places, setAside, ...times }), leftovers };
}

/** Removes what a collector has kept that had a database before it became a site. */
function removeKept({ paths, config, observe, start }: CollectorRun): void {
  try {
    removeUnasked(paths, config.collector.keepStoredMs, start.startedAtMs);
  } catch (thrown) {
    observe({ kind: 'note', message: `${paths.stored} cannot be removed: ${messageOf(thrown)}` });
  }
}

/** Sends the files. Without a URL another program carries them, so that all of them wait. */
async function sendFiles(
  { run, to, key }: SiteRunOptions,
  files: readonly WaitingFile[],
  endsAt: number,
): Promise<Forwarding> {
  if (to.url === null) {
    const left = files.filter(({ client }) => client !== null).length;
    return { reports: 0, documents: 0, left, refused: [], fault: null };
  }
  const link = siteLink(to.url, key);
  return await forward({ link, files, endsAt, signal: run.signal }).finally(() => link.close());
}

/** Keeps the reports of this run apart: the first of each client, which is new, and those from the clients' spools. */
function takeFresh(taking: Promise<Taking>, onFault: (fault: FleetError) => void) {
  const first: SpooledReport[] = [];
  const others: SpooledReport[] = [];
  const seen = new Set<string>();
  return {
    first: first as readonly SpooledReport[],
    others: others as readonly SpooledReport[],
    keep: async ({ name }: { readonly name: string }, report: ReceivedReport): Promise<void> => {
      const { spool } = await taking;
      try {
        (seen.has(name) ? others : first).push(await spool.add(arrivedReport(name, report)));
        seen.add(name);
      } catch (thrown) {
        const fault = asFleetError(thrown, { code: 'state-unusable', stage: 'spool' });
        // The folder of one client fails its visit alone.
        if (fault.code !== 'inbox-strange') onFault(fault);
        throw thrown;
      }
    },
  };
}

function saveFacts(facts: SiteFacts, { config }: CollectorRun, onFault: (fault: FleetError) => void): void {
  try {
    facts.save(new Set(config.clients.map(({ name }) => name)));
  } catch (thrown) {
    onFault(asFleetError(thrown, { code: 'state-unusable', stage: 'run' }));
  }
}
