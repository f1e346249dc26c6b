import { readSiteKey } from '../../collector/forward/site-key.ts';
import { type ListedKey, listKeys } from '../../collector/keys/key-ring.ts';
import type { Config, Finding, ForwardConfig } from '../../config/config.ts';
import { describeDefaults, describeWrittenRules } from '../../config/describe-defaults.ts';
import { findConfig } from '../../config/find-config.ts';
import { ConfigError, formatFinding } from '../../config/xml/findings.ts';
import type { ConfigTree } from '../../config/xml/include.ts';
import { passwordWarnings } from '../../config/clients/check-passwords.ts';
import { messageOf } from '../../platform/errors/errors.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { keyIdOf } from '../../report/seal/sealed-message.ts';
import { type StatePaths, statePaths } from '../../state-folder/paths.ts';
import { counted } from '../../text/numbers.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { restrictedCheckWarnings } from './client-checks.ts';
import { byOpensshLines, failedLines, trialsLine } from './failed-trials.ts';
import { foreignKeys } from './foreign-keys.ts';
import { findIdleRules, findUnknownRules, idleWords, unknownRuleJson } from './idle-rules.ts';
import type { IdleRule, UnknownRule } from './idle-rules.ts';
import { readerTime } from '../terminal/reader-time.ts';
import { leftDatabase } from '../command/left-database.ts';
import { readStored } from '../command/read-stored.ts';
import { loadSettings } from '../command/settings.ts';
import { progressOf } from '../terminal/progress.ts';
import { renderTable } from '../terminal/table.ts';
import type { checkParameters } from './parameters.ts';
import type { Trial } from './try-connections.ts';
import { unvisitedSites } from './unvisited-sites.ts';
import { tryMail, tryReplies, tryWebhook } from './try-messages.ts';
import {
  foreseenLooks,
  type ForeseenLooks,
  groupLines,
  neighbourLines,
  printDigests,
  printRecipients,
  printParents,
  printRules,
  writtenParents,
} from './print-recipients.ts';
import {
  alertRecipients,
  type AlertRecipient,
  groupMembers,
  type GroupMembers,
  nextDigests,
  nextWindows,
} from './alert-recipients.ts';

/** Runs `check`: prints every fault of config.xml at once, or the settings and recipients in force. */
export async function checkCommand(context: Context, options: OptionsOf<typeof checkParameters>): Promise<ExitStatus> {
  const { output } = context;
  const file = findConfig(context.configFile ?? undefined);
  const trees: ConfigTree[] = [];
  let config: Config;
  try {
    config = loadSettings({ configFile: file }, (tree) => void trees.push(tree));
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    printFaults(context, file, thrown.findings);
    return 2;
  }
  const { recipients, warnings } = alertRecipients(config);
  // Nothing is evaluated at a site that forwards.
  const unheard = config.collector.forward === null ? warnings : [];
  const { mail, webhook, replies } = options;
  const connected = options.connect ? await tryAll(context, config) : await tryOfSite(context, config);
  const told = options.connect ? (connected?.trials ?? []) : null;
  const warned = [...config.warnings, ...unheard, ...(await warningsOf(context, config, { trees, told }))];
  const sent = [
    ...(mail === null ? [] : [await tryMail(context, config, mail === true ? null : mail)]),
    ...(webhook === null ? [] : [await tryWebhook(context, config, webhook)]),
    ...(replies ? [await tryReplies(context, config)] : []),
  ];
  const tried =
    connected === null && sent.length === 0
      ? null
      : { ...(connected ?? untried), trials: [...(connected?.trials ?? []), ...sent] };
  context.signal.throwIfAborted();
  const nowMs = Date.now();
  const groups = await groupMembers(config, context.signal);
  const neighbours = foreseenLooks(config);
  const heard = {
    recipients,
    windows: nextWindows(config, nowMs),
    digests: nextDigests(config, nowMs),
    groups,
    neighbours,
  };
  if (output.json) output.printJson({ ...checkJson(file, config, warned, tried), ...heard });
  else {
    const heardBy = { recipients, groups, neighbours };
    showVerdict(context, { config, warnings: warned, tried, ...heardBy, defaults: options.defaults });
  }
  return exitStatusOf(tried);
}

/**
 * Warns of files, passwords, routes, checks, crontabs, sites and the push endpoint. Logs in to no client. Omits the
 * facts that the trials of `--connect` have told, if there are any.
 */
async function warningsOf(
  { signal }: Context,
  config: Config,
  { trees, told }: { readonly trees: readonly ConfigTree[]; readonly told: readonly Trial[] | null },
): Promise<readonly Finding[]> {
  const isTold = (file: string): boolean => told?.some(({ fault }) => fault?.message.includes(file)) === true;
  const { routeWarnings } = await import('./check-routes.ts');
  const { namedFileWarnings, webhookWarnings } = await import('./named-files.ts');
  const { starterWarnings } = await import('./starters.ts');
  const { neverReportedWarnings } = await import('./never-reported.ts');
  const { pushEndpointWarnings } = await import('./push-endpoint.ts');
  return [
    ...trees.flatMap((tree) => namedFileWarnings(tree, isTold)),
    ...webhookWarnings(config),
    ...passwordWarnings(config.clients),
    ...routeWarnings(config, told !== null),
    ...restrictedCheckWarnings(config),
    ...(await starterWarnings(config, signal)),
    ...(await neverReportedWarnings(config, signal)),
    ...(await pushEndpointWarnings(config, signal)),
  ];
}

function printFaults({ output }: Context, file: string, faults: readonly Finding[]): void {
  if (output.json) {
    const none = { clients: null, warnings: [], defaults: [], rules: [] };
    output.printJson({ command: 'check', file, valid: false, faults, ...none });
    return;
  }
  for (const fault of faults) output.print(`${output.colour('red', 'fault')}: ${formatFinding(fault)}`);
  output.print(`\n${file} has ${counted(faults.length, 'fault')}.`);
}

/** The results of --connect, --mail, --webhook and --replies. */
interface Tried {
  readonly trials: readonly Trial[];
  readonly idleRules: readonly IdleRule[];
  readonly unknownRules: readonly UnknownRule[];
  /** The sentences of foreignKeys, unvisitedSites, leftDatabase and siteNotes. */
  readonly more: readonly string[];
}

const untried: Tried = { trials: [], idleRules: [], unknownRules: [], more: [] };

/** Tries the link of a site that forwards, which is the site's only storage. Returns null for any other collector. */
async function tryOfSite({ signal }: Context, config: Config): Promise<Tried | null> {
  if (config.collector.forward === null) return null;
  const { tryLink } = await import('./try-connections.ts');
  return { ...untried, trials: [await tryLink(config, signal)] };
}

async function tryAll({ output, signal }: Context, config: Config): Promise<Tried> {
  const { tryConnections } = await import('./try-connections.ts');
  const progress = (await progressOf(output))('logging in', config.clients.length);
  const trials = await tryConnections(config, signal, () => progress.step());
  progress.end();
  const { forward } = config.collector;
  if (forward !== null) {
    const { siteNotes } = await import('./site-notes.ts');
    return { ...untried, trials, more: await siteNotes(config, forward, signal) };
  }
  // A collector that stores reports sealed may have no right to read the opened rows.
  const hasDatabase = config.collector.open && trials.some(({ kind, fault }) => kind === 'database' && fault === null);
  if (!hasDatabase) return { ...untried, trials };
  return readStored(config.storage, signal, async (storage) => {
    const left = leftDatabase(config, (await storage?.history.lastRun('collect')) ?? null);
    if (storage === null) return { ...untried, trials, more: left === null ? [] : [left] };
    const { history, shares } = storage;
    return {
      trials,
      idleRules: await findIdleRules(config.clients, history),
      unknownRules: await findUnknownRules(config, history),
      more: [await foreignKeys(config, shares), ...(await unvisitedSites(config, shares)), left].filter(
        (text) => text !== null,
      ),
    };
  });
}

interface Verdict {
  readonly config: Config;
  readonly warnings: readonly Finding[];
  readonly tried: Tried | null;
  readonly recipients: readonly AlertRecipient[];
  readonly groups: readonly GroupMembers[];
  readonly neighbours: ForeseenLooks | null;
  readonly defaults: boolean;
}

function showVerdict({ output }: Context, { config, warnings, tried, recipients, groups, ...more }: Verdict): void {
  const { neighbours, defaults } = more;
  if (defaults) {
    output.print('In force by default:\n');
    const table = renderTable(
      output,
      [
        { title: 'element', cell: ({ where }) => where },
        { title: 'what', cell: ({ name }) => name },
        { title: 'value', shrinks: true, cell: ({ value }) => value },
      ],
      describeDefaults(config),
    );
    output.print(table);
    output.print('');
  }
  if (output.verbosity !== 'quiet') {
    printRules(output, describeWrittenRules(config));
    printRecipients(output, config, recipients, nextWindows(config, Date.now()));
    printDigests(output, config);
    printParents(output, config);
    for (const line of [...groupLines(config, groups), ...neighbourLines(neighbours)]) output.print(line);
  }
  for (const warning of warnings) output.print(`${output.colour('yellow', 'warning')}: ${formatFinding(warning)}`);
  if (warnings.length > 0 || tried !== null) output.print('');
  if (tried !== null) printTried({ output }, config, tried);
  if (!config.collector.open) output.print(sealingText(config));
  const warned = warnings.length === 0 ? '' : `, ${counted(warnings.length, 'warning')}`;
  output.print(`${config.file} is valid: ${counted(config.clients.length, 'client')}${warned}.`);
}

function printTried({ output }: Pick<Context, 'output'>, config: Config, tried: Tried): void {
  const { trials, idleRules, unknownRules } = tried;
  const idle = idleWords(idleRules, unknownRules, readerTime(config, Date.now()));
  for (const text of [...idle, ...notesOf(tried), ...byOpensshLines(trials)]) {
    output.print(`${output.colour('yellow', 'warning')}: ${escapeControls(text)}`);
  }
  for (const text of failedLines(trials)) output.print(`${output.colour('red', 'failed')}: ${escapeControls(text)}`);
  for (const text of greetingLines(trials)) output.print(text);
  output.print(trialsLine(trials));
}

/** Returns a line with the name by which the mail server is greeted; none if it was not tried. */
function greetingLines(trials: readonly Trial[]): readonly string[] {
  const [greeting] = trials.flatMap((trial) => trial.greeting ?? []);
  if (greeting === undefined) return [];
  const { name, source } = greeting;
  const own = 'the address of the connection; better write helo="..." into <smtp>';
  return [`The mail server is greeted as ${name === null ? `${own} (${source})` : `${name} (${source})`}.`];
}

function notesOf({ trials, more }: Tried): readonly string[] {
  return [...more, ...trials.flatMap(({ notes = [] }) => notes)];
}

/** Returns 3 if the state folder or the database could not be used, 1 if another trial failed, else 0. */
function exitStatusOf(tried: Tried | null): ExitStatus {
  const failed = (tried?.trials ?? []).filter(({ fault }) => fault !== null);
  if (failed.some(({ kind }) => kind === 'state' || kind === 'database')) return 3;
  return failed.length === 0 ? 0 : 1;
}

function checkJson(file: string, config: Config, warnings: readonly Finding[], tried: Tried | null): object {
  const connections = tried?.trials.map(({ what, kind, fault, greeting }) => ({
    what,
    kind,
    ok: fault === null,
    code: fault?.code ?? null,
    message: fault?.message ?? null,
    advice: fault?.advice ?? null,
    ...(greeting === undefined ? {} : { greeting: greeting.name }),
  }));
  return {
    command: 'check',
    file,
    valid: true,
    clients: config.clients.length,
    faults: [],
    warnings,
    defaults: describeDefaults(config),
    rules: describeWrittenRules(config),
    parents: writtenParents(config),
    sealing: sealingJson(config),
    ...(tried === null
      ? {}
      : {
          connections,
          idle_rules: tried.idleRules,
          unknown_rules: tried.unknownRules.map(unknownRuleJson),
          notes: notesOf(tried),
        }),
  };
}

/** Describes the key to which a collector that opens no reports seals them. Other machines need no key. */
function sealingText({ stateDir, collector: { forward } }: Config): string {
  const paths = statePaths(stateDir);
  try {
    if (forward !== null)
      return `collect forwards reports sealed, to key ${keyOfSite(forward)}; nothing can be read here.`;
    const key = sealingKey(paths);
    if (key === undefined) {
      return (
        `collect stores reports sealed, and ${paths.publicKeys} holds no public key: ` +
        'on the collector run fleet-health keys import-public FILE.'
      );
    }
    const where = `fleet-health ingest opens them ${key.opens ? 'here' : 'where its private half is'}`;
    return `collect stores reports sealed, to key ${key.id} (${key.file}); ${where}.`;
  } catch (thrown) {
    return escapeControls(messageOf(thrown));
  }
}

/** Returns the key of sealingText as JSON; null if `collect` opens reports itself. */
function sealingJson({ stateDir, collector }: Config): unknown {
  const { open, forward } = collector;
  if (open) return null;
  try {
    if (forward !== null) return { key: keyOfSite(forward), file: forward.keyFile, opens: false };
    const key = sealingKey(statePaths(stateDir));
    return key === undefined ? { key: null } : { key: key.id, file: key.file, opens: key.opens };
  } catch {
    return { key: null };
  }
}

const keyOfSite = ({ keyFile }: ForwardConfig): string => keyIdOf(readSiteKey(keyFile).publicKey);

function sealingKey(paths: StatePaths): ListedKey | undefined {
  return listKeys(paths, false).find(({ seals }) => seals);
}
