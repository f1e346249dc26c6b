import { wordsOfRules } from '../../config/rules/rule-matcher.ts';
import { didYouMean, nearest } from '../../config/values/nearest.ts';
import { alertLabel } from '../../about/alert-label.ts';
import { type HeldBack, readHeldBack } from '../../alerter/inhibit/held-back.ts';
import { groupPattern, labelPattern, silenceMatcher, silencePattern } from '../../alerter/inhibit/silences.ts';
import { selectClients } from '../../config/clients/select-clients.ts';
import type { Client, Config } from '../../config/config.ts';
import { globMatcher, isGlob, splitGlobs } from '../../config/values/globs.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { type Silence, literalMark, maxPatternChars } from '../../storage/store/operator-store.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { EvaluationStore } from '../../storage/store/evaluation-store.ts';
import { describeAge } from '../../text/durations.ts';
import { counted } from '../../text/numbers.ts';
import { alertIdJson, whoseText, heldBackJson, heldBackText, sentenceCase } from '../command/alert-words.ts';
import { printAnswer, printDone } from '../command/answer.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { authorName } from './author.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { changeStored, readStored } from '../command/read-stored.ts';
import { loadSettings } from '../command/settings.ts';
import { checkComment, checkLength, parseSpanAhead } from '../command/until.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import type { Output } from '../terminal/output.ts';
import { readerTime, type ReaderTime } from '../terminal/reader-time.ts';
import { renderTable } from '../terminal/table.ts';
import type { silenceAddParameters } from './parameters.ts';

/** The patterns of a silence, as in config.xml; null matches everything. */
type SilenceAddOptions = OptionsOf<typeof silenceAddParameters>;

/** Runs `silence add`: mutes the alerts that match the patterns until the given time. */
export async function silenceAddCommand(context: Context, options: SilenceAddOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const { patterns, clients } = whatIsSilent(config, options);
  const comment = checkComment(options.comment ?? '');
  const { silence, held, nowMs } = await changeStored(config, signal, async (storage) => {
    const now = await storage.nowMs();
    const { startsAtMs, endsAtMs } = parseSpanAhead(options, config, now);
    if (endsAtMs === null) throw usageError('nothing says until when', 'Give --for 2h, or --until 18:00.');
    const added = { ...patterns, startsAtMs, endsAtMs, author: authorName(), comment };
    const id = await storage.operator.addSilence(added);
    return { silence: { ...added, id }, held: await heldBy(config, storage.evaluation, patterns), nowMs: now };
  });
  const odd = oddPatterns({ ...config, clients }, { ...patterns, client: options.client ?? '*' });
  const covered = options.client === null ? clients : clients.filter(({ name }) => globMatcher(patterns.client)(name));
  const clientCount = covered.length;
  const coversFleet = silencePattern(patterns.client)('');
  if (!output.json) {
    for (const warning of odd) output.complain(`${output.colour('yellow', 'warning')}: ${escapeControls(warning)}`);
  }
  return printDone(
    output,
    () => {
      const counts = { clients: clientCount, open_alerts: held.length, alerts: held.map(alertIdJson) };
      return { command: 'silence add', silence: silenceJson(silence), ...counts, warnings: odd };
    },
    () => addedText(config, silence, { clients: clientCount, coversFleet, held, nowMs }),
  );
}

/** Returns the patterns, and the clients of the group or with the labels, else all. Throws FleetError `usage`. */
function whatIsSilent(
  config: Config,
  { client, group, label, rule, subject }: SilenceAddOptions,
): { readonly patterns: SilencePatternsOfAll; readonly clients: readonly Client[] } {
  if (client === null && group === null && label === null && rule === null && subject === null) {
    throw usageError(
      'nothing says what is to be silent',
      "Give --client, --group, --label, --rule or --subject; --client '*' is everything.",
    );
  }
  if ([client, group, label].filter((one) => one !== null).length > 1)
    throw usageError('--client, --group and --label contradict each other', 'Give one of them.');
  const who = group !== null ? groupPattern(group) : label !== null ? labelPattern(label) : (client ?? '*');
  return {
    patterns: {
      client: checkLength('--client', who, maxPatternChars),
      rule: checkLength('--rule', rule ?? '*', maxPatternChars),
      subject: checkLength('--subject', subject ?? '*', maxPatternChars),
    },
    clients: selectClients(config, { names: [], groups: group === null ? [] : [group], labels: label }),
  };
}

async function heldBy(
  config: Config,
  store: Pick<EvaluationStore, 'openAlerts'>,
  patterns: SilencePatternsOfAll,
): Promise<readonly Alert[]> {
  const open = await store.openAlerts(null);
  return open.filter(silenceMatcher(patterns, config)).filter(({ state }) => state === 'firing');
}

/** The most held alerts that are printed. */
const maxHeld = 20;

function heldText(alert: Alert): string {
  const { id, severity, valueText } = alert;
  const what = [whoseText(alert), ...alertLabel(alert)].join(' ');
  return escapeControls(`  ${id ?? ''} ${severity} ${what}: ${valueText}`);
}

type SilencePatternsOfAll = Pick<Silence, 'client' | 'rule' | 'subject'>;

interface Covered {
  readonly clients: number;
  /** True if alerts of the fleet as a whole are muted too. */
  readonly coversFleet: boolean;
  readonly held: readonly Alert[];
  readonly nowMs: number;
}

function addedText(config: Config, silence: Silence, { clients, coversFleet, held, nowMs }: Covered): string {
  const { zone, momentAndWait } = readerTime(config, nowMs);
  const subject = silence.subject === '*' ? '' : `, subject ${silence.subject}`;
  const what = escapeControls(`client ${silence.client}, rule ${silence.rule}${subject}`);
  const ofClients = silence.client === '' ? '' : `${counted(clients, 'client')} of config.xml`;
  const count = [ofClients, coversFleet ? 'the fleet as a whole' : ''].filter(Boolean).join(' and ');
  const isLater = silence.startsAtMs > nowMs;
  const begin = isLater ? `from ${momentAndWait(silence.startsAtMs)} ` : '';
  const when = isLater ? 'then' : 'from now on';
  const open =
    held.length === 0 ? '' : ` ${held.length} open ${held.length === 1 ? 'alert is' : 'alerts are'} held back ${when}.`;
  const rest = held.length > maxHeld ? [`  and ${held.length - maxHeld} more`] : [];
  const lines = [...held.slice(0, maxHeld).map(heldText), ...rest].map((line) => `\n${line}`).join('');
  return `Silence ${silence.id}: ${what}, ${begin}until ${momentAndWait(silence.endsAtMs)}, ${zone}.
It covers ${count}.${open} To end it: fleet-health silence expire ${silence.id}${lines}`;
}

/** Runs `silence list`: lists the silences that have not ended, and the windows that mute alerts. */
export async function silenceListCommand(context: Context): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const { silences, held, nowMs } = await readStored(config.storage, signal, async (storage) => {
    if (storage === null) return { silences: [], held: [], nowMs: Date.now() };
    const now = await storage.nowMs();
    return {
      silences: await storage.operator.silences(now),
      held: await readHeldBack({ config, storage, nowMs: now }),
      nowMs: now,
    };
  });
  const time = readerTime(config, nowMs);
  const heldByWindows = held.filter(({ silence }) => silence === null);
  const windows = heldBackText(heldByWindows, time);
  return printAnswer(
    output,
    () => ({
      command: 'silence list',
      silences: silences.map((one) => ({ ...silenceJson(one), open_alerts: alertsUnder(held, one) })),
      windows: heldBackJson(heldByWindows),
    }),
    () =>
      [
        silences.length === 0 ? 'No silence is in force.' : silenceTable(output, silences, held, { time, nowMs }),
        ...(windows === '' ? [] : [`${sentenceCase(windows)}.`]),
        ...(silences.length + windows.length === 0 ? [] : [`Times are ${time.zone}.`]),
      ].join('\n'),
  );
}

function alertsUnder(held: readonly HeldBack[], { id }: Silence): number {
  return held.find(({ silence }) => silence === id)?.alerts ?? 0;
}

function silenceTable(
  output: Output,
  silences: readonly Silence[],
  held: readonly HeldBack[],
  { time, nowMs }: { readonly time: ReaderTime; readonly nowMs: number },
): string {
  return renderTable(
    output,
    [
      { title: 'id', align: 'right', cell: ({ id }) => String(id) },
      { title: 'client', shrinks: true, keepsEnd: true, cell: ({ client }) => client },
      { title: 'rule', shrinks: true, cell: ({ rule }) => rule },
      { title: 'subject', shrinks: true, cell: ({ subject }) => subject },
      { title: 'until', cell: ({ endsAtMs }) => time.moment(endsAtMs) },
      { title: 'left', align: 'right', cell: ({ endsAtMs }) => describeAge(endsAtMs - nowMs) },
      { title: 'holds', align: 'right', cell: (one) => String(alertsUnder(held, one)) },
      { title: 'by', cell: ({ author }) => author },
    ],
    silences,
    ({ startsAtMs, comment }) => [
      ...(startsAtMs > nowMs ? [`begins ${time.momentAndWait(startsAtMs)}`] : []),
      ...(comment === '' ? [] : [comment]),
    ],
  );
}

/** Runs `silence expire`: ends a silence now. */
export async function silenceExpireCommand(context: Context, id: number): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const others = await changeStored(config, signal, async (storage) => {
    const nowMs = await storage.nowMs();
    return (await storage.operator.expireSilence(id, nowMs)) ? null : await storage.operator.silences(nowMs);
  });
  if (others !== null) {
    const ids = others.map((silence) => silence.id).join(', ');
    throw usageError(`there is no silence ${id} in force`, others.length === 0 ? 'None is.' : `These are: ${ids}.`);
  }
  return printDone(
    output,
    () => ({ command: 'silence expire', id }),
    () => `Silence ${id} has ended. What still holds is mailed once the client's next row confirms it.`,
  );
}

function silenceJson({ id, client, rule, subject, startsAtMs, endsAtMs, author, comment }: Silence): object {
  return jsonFields({ id, client, rule, subject, startsAtMs, endsAtMs, author, comment });
}

interface SilencePatterns {
  readonly client: string;
  readonly rule: string;
}

/**
 * Warns of patterns of a silence that match no client or no rule of config.xml, with the nearest name that exists.
 * Warns of rules that none of the clients has. Warnings are no errors: config.xml may get such names later.
 */
function oddPatterns(
  config: Pick<Config, 'clients' | 'alerts' | 'needs'>,
  patterns: SilencePatterns,
): readonly string[] {
  const clientNames = config.clients.map(({ name }) => name);
  const ruleNames = ruleNamesOf(config, () => true);
  const odd = [
    ...unmatched(patterns.client, clientNames).map(
      (part) => `no client of config.xml matches "${part}"${hint(part, clientNames)}`,
    ),
    ...unmatched(patterns.rule, ruleNames).map(
      (part) => `no rule of config.xml is called "${part}"${hint(part, ruleNames)}`,
    ),
  ];
  if (odd.length > 0) return odd;
  const [isClient, isRule] = [silencePattern(patterns.client), silencePattern(patterns.rule)];
  const there = ruleNamesOf(config, (name) => name === patterns.client || isClient(name));
  if (there.includes(patterns.rule) || there.some(isRule)) return [];
  return [`none of these clients has a rule that matches "${patterns.rule}"`];
}

/** Returns names and types of the rules of the wanted clients and of groups, and of the fleet's if '' is wanted. */
function ruleNamesOf(
  { clients, alerts, needs }: Pick<Config, 'clients' | 'alerts' | 'needs'>,
  wanted: (name: string) => boolean,
) {
  const lists = new Set(clients.filter(({ name }) => wanted(name)).map(({ rules }) => rules));
  if (wanted('')) lists.add(alerts.rules);
  return wordsOfRules([...[...lists].flat(), ...needs.flatMap(({ rule }) => rule ?? [])]);
}

/** Returns the parts of a pattern that match no name. Skips parts that exclude: without a match they do no harm. */
function unmatched(pattern: string, names: readonly string[]): readonly string[] {
  if (names.includes(pattern)) return [];
  if (pattern.startsWith(literalMark)) return names.some(silencePattern(pattern)) ? [] : [pattern];
  return splitGlobs(pattern).filter((part) => !part.startsWith('!') && !names.some(globMatcher(part)));
}

function hint(part: string, names: readonly string[]): string {
  if (!isGlob(part)) {
    const longer = names.filter((name) => name.startsWith(`${part} `) || name.startsWith(`${part}-`));
    return longer.length > 0 ? `; did you mean "${part}*"?` : didYouMean(part, names);
  }
  // A misspelt pattern is compared with the names by its text before the first wildcard.
  const stem = /^[^*?[{\\]*/.exec(part)?.[0] ?? '';
  const stems = new Set(names.map((name) => name.slice(0, stem.length)));
  const near = stem === '' ? null : nearest(stem, stems);
  const better = near === null ? null : near + part.slice(stem.length);
  return better === null || !names.some(globMatcher(better)) ? '' : `; did you mean "${better}"?`;
}
