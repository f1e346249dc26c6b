import { greatest, groupBy } from '../../platform/group-by.ts';
import { describeFigure } from '../../alerter/evaluate/check-value-sampler.ts';
import type { CheckStat } from '../../report/checks/checks.ts';
import { writtenFigures } from '../../report/checks/written-perfdata.ts';
import type { ClientChecks, PageCheck } from '../page/page.ts';
import { dayMs, secondMs } from '../../platform/units.ts';
import type { DetailStore } from '../../storage/store/detail-store.ts';
import type { RecordStore } from '../../storage/store/look-store.ts';
import { compareText } from '../../text/compare-text.ts';
import { shortened } from '../../text/shortened.ts';

/** A check of the newest report, with the time since which it has its state. */
export interface ShownCheck extends CheckStat {
  /** The time of the first row since which no row has another state; null if these rows are deleted already. */
  readonly sinceMs: number | null;
  /** True if the check may have had its state before: only the 24 hours before the report are read. */
  readonly sinceIsOlder: boolean;
}

/** The states from the worst to the best. UNKNOWN comes after WARNING, because it changes no alert. */
const ranks: Readonly<Record<CheckStat['state'], number>> = { 2: 0, 1: 1, 3: 2, 0: 3 };

/** Sorts checks, the worst first, then by name. */
function sortChecks<Check extends Pick<CheckStat, 'state' | 'check_name'>>(checks: readonly Check[]): readonly Check[] {
  return [...checks].sort(
    (one, other) => ranks[one.state] - ranks[other.state] || compareText(one.check_name, other.check_name),
  );
}

/** Adds the time since which each check has its state. Sorts the worst check first. */
export async function withSince(
  detail: Pick<DetailStore, 'checkStatesOf' | 'checkRowAfter'>,
  client: string,
  checks: readonly CheckStat[],
  reportAtMs: number,
): Promise<readonly ShownCheck[]> {
  if (checks.length === 0) return [];
  const states = groupBy(await detail.checkStatesOf(client, reportAtMs - dayMs), ({ checkName }) => checkName);
  const shown: ShownCheck[] = [];
  for (const check of checks) {
    const { check_name: name, state } = check;
    const own = states.get(name) ?? [];
    const others = own.filter((span) => span.state !== state).map(({ lastAtMs }) => lastAtMs);
    const sinceMs =
      others.length > 0
        ? await detail.checkRowAfter(client, name, greatest(others))
        : (own.find((span) => span.state === state)?.firstAtMs ?? null);
    shown.push({ ...check, sinceMs, sinceIsOlder: others.length === 0 });
  }
  return sortChecks(shown);
}

const pageStates = ['ok', 'warning', 'critical', 'unknown'] as const;
const maxFigures = 8;
const shownChars = 300;

/** The clients of one query. */
const batch = 100;
const maxOfClient = 20;
const maxOfPage = 2000;
/** The approximate bytes of a check in a page. */
const rowBytes = 500;

/** The checks of a report, and sentences about omitted ones. */
interface FleetChecks {
  readonly checks: ReadonlyMap<string, ClientChecks>;
  /** The approximate bytes of the checks in the page. */
  readonly bytes: number;
  readonly omissions: readonly string[];
}

/** Reads the checks of clients, the worst client first, until they take an eighth of the bytes. */
export async function readFleetChecks(
  records: Pick<RecordStore, 'checksOfClients'>,
  clients: readonly string[],
  { beforeMs, pageBytes }: { readonly beforeMs: number | null; readonly pageBytes: number },
): Promise<FleetChecks> {
  const most = Math.min(maxOfPage, Math.floor(pageBytes / 8 / rowBytes));
  const checks = new Map<string, ClientChecks>();
  let rows = 0;
  for (let start = 0; start < clients.length; start += batch) {
    const names = clients.slice(start, start + batch);
    const found = await records.checksOfClients(names, beforeMs);
    for (const name of names) {
      const own = found.get(name);
      if (own === undefined) continue;
      const all = sortChecks(own.bad);
      const bad = all
        .slice(0, Math.min(maxOfClient, Math.max(0, most - rows)))
        .map((check) => pageCheck({ ...check, sinceMs: null, sinceIsOlder: false }));
      rows += Math.max(1, bad.length);
      checks.set(name, { bad, moreBad: all.length - bad.length, ok: own.ok });
    }
    if (rows > 0 && rows >= most && start + batch < clients.length) {
      return {
        checks,
        bytes: rows * rowBytes,
        omissions: ['Checks of other clients were left out to keep the file small.'],
      };
    }
  }
  return { checks, bytes: rows * rowBytes, omissions: [] };
}

/** Converts a check into a check of a page. */
export function pageCheck({
  check_name: name,
  state,
  text,
  perfdata,
  age_s: age,
  sinceMs,
  sinceIsOlder,
}: ShownCheck): PageCheck {
  const [line = ''] = text.split('\n', 1);
  const figures = writtenFigures(perfdata);
  const words = figures
    .slice(0, maxFigures)
    .map((figure) => `${figure.label} ${figure.value === null ? 'unknown' : describeFigure(figure.value, figure)}`);
  const more = figures.length - words.length;
  return {
    name,
    state: pageStates[state],
    text: shortened(line, shownChars),
    figures: more > 0 ? [...words, `and ${more} more`] : words,
    ageMs: age * secondMs,
    sinceMs,
    sinceIsOlder,
  };
}
