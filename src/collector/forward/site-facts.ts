import { readFileSync } from 'node:fs';

import * as v from 'valibot';

import { entriesOf, parseJson } from '../../platform/parse-json.ts';
import { boundedTime } from '../../report/check-value.ts';
import { writeDurably } from '../../state-folder/durable-file.ts';
import { hostKeyCodes, readers, type RunStart } from '../../storage/store/run.ts';
import type { ClientFacts, VisitRecord } from '../../storage/store/storage.ts';

const textOrNull = v.fallback(v.nullable(v.string()), null);
const timeOrNull = v.fallback(v.pipe(v.unknown(), v.transform(boundedTime)), null);
const count = v.fallback(v.pipe(v.number(), v.safeInteger()), 0);

/** The facts of a client. Values that are not essential are replaced by null. */
const clientFacts = v.object({
  ...{ name: v.string(), address: v.string() },
  ...{ lastVisitAtMs: timeOrNull, lastReportAtMs: timeOrNull },
  ...{ consecutiveFailures: count, uncountedFailures: count, failedCode: textOrNull },
  ...{ nextAttemptAtMs: timeOrNull, attemptDigest: textOrNull },
  ...{ bootId: textOrNull, inventoryAtMs: timeOrNull },
  reader: v.fallback(v.nullable(v.picklist(readers)), null),
  ...{ stateStamp: textOrNull, stateAtMs: timeOrNull, stateRuns: count },
  stateWantedAtMs: v.fallback(v.null(), null),
});

const stored = v.object({
  /** The clients whose reports were refused in the last run. */
  refused: v.fallback(v.array(v.unknown()), []),
  clients: v.array(v.unknown()),
});

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
    /** Records a visit of a run with the configuration of this digest. */
    saw: (visit: VisitRecord, { configDigest, scope }: Pick<RunStart, 'configDigest' | 'scope'>): void => {
      const before = clients.get(visit.client);
      const isUncounted = scope === 'filtered' || hostKeyCodes.includes(visit.code ?? '');
      clients.set(visit.client, {
        name: visit.client,
        address: visit.address,
        lastVisitAtMs: visit.startedAtMs,
        lastReportAtMs: visit.ok ? visit.startedAtMs : (before?.lastReportAtMs ?? null),
        consecutiveFailures: visit.ok ? 0 : (before?.consecutiveFailures ?? 0) + 1,
        uncountedFailures: visit.ok ? 0 : (before?.uncountedFailures ?? 0) + Number(isUncounted),
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

function read(file: string): { readonly refused: readonly string[]; readonly clients: readonly ClientFacts[] } {
  const { refused, clients } = parseJson(stored, textOf(file)) ?? { refused: [], clients: [] };
  return { refused: entriesOf(v.string(), refused), clients: entriesOf(clientFacts, clients) };
}

/** Returns an empty text if the file does not exist yet, or cannot be read. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
