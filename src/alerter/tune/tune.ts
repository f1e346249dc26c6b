import { append } from '../../platform/group-by.ts';
import type { Config } from '../../config/config.ts';
import { loadConfig } from '../../config/load-config.ts';
import { openElements, withEdits } from '../../config/rules/rule-edit.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import type { ConfigTree } from '../../config/xml/include.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { turn } from '../../platform/deadline.ts';
import { dayMs } from '../../platform/units.ts';
import { hasLimit, propose, ruleAfter, type TuneLine } from './propose.ts';
import { readFacts, type ReadFacts, type ReadFactsOptions, type TuneStorage } from './read-facts.ts';
import { type Verified, verify } from './verify.ts';

export interface TuneOptions extends Omit<ReadFactsOptions, 'elements'> {
  readonly tree: ConfigTree;
  /** The longest time of the replay; null: there is none. */
  readonly replayMs: number | null;
  /** Reports the completed share of the replay, from 0 to 1. */
  readonly observe: (share: number) => void;
}

export interface TuneResult extends Pick<ReadFacts, 'nightMails' | 'noiseMails' | 'recipients'> {
  readonly mails: number;
  /** The mails that no line counts: today's configuration would not send them. */
  readonly otherMails: number;
  /** The rule with the most mails first. A mail about several rules counts on the line of each. */
  readonly lines: readonly TuneLine[];
  /** The names of the clients of config.xml that are not retired. */
  readonly clients: readonly string[];
  /** The worst values of rules with a limit for which nothing is proposed. */
  readonly values: ReadonlyMap<TuneLine, Values>;
  /** null without a replay, and if nothing is proposed. */
  readonly verified: Verified | null;
  /** True if the replay did not end in time. */
  readonly isLate: boolean;
}

/** The median of values, and the value that 95 % of them do not exceed. */
export interface Values {
  readonly median: number;
  readonly most: number;
}

/** The longest time between the rows of a replay and the first alert that it still verifies. */
const slackMs = dayMs;

/** True if the replay covers all alerts of a line. */
export function isVerified({ verified }: TuneResult, { proposal, told }: TuneLine): boolean {
  return verified !== null && proposal !== null && (told[0]?.pendingSinceMs ?? 0) >= verified.sinceMs - slackMs;
}

/** Returns the mails that an edit leaves: those of the replay, or of the prediction where there is none. */
export function mailsLeft(result: TuneResult, line: TuneLine): number | null {
  const replayed = isVerified(result, line) ? result.verified?.mailsOf(line) : undefined;
  return replayed ?? line.proposal?.mailsLeft ?? null;
}

/** Proposes edits of rules that would have quieted noise, and counts by a replay what they leave. */
export async function tune({ tree, replayMs, observe, ...options }: TuneOptions): Promise<TuneResult> {
  const { config, storage, signal } = options;
  const read = await readFacts({ ...options, elements: openElements(tree, config.clients) });
  const proposed: TuneLine[] = [];
  for (const unit of read.units) {
    await turn(signal);
    append(proposed, propose(read.facts, unit));
  }
  const { lines, edited } = loadable(config, tree, proposed);
  const { nightMails, noiseMails, recipients, mails } = read;
  const counted = new Set(lines.flatMap(({ told }) => told.map(({ id }) => id)));
  const result = {
    ...{ nightMails, noiseMails, recipients, mails: mails.size },
    otherMails: [...mails.values()].filter((own) => !own.some(({ alertId }) => counted.has(alertId))).length,
    clients: config.clients.flatMap(({ name, state }) => (state === 'retired' ? [] : [name])),
    lines: [...lines].sort((one, other) => other.mails - one.mails),
    values: await valuesOf(storage, lines),
  };
  if (replayMs === null) return { ...result, verified: null, isLate: false };
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(replayMs)]);
    const verified = await verify({ edited, storage, read, lines, signal: within, observe });
    return { ...result, verified, isLate: false };
  } catch (thrown) {
    if (!(thrown instanceof DOMException) || thrown.name !== 'TimeoutError') throw thrown;
    return { ...result, verified: null, isLate: true };
  }
}

/** The newest alerts of a rule whose values are read. */
const mostValues = 1000;

async function valuesOf(
  { alertHistory }: TuneStorage,
  lines: readonly TuneLine[],
): Promise<ReadonlyMap<TuneLine, Values>> {
  const values = new Map<TuneLine, Values>();
  for (const line of lines.filter(({ proposal, rule }) => proposal === null && hasLimit(rule))) {
    const found = await alertHistory.worstValues(line.told.slice(-mostValues).map(({ id }) => id));
    const sorted = [...found].sort((one, other) => one - other);
    const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? NaN;
    if (sorted.length > 0) values.set(line, { median: at(0.5), most: at(0.95) });
  }
  return values;
}

/** Returns the configuration with all edits, and the lines without edits that it cannot have. */
function loadable(
  config: Config,
  tree: ConfigTree,
  lines: readonly TuneLine[],
): { readonly lines: readonly TuneLine[]; readonly edited: Config } {
  const together = edit(config, tree, lines);
  if (together !== null) return { lines, edited: together };
  const kept = lines.map((line): TuneLine =>
    line.proposal === null || edit(config, tree, [line]) !== null
      ? line
      : { ...line, proposal: null, why: { kind: 'unwritten' } },
  );
  const edited = edit(config, tree, kept);
  if (edited !== null) return { lines: kept, edited };
  return {
    lines: kept.map((line) => ({ ...line, proposal: null, why: line.why ?? { kind: 'unwritten' } })),
    edited: config,
  };
}

/** Returns the configuration with the edits of these lines; null if it has faults, or an edit does not take effect. */
function edit(config: Config, tree: ConfigTree, lines: readonly TuneLine[]): Config | null {
  const edits = lines.flatMap(({ proposal }) => proposal?.edit ?? []);
  if (edits.length === 0) return config;
  try {
    const edited = loadConfig({ file: config.file, tree: withEdits(tree, edits), checkPermissions: false });
    const clients = new Map(edited.clients.map(({ name, rules }) => [name, rules]));
    const isMade = (line: TuneLine): boolean =>
      line.clients.every((client) => {
        const rule = findRule(clients.get(client) ?? [], ruleAfter(line));
        const { for: span, severity } = line.proposal?.edit.attributes ?? {};
        return rule !== null && (severity === undefined ? `${rule.forCount}x` === span : rule.severity === severity);
      });
    return lines.every((line) => line.proposal === null || isMade(line)) ? edited : null;
  } catch (thrown) {
    if (thrown instanceof FleetError) return null;
    throw thrown;
  }
}
