import { readFileSync } from 'node:fs';

import { boundedTime } from '../../report/values/bounded-time.ts';
import { writeDurably } from '../../state/durable-file.ts';
import type { ClientFacts, VisitRecord } from '../../storage/store/storage.ts';
import { fieldsOf, readers } from '../pass/parse-records.ts';

/** The state of the link to the other collector. */
export interface LinkState {
  /** The number of consecutive runs that could not forward. */
  readonly failures: number;
  /** The time of the last line about the link; null if there was none. */
  readonly loggedAtMs: number | null;
  /** The clients whose reports were refused in the last run. Default: none. */
  readonly refused?: readonly string[];
  /** The clients whose reports were too large for the link in the runs that could not forward. Default: none. */
  readonly slow?: readonly string[];
  /** The time of the last line about refused reports. Default: none. */
  readonly refusedLoggedAtMs?: number | null;
}

type Fields = Readonly<Record<string, unknown>>;

interface Stored {
  readonly link: LinkState;
  readonly clients: readonly ClientFacts[];
}

const atFirst: Stored = { link: { failures: 0, loggedAtMs: null }, clients: [] };

/** Facts that other collectors keep in the database: about clients, by name, and about the link. */
export type SiteFacts = ReturnType<typeof openSiteFacts>;

/** Opens the file. A damaged file counts as missing: the next visits find the facts again. */
export function openSiteFacts(file: string) {
  let { link, clients: known } = read(file);
  const clients = new Map(known.map((facts) => [facts.name, facts]));
  const inventories = new Map<string, number>();
  return {
    clients: clients as ReadonlyMap<string, ClientFacts>,
    link: (): LinkState => link,
    setLink: (state: LinkState): void => void (link = state),
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
      });
    },
    /** Records an inventory. The visit of the inventory is recorded later. */
    sawInventory: (client: string, atMs: number): void => void inventories.set(client, atMs),
    /** Writes the facts of these clients. Throws errors of fs. */
    save: (names: ReadonlySet<string>): void => {
      known = [...clients.values()].filter(({ name }) => names.has(name));
      writeDurably({ file, content: JSON.stringify({ link, clients: known }), mode: 0o600 });
    },
  };
}

function read(file: string): Stored {
  try {
    const { link, clients } = fieldsOf(JSON.parse(readFileSync(file, 'utf8')));
    const state = parseLink(fieldsOf(link));
    if (Array.isArray(clients) && state !== null) {
      return { link: state, clients: (clients as readonly unknown[]).flatMap((one) => parseFacts(one) ?? []) };
    }
  } catch {
    // The file does not exist yet, or is damaged.
  }
  return atFirst;
}

function parseLink({ failures, loggedAtMs, refused, slow, refusedLoggedAtMs }: Fields): LinkState | null {
  if (!Number.isSafeInteger(failures)) return null;
  return {
    failures: failures as number,
    loggedAtMs: boundedTime(loggedAtMs),
    refused: textsOf(refused),
    slow: textsOf(slow),
    refusedLoggedAtMs: boundedTime(refusedLoggedAtMs),
  };
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
  };
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
