import { parseStateLine, stateKinds, type StateLine } from '../../report/state/state.ts';
import type { StateSection } from '../../report/report.ts';
import { dayMs } from '../../platform/units.ts';
import { forIds } from '../sql/by-ids.ts';
import type { Database, Session } from '../sql/database.ts';
import { forChunks, insertRows, mergeRows, replaceRows } from '../sql/insert-rows.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { IngestItem } from '../store/storage.ts';
import { renamedPackages, type RenamedPackages } from './renamed-packages.ts';

/** The most changes of a client within a day: more than the upgrade of a system to its next release makes. */
const changesPerDay = 6000;
/** The most rows of a client. The oldest changes beyond them are removed. */
const maxRows = 20_000;
/** The number of items of a section that never vanish together: so many are gone only if the section was not read. */
const tooMany = 50;

/**
 * Stores the names and values of each client's first report in a transaction of their own, before the transaction that
 * stores the reports: collectors store the same ones at the same time when a fleet is upgraded.
 */
export async function storeStateNames(database: Database, items: readonly IngestItem[]): Promise<void> {
  const states = items.filter(({ report }) => report.sections?.some(({ lines }) => lines !== null));
  const firsts = new Map([...states].reverse().map((item) => [item.client, item]));
  for (const item of firsts.values()) {
    await database.write(async (session) => {
      const looks = await looksAt(session, await knownClient(session, item.client), item);
      if (typeof looks === 'string') return;
      for (const { kind, changes } of looks)
        await idsOf(
          session,
          kind,
          changes.flatMap(({ after }) => after ?? []),
          false,
        );
    });
  }
}

/**
 * Stores state reports: the values of each section that differ from the stored ones, and a change for each. The first
 * look at a section is no change, and a section that was not read changes nothing. Returns the ids of the refused
 * reports with the reason.
 */
export async function storeState(session: Session, items: readonly IngestItem[]): Promise<ReadonlyMap<string, string>> {
  const refused = new Map<string, string>();
  const inTime = [...items].sort((a, b) => a.observedAtMs - b.observedAtMs);
  for (const item of inTime) {
    const { client, report, observedAtMs } = item;
    const reason = await storeReport(session, item);
    if (reason === null) {
      const row = { report_id: report.report_id, client, observed_at: sqlTime(observedAtMs) };
      await insertRows(session, 'inventory_reports', [row]);
    } else refused.set(report.report_id, reason);
  }
  return refused;
}

/** Returns the digests of the sections of a client, by kind. */
export async function stateDigests(database: Database, client: string): Promise<Readonly<Record<string, string>>> {
  const rows = await database.read((session) =>
    session.all(
      `SELECT s.kind, s.digest FROM state_sections s JOIN state_clients c ON c.id = s.client_id
       WHERE c.client = ? AND s.digest <> ''`,
      [client],
    ),
  );
  const known = rows.filter(({ kind }) => stateKinds.some((one) => one === kind));
  return Object.fromEntries(known.map(({ kind, digest }) => [String(kind), String(digest)]));
}

interface StoredSection {
  readonly digest: string;
  readonly observedAtMs: number;
}

/** A change that is to be stored. */
interface Change {
  readonly item: string;
  readonly before: StoredValue | null;
  readonly after: StateLine | null;
  /** True if earlier agents said the same in other words. */
  readonly isRenamed?: true;
}

interface StoredValue {
  readonly itemId: number;
  readonly valueId: number;
  readonly value: string;
  readonly sinceMs: number | null;
}

/** Stores one report. Returns the reason of a refusal; null if it is stored. */
async function storeReport(session: Session, item: IngestItem): Promise<string | null> {
  const { client, report, observedAtMs } = item;
  const clientId = await idOfClient(session, client);
  const looks = await looksAt(session, clientId, item);
  if (typeof looks === 'string') return looks;
  const clock = { observedAtMs, saidAtMs: Date.parse(report.datetime) };
  for (const look of looks) await storeLook(session, clientId, look, clock);
  if (countOf(looks) > 0) await removeExcess(session, clientId);
  return null;
}

/** Returns the number of changes to store. */
function countOf(looks: readonly Look[]): number {
  return looks.reduce((sum, { changes, isFirst }) => sum + (isFirst ? 0 : changes.filter(isTold).length), 0);
}

function isTold({ isRenamed }: Change): boolean {
  return isRenamed !== true;
}

/** Compares the sections of a report with the stored ones. Returns the reason of a refusal in their place. */
async function looksAt(
  session: Session,
  clientId: number,
  { client, report, observedAtMs }: IngestItem,
): Promise<readonly Look[] | string> {
  const rows = await session.all(
    `SELECT kind, digest, observed_at, observed_at > ${session.dialect.now} AS is_ahead
     FROM state_sections WHERE client_id = ?${session.dialect.forUpdate}`,
    [clientId],
  );
  const stored = new Map(
    rows.map((row): [string, StoredSection] => [
      String(row['kind']),
      {
        digest: String(row['digest']),
        // A time in the future is from a clock that was wrong: any look comes after it.
        observedAtMs: Number(row['is_ahead']) === 1 ? observedAtMs : (fromSqlTime(row['observed_at']) ?? 0),
      },
    ]),
  );
  const looks: Look[] = [];
  const sameAtMs = await sameAt(session, client);
  for (const section of report.sections ?? []) {
    const same = stampedKinds.includes(section.kind) ? sameAtMs : 0;
    const look = await lookAt(session, clientId, section, {
      ...{ stored: stored.get(section.kind), observedAtMs, sameAtMs: same <= observedAtMs ? same : 0 },
    });
    if (look !== null) looks.push(look);
  }
  const count = countOf(looks);
  if (count === 0) return looks;
  const countSql = 'SELECT COUNT(*) AS count FROM state_changes WHERE client_id = ? AND latest_at > ?';
  const [day] = await session.all(countSql, [clientId, sqlTime(observedAtMs - dayMs)]);
  const isBeyond = Number(day?.['count']) + count > changesPerDay;
  return isBeyond ? `its state has changed more than ${changesPerDay} times within a day` : looks;
}

/** The kinds that do not change unless the stamp does. */
const stampedKinds: readonly string[] = ['package', 'account', 'system'];

/** Returns the time of the newest visit whose stamp was that of the stored state; 0 if there was none. */
async function sameAt(session: Session, client: string): Promise<number> {
  const [row] = await session.all('SELECT state_same_at FROM clients WHERE name = ?', [client]);
  return fromSqlTime(row?.['state_same_at']) ?? 0;
}

interface LookTimes {
  readonly stored: StoredSection | undefined;
  readonly observedAtMs: number;
  /** The newest time at which the section is known to have been as it is stored; 0 if no visit has told. */
  readonly sameAtMs: number;
}

/** The result of comparing a section with the stored one. */
interface Look {
  readonly kind: StateSection['kind'];
  /** The digest of the stored lines, and the time of the last look that read them. */
  readonly digest: string;
  readonly readAtMs: number;
  readonly error: string | null;
  /** True if nothing was known before. */
  readonly isFirst: boolean;
  readonly previousMs: number;
  readonly changes: readonly Change[];
}

const noneRenamed: RenamedPackages = { formerOf: new Map(), absorbed: new Set(), hasNewManager: false };

/** Compares a section with the stored one. Returns null for a look that comes late, or whose lines are not here. */
async function lookAt(
  session: Session,
  clientId: number,
  { kind, digest, error, lines }: StateSection,
  { stored, observedAtMs, sameAtMs }: LookTimes,
): Promise<Look | null> {
  const before = stored ?? { digest: '', observedAtMs };
  if (stored !== undefined && stored.observedAtMs > observedAtMs) return null;
  const isFirst = before.digest === '';
  const common = { kind, isFirst, previousMs: Math.max(before.observedAtMs, sameAtMs) };
  const failed = (reason: string): Look => ({
    ...{ ...common, digest: before.digest, readAtMs: before.observedAtMs, error: reason, changes: [] },
  });
  if (error !== null) return failed(error);
  if (digest === before.digest) return { ...common, digest, readAtMs: observedAtMs, error: null, changes: [] };
  if (lines === null) return null;
  const present = await valuesOf(session, clientId, kind);
  if (lines.length === 0 && present.size > tooMany) return failed('nothing is there any more');
  const now = new Map(lines.flatMap(knownLine).map((line) => [line.item, line]));
  const renamed = kind === 'package' ? renamedPackages(present, now) : noneRenamed;
  const formers = new Set([...renamed.formerOf.values(), ...renamed.absorbed]);
  const gone = [...present].flatMap(([item, old]): readonly Change[] => {
    if (renamed.absorbed.has(item)) return [{ item, before: old, after: null, isRenamed: true }];
    return now.has(item) || formers.has(item) ? [] : [{ item, before: old, after: null }];
  });
  const others = [...now].flatMap(([item, line]): readonly Change[] => {
    const former = renamed.formerOf.get(item);
    const old = present.get(former ?? item) ?? null;
    if (former !== undefined) return [{ item, before: old, after: line, isRenamed: true }];
    return old?.value === line.value ? [] : [{ item, before: old, after: line }];
  });
  // The packages of a manager whose database was not read before are no changes.
  const isBaseline = isFirst || renamed.hasNewManager;
  const changes = [...gone, ...others];
  return { ...common, isFirst: isBaseline, digest, readAtMs: observedAtMs, error: null, changes };
}

function knownLine(line: string): readonly StateLine[] {
  const parsed = parseStateLine(line);
  return parsed === null ? [] : [parsed];
}

/**
 * Selects what a client has of a kind. COALESCE keeps the index on the kind out of it: by that MariaDB would read each
 * value that any client of the fleet has.
 */
export const valuesSql = `SELECT i.item, i.id AS item_id, v.id AS value_id, v.value, s.since FROM state s
  JOIN state_values v ON v.id = s.value_id JOIN state_items i ON i.id = v.item_id
  WHERE s.client_id = ? AND COALESCE(i.kind, '') = ?`;

async function valuesOf(session: Session, clientId: number, kind: string): Promise<ReadonlyMap<string, StoredValue>> {
  const rows = await session.all(valuesSql, [clientId, kind]);
  return new Map(
    rows.map((row) => [
      String(row['item']),
      {
        ...{ itemId: Number(row['item_id']), valueId: Number(row['value_id']), value: String(row['value']) },
        sinceMs: fromSqlTime(row['since']),
      },
    ]),
  );
}

interface ReportClock {
  readonly observedAtMs: number;
  /** The time of the report on the client's clock. */
  readonly saidAtMs: number;
}

async function storeLook(session: Session, clientId: number, look: Look, clock: ReportClock): Promise<void> {
  const { kind, changes, isFirst, previousMs } = look;
  const ids = await idsOf(
    session,
    kind,
    changes.flatMap(({ after }) => after ?? []),
    true,
  );
  const removed = changes.flatMap(({ before }) => before?.valueId ?? []);
  await forIds('value_id', removed, async (where, values) => [
    await session.run(`DELETE FROM state WHERE client_id = ? AND ${where}`, [clientId, ...values]),
  ]);
  const rows = changes.map(({ item, before, after, isRenamed }) => {
    const added = after === null ? null : (ids.get(keyOf(item, after.value)) ?? null);
    const [earliest, latest] = isFirst
      ? [clock.observedAtMs, clock.observedAtMs]
      : timesOf(after?.changedS ?? null, previousMs, clock);
    const row = {
      client_id: clientId,
      item_id: added?.itemId ?? before?.itemId ?? 0,
      before_id: before?.valueId ?? null,
      after_id: added?.valueId ?? null,
      earliest_at: sqlTime(earliest),
      latest_at: sqlTime(latest),
    };
    return { row, isRenamed, since: sqlTime((isRenamed ? before?.sinceMs : null) ?? latest) };
  });
  const present = rows.flatMap(({ row: { after_id }, since }) =>
    after_id === null ? [] : [{ client_id: clientId, value_id: after_id, since }],
  );
  await insertRows(session, 'state', present);
  const told = rows.flatMap(({ row, isRenamed }) => (isRenamed ? [] : [row]));
  if (!isFirst) await insertRows(session, 'state_changes', told);
  const section = { client_id: clientId, kind, digest: look.digest, observed_at: sqlTime(look.readAtMs) };
  await replaceRows(session, 'state_sections', ['client_id', 'kind'], [{ ...section, error: look.error }]);
}

/** Returns the earliest and latest time of a change: two looks, or the file's own time if it is between them. */
function timesOf(
  changedS: number | null,
  previousMs: number,
  { observedAtMs, saidAtMs }: ReportClock,
): readonly [number, number] {
  const own = changedS === null ? NaN : observedAtMs - (saidAtMs - changedS * 1000);
  return own >= previousMs && own <= observedAtMs ? [own, own] : [previousMs, observedAtMs];
}

/** Removes the oldest changes of a client that has too many rows. */
async function removeExcess(session: Session, clientId: number): Promise<void> {
  const count = async (table: string): Promise<number> => {
    const [row] = await session.all(`SELECT COUNT(*) AS count FROM ${table} WHERE client_id = ?`, [clientId]);
    return Number(row?.['count']);
  };
  const excess = (await count('state')) + (await count('state_changes')) - maxRows;
  if (excess <= 0) return;
  const oldest = await session.all('SELECT id FROM state_changes WHERE client_id = ? ORDER BY latest_at, id LIMIT ?', [
    clientId,
    String(excess),
  ]);
  const ids = oldest.map(({ id }) => Number(id));
  await forIds('id', ids, async (where, values) => [
    await session.run(`DELETE FROM state_changes WHERE ${where}`, values),
  ]);
}

/** Returns the id of a client; 0 if it has no state yet. */
async function knownClient(session: Session, client: string): Promise<number> {
  const [known] = await session.all('SELECT id FROM state_clients WHERE client = ?', [client]);
  return Number(known?.['id'] ?? 0);
}

async function idOfClient(session: Session, client: string): Promise<number> {
  const known = await knownClient(session, client);
  if (known > 0) return known;
  await insertRows(session, 'state_clients', [{ client }]);
  return knownClient(session, client);
}

interface Ids {
  readonly itemId: number;
  readonly valueId: number;
}

function keyOf(item: string, value: string): string {
  return `${item}\t${value}`;
}

/**
 * Returns the ids of items with their values; those that are missing are stored, in the order in which all writers
 * store them. `keep` locks the values, so that nobody removes unused ones before this transaction uses them.
 */
async function idsOf(
  session: Session,
  kind: string,
  lines: readonly StateLine[],
  keep: boolean,
): Promise<ReadonlyMap<string, Ids>> {
  if (lines.length === 0) return new Map();
  const sorted = [...lines].sort((one, other) => (one.item < other.item ? -1 : 1));
  const lock = keep ? session.dialect.forUpdate : '';
  const itemsOf = async (): Promise<ReadonlyMap<string, number>> => {
    const rows = await forChunks(
      sorted.map(({ item }) => item),
      (chunk, marks) =>
        session.all(`SELECT id, item FROM state_items WHERE kind = ? AND item IN (${marks})${lock}`, [kind, ...chunk]),
    );
    return new Map(rows.map(({ id, item }) => [String(item), Number(id)]));
  };
  let items = await itemsOf();
  const newItems = sorted.filter(({ item }) => !items.has(item)).map(({ item }) => ({ kind, item }));
  await mergeRows(session, 'state_items', ['kind', 'item'], newItems, (incoming) => [`item = ${incoming('item')}`]);
  if (newItems.length > 0) items = await itemsOf();
  const pairs = sorted.map(({ item, value }) => ({ item_id: items.get(item) ?? 0, value, key: keyOf(item, value) }));
  const valuesOfPairs = async (): Promise<ReadonlyMap<string, number>> => {
    const rows = await forChunks(pairs, (chunk) => {
      const where = chunk.map(() => '(item_id = ? AND value = ?)').join(' OR ');
      const values = chunk.flatMap(({ item_id, value }) => [item_id, value]);
      return session.all(`SELECT id, item_id, value FROM state_values WHERE ${where}${lock}`, values);
    });
    return new Map(rows.map((row) => [keyOf(String(row['item_id']), String(row['value'])), Number(row['id'])]));
  };
  let ids = await valuesOfPairs();
  const isKnown = ({ item_id, value }: { readonly item_id: number; readonly value: string }): boolean =>
    ids.has(keyOf(String(item_id), value));
  const newValues = pairs.filter((pair) => !isKnown(pair)).map(({ item_id, value }) => ({ item_id, value }));
  const asStored = (incoming: (column: string) => string): readonly string[] => [`value = ${incoming('value')}`];
  await mergeRows(session, 'state_values', ['item_id', 'value'], newValues, asStored);
  if (newValues.length > 0) ids = await valuesOfPairs();
  return new Map(
    pairs.map(({ item_id, value, key }) => [
      key,
      { itemId: item_id, valueId: ids.get(keyOf(String(item_id), value)) ?? 0 },
    ]),
  );
}
