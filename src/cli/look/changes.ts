/** src/cli/look: `report`, `show`. */
import { stateKinds } from '../../report/state/state.ts';
import type { Client, Config } from '../../config/config.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { StoredChange, StoredPackage } from '../../storage/store/digest-store.ts';
import { byName } from '../../text/name-order.ts';
import { counted } from '../../text/numbers.ts';
import { changeWords, foldChanges } from '../../text/change-words.ts';
import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { readStored } from '../command/read-stored.ts';
import { loadSettingsToShow, selectedClients } from '../command/settings.ts';
import { parseSince } from '../command/until.ts';
import type { Output } from '../terminal/output.ts';
import { jsonTime, readerTime } from '../terminal/reader-time.ts';
import { renderTable } from '../terminal/table.ts';
import type { changesParameters } from './parameters.ts';

const maxChanges = 20_000;

/** Runs `changes`: lists what changed on clients, or the clients that have a package. */
export async function changesCommand(
  context: Context,
  options: OptionsOf<typeof changesParameters>,
): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettingsToShow(context);
  const clients = clientsOf(config, options.names);
  const kinds = kindsOf(options.kind);
  if (options.have !== null) return await printHaving(context, config, clients, options.have);
  const { all, sinceMs, nowMs } = await readStored(config.storage, signal, async (storage) => {
    const now = (await storage?.nowMs()) ?? Date.now();
    const since = parseSince('--since', options.since, config, now);
    const names = options.names.length === 0 ? null : clients.map(({ name }) => name);
    return { all: (await storage?.changes.changes(names, since, maxChanges)) ?? [], sinceMs: since, nowMs: now };
  });
  const known = new Set(clients.map(({ name }) => name));
  const shown = all.filter(({ client, kind }) => known.has(client) && (kinds === null || kinds.has(kind)));
  printAnswer(
    output,
    () => {
      const changes = inOrder(foldExactly(shown)).map(foldedJson);
      return { command: 'changes', at: jsonTime(nowMs), since: jsonTime(sinceMs), changes };
    },
    () => changesText(output, config, inOrder(foldChanges(shown)), { sinceMs, nowMs }),
  );
  return 0;
}

/** Returns the clients of names or patterns, each of clients or of groups. Throws FleetError `usage`. */
function clientsOf(config: Config, names: readonly string[]): readonly Client[] {
  if (names.length === 0) return config.clients;
  const groups = new Set(config.clients.flatMap((client) => client.groups));
  const isClient = new Set(config.clients.map(({ name }) => name));
  const chosen = new Set(
    names.flatMap((name) =>
      groups.has(name) && !isClient.has(name)
        ? selectedClients(config, { clients: [], group: name })
        : selectedClients(config, { clients: [name], group: null }),
    ),
  );
  return config.clients.filter((client) => chosen.has(client));
}

function kindsOf(text: string | null): ReadonlySet<string> | null {
  if (text === null) return null;
  const kinds = text.split(',').map((word) => word.trim());
  const wrong = kinds.find((kind) => !stateKinds.some((known) => known === kind));
  if (wrong === undefined) return new Set(kinds);
  throw usageError(`--kind ${JSON.stringify(wrong)} is no kind`, `Write some of ${stateKinds.join(',')}.`);
}

/** Equal changes of one or more clients. */
interface Folded extends Pick<StoredChange, 'kind' | 'item' | 'oldValue' | 'newValue'> {
  /** The changes by client, the newest last. */
  readonly changes: readonly StoredChange[];
}

/** Returns groups of equal changes in the order of their newest ones. */
function inOrder(groups: readonly (readonly StoredChange[])[]): readonly Folded[] {
  const latestMs = ({ changes: own }: Folded): number => own.at(-1)?.latestAtMs ?? 0;
  return groups
    .flatMap((own): Folded[] => {
      const [first] = own;
      return first === undefined ? [] : [{ ...first, changes: own }];
    })
    .sort((one, other) => latestMs(one) - latestMs(other));
}

/** Groups changes with the same values before and after. */
function foldExactly(changes: readonly StoredChange[]): readonly (readonly StoredChange[])[] {
  return [
    ...groupBy(changes, ({ kind, item, oldValue, newValue }) =>
      JSON.stringify([kind, item, oldValue, newValue]),
    ).values(),
  ];
}

function foldedJson({ kind, item, oldValue, newValue, changes }: Folded): object {
  return {
    ...{ kind, item, before: oldValue, after: newValue },
    clients: changes.map(({ client, earliestAtMs, latestAtMs }) => ({
      ...{ client, earliest_at: jsonTime(earliestAtMs), latest_at: jsonTime(latestAtMs) },
    })),
  };
}

function changesText(
  output: Output,
  config: Config,
  folded: readonly Folded[],
  { sinceMs, nowMs }: { readonly sinceMs: number; readonly nowMs: number },
): string {
  const time = readerTime(config, nowMs);
  const since = `since ${time.moment(sinceMs)}. Times are ${time.zone}.`;
  if (folded.length === 0) return `No change is known ${since}`;
  const table = renderTable(
    output,
    [
      { title: 'time', cell: ({ changes }) => time.moment(changes.at(-1)?.latestAtMs ?? 0) },
      {
        title: 'who',
        shrinks: true,
        cell: ({ changes }) =>
          whoWords(
            config,
            changes.map(({ client }) => client),
          ),
      },
      { title: 'what', shrinks: true, keepsEnd: true, cell: changeWords },
    ],
    folded,
  );
  return `${table}\n\n${counted(folded.length, 'change')} ${since}`;
}

/** Names clients: `web-1`, `web-1, web-2`, or `80 of 80 of web` by the innermost group that has them all. */
function whoWords(config: Config, named: readonly string[]): string {
  const names = [...new Set(named)].sort(byName);
  if (names.length <= 2) return names.join(', ');
  const wanted = new Set(names);
  const own = config.clients.filter(({ name }) => wanted.has(name));
  const group = own[0]?.groups.findLast((one) => own.every(({ groups }) => groups.includes(one)));
  const all = group === undefined ? config.clients : config.clients.filter(({ groups }) => groups.includes(group));
  return `${names.length} of ${all.length}${group === undefined ? '' : ` of ${group}`}`;
}

/** Prints the versions of a package, with the clients that have each. */
async function printHaving(
  { output, signal }: Context,
  { storage }: Config,
  clients: readonly Client[],
  name: string,
): Promise<ExitStatus> {
  const chosen = new Set(clients.map((client) => client.name));
  const { having, known } = await readStored(storage, signal, async (stored) => ({
    having: ((await stored?.changes.havingPackage(name)) ?? []).filter(({ client }) => chosen.has(client)),
    known: ((await stored?.changes.withPackages()) ?? []).filter((client) => chosen.has(client)),
  }));
  const versions = [...groupBy(having, ({ version, architecture }) => `${version} ${architecture}`).values()].sort(
    (one, other) => other.length - one.length,
  );
  printAnswer(
    output,
    () => ({ command: 'changes', have: name, known: known.length, versions: versions.flatMap(versionJson) }),
    () => havingText(output, name, versions, known.length),
  );
  return 0;
}

function versionJson(own: readonly StoredPackage[]): readonly object[] {
  const [first] = own;
  if (first === undefined) return [];
  const { version, architecture } = first;
  const clients = own.map(({ client, sinceMs }) => ({ client, since: jsonTime(sinceMs) }));
  return [{ version, architecture: architecture === '' ? null : architecture, clients }];
}

function havingText(
  output: Output,
  name: string,
  versions: readonly (readonly StoredPackage[])[],
  known: number,
): string {
  if (known === 0) return 'The packages of no client are known yet; docs/changes.md says when they are read.';
  const ofAll = `of ${counted(known, 'client')} whose packages are known`;
  if (versions.length === 0) return `None ${ofAll} has ${name}.`;
  const table = renderTable(
    output,
    [
      { title: 'version', cell: ([first]) => first?.version ?? '' },
      { title: 'architecture', drops: 1, cell: ([first]) => first?.architecture ?? '' },
      { title: 'clients', align: 'right', cell: ({ length }) => String(length) },
      {
        title: 'names',
        shrinks: true,
        cell: (own) =>
          own
            .map(({ client }) => client)
            .sort(byName)
            .join(', '),
      },
    ],
    versions,
  );
  const count = new Set(versions.flat().map(({ client }) => client)).size;
  return `${table}\n\n${count} ${ofAll} ${count === 1 ? 'has' : 'have'} ${name}.`;
}
