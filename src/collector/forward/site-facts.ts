import { readFileSync } from 'node:fs';

import { boundedTime } from '../../report/outside-values.ts';
import { writeDurably } from '../../state-folder/durable-file.ts';
import type { ClientFacts, VisitRecord } from '../../storage/store/storage.ts';
import { fieldsOf, readers } from '../inbox/parse-records.ts';

interface Stored {
  /** The clients whose reports were refused in the last run. */
  readonly refused: readonly string[];
  readonly clients: readonly ClientFacts[];
}

const atFirst: Stored = { refused: [], clients: [] };

/** Facts that other collectors keep in the database: about clients, by name. */
export type SiteFacts = ReturnType<typeof openSiteFacts>;

/** Opens the file. A damaged file counts as missing: the next visits find the facts again. */
export function openSiteFacts(file: string) {
  let { refused, clients: known } = read(file);
  const clients = new Map(known.map((facts) => [facts.name, facts]));
  const inventories = new Map<string, number>();
  return {
    clients: clients as ReadonlyMap<string, ClientFacts>,
    /** Returns the clients whose reports were refused in the last run. */
    refused: (): readonly string[] => refused,
    setRefused: (names: readonly string[]): void => void (refused = names),
    /** Records a visit that was made with the configuration of this digest. */
    saw: (visit: VisitRecord, configDigest: string): void => {
      const before = clients.get(visit.client);
      clients.set(visit.client, {
        name: visit.client,
        address: visit.address,
        lastVisitAtMs: visit.startedAtMs,
        lastReportAtMs: visit.ok ? visit.startedAtMs : (before?.lastReportAtMs ?? null),
        consecutiveFailures: visit.ok ? 0 : (before?.consecutiveFailures ?? 0) + 1,
        failedCode: visit.code,
        nextAttemptAtMs: visit.nextAttemptAtMs,
        attemptDigest: visit.nextAttemptAtMs === null ? null : configDigest,
        bootId: visit.bootId ?? before?.bootId ?? null,
        inventoryAtMs: inventories.get(visit.client) ?? before?.inventoryAtMs ?? null,
        reader: visit.reader ?? before?.reader ?? null,
        stateStamp: visit.state?.stamp ?? before?.stateStamp ?? null,
        stateAtMs: visit.state === undefined ? (before?.stateAtMs ?? null) : visit.startedAtMs,
        stateRuns: visit.state?.runs ?? before?.stateRuns ?? 0,
        // Alerts are where the database is.
        stateWantedAtMs: null,
      });
    },
    /** Records an inventory. The visit of the inventory is recorded later. */
    sawInventory: (client: string, atMs: number): void => void inventories.set(client, atMs),
    /** Writes the facts of these clients. Throws errors of fs. */
    save: (names: ReadonlySet<string>): void => {
      known = [...clients.values()].filter(({ name }) => names.has(name));
      writeDurably({ file, content: JSON.stringify({ refused, clients: known }), mode: 0o600 });
    },
  };
}

function read(file: string): Stored {
  try {
    const { refused, clients } = fieldsOf(JSON.parse(readFileSync(file, 'utf8')));
    if (Array.isArray(clients)) {
      return {
        refused: textsOf(refused),
        clients: (clients as readonly unknown[]).flatMap((one) => parseFacts(one) ?? []),
      };
    }
  } catch {
    // The file does not exist yet, or is damaged.
  }
  return atFirst;
}

function parseFacts(value: unknown): ClientFacts | null {
  const { name, address, failedCode, attemptDigest, bootId, reader, consecutiveFailures, ...times } = fieldsOf(value);
  if (typeof name !== 'string' || typeof address !== 'string') return null;
  return {
    ...{ name, address, failedCode: textOrNull(failedCode), attemptDigest: textOrNull(attemptDigest) },
    ...{ bootId: textOrNull(bootId), reader: readers.find((one) => one === reader) ?? null },
    consecutiveFailures: Number.isSafeInteger(consecutiveFailures) ? (consecutiveFailures as number) : 0,
    lastVisitAtMs: boundedTime(times['lastVisitAtMs']),
    lastReportAtMs: boundedTime(times['lastReportAtMs']),
    nextAttemptAtMs: boundedTime(times['nextAttemptAtMs']),
    inventoryAtMs: boundedTime(times['inventoryAtMs']),
    stateStamp: textOrNull(times['stateStamp']),
    stateAtMs: boundedTime(times['stateAtMs']),
    stateRuns: Number.isSafeInteger(times['stateRuns']) ? (times['stateRuns'] as number) : 0,
    stateWantedAtMs: null,
  };
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
