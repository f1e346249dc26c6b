/** src/cli/alerts: `alert` and its replay, `alerts`, `explain`, `ack`, `silence`, `mail`, `forget`. */
import { alertLabel } from '../../about/alert-label.ts';
import type { Config } from '../../config/config.ts';
import { isRuleType, ruleFinder, ruleMatcher } from '../../config/rules/rule-matcher.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { AlertHistory } from '../../storage/store/alert-history.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { alertIdJson, whoseText } from '../command/alert-words.ts';
import { printDone } from '../command/answer.ts';
import { authorName } from './author.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { changeStored } from '../command/read-stored.ts';
import { loadSettings } from '../command/settings.ts';
import { checkComment, parseSpanAhead, type SpanOptions } from '../command/until.ts';
import { jsonTime, readerTime } from '../terminal/reader-time.ts';
import { clientFilter, clientNames } from './client-filter.ts';

/** The alerts that a command line names. */
interface AckTarget {
  /**
   * Numbers and ranges of alerts (`12 15-19`), or a name or pattern of clients and, if wanted, of rules. Empty only
   * with `all`.
   */
  readonly names: readonly string[];
  /** True: every firing alert of the fleet. */
  readonly all: boolean;
}

interface AckCommandOptions extends AckTarget, Omit<SpanOptions, 'from'> {
  readonly comment: string | null;
}

/** Runs `ack`: stops the reminders of these alerts. The exit status is 1 if none of the named alerts is open. */
export async function ackCommand(context: Context, options: AckCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  checkTarget(options, 'acknowledge');
  const config = loadSettings(context);
  const comment = options.comment === null ? null : checkComment(options.comment);
  const by = authorName();
  const { chosen, untilMs, nowMs } = await changeStored(config, signal, async (storage) => {
    const now = await storage.nowMs();
    const { endsAtMs } = parseSpanAhead({ ...options, from: null }, config, now);
    const chosen = await choose(storage, config, options);
    const ids = chosen.flatMap(({ id }) => id ?? []);
    if (ids.length > 0) await storage.operator.acknowledge(ids, by, endsAtMs, comment);
    return { chosen, untilMs: endsAtMs, nowMs: now };
  });
  const { momentAndWait, zone } = readerTime(config, nowMs);
  const end = untilMs === null ? 'it ends' : `${momentAndWait(untilMs)}, ${zone}`;
  printDone(
    output,
    () => ({ command: 'ack', by, until: jsonTime(untilMs), comment, alerts: chosen.map(alertIdJson) }),
    () =>
      chosen.length === 0
        ? escapeControls(nothingOpen(options))
        : `${chosenLines('acknowledged', chosen)}
No reminders by ${escapeControls(by)}'s word until ${end}, or until it gets worse.`,
  );
  return chosen.length === 0 && !options.all ? 1 : 0;
}

/** Runs `unack`: resumes the reminders of these alerts. The exit status is 1 if no named alert is acknowledged. */
export async function unackCommand(context: Context, target: AckTarget): Promise<ExitStatus> {
  const { output, signal } = context;
  checkTarget(target, 'take back');
  const config = loadSettings(context);
  const chosen = await changeStored(config, signal, async (storage) => {
    const acknowledged = (await choose(storage, config, target)).filter(
      ({ acknowledgedBy }) => acknowledgedBy !== null,
    );
    await storage.operator.unacknowledge(acknowledged.flatMap(({ id }) => id ?? []));
    return acknowledged;
  });
  printDone(
    output,
    () => ({ command: 'unack', alerts: chosen.map(alertIdJson) }),
    () =>
      chosen.length === 0
        ? 'Nothing of that is acknowledged.'
        : `${chosenLines('no longer acknowledged', chosen)}\nReminders come again, as \`repeat\` says.`,
  );
  return chosen.length === 0 && !target.all ? 1 : 0;
}

const numbers = /^(\d{1,15})(?:-(\d{1,15}))?$/;

function checkTarget({ names, all }: AckTarget, what: string): void {
  const advice = 'Give numbers of alerts, a client and a rule, or --all; fleet-health alerts lists them.';
  if (all === names.length > 0) {
    throw usageError(all ? '--all and a name contradict each other' : `nothing says what to ${what}`, advice);
  }
  const more = names.slice(2).find(() => !areNumbers(names));
  if (more !== undefined) throw usageError(`"${more}" is one name too many`, advice);
}

function areNumbers(names: readonly string[]): boolean {
  return names.length > 0 && names.every((name) => numbers.test(name));
}

function chosenLines(what: string, chosen: readonly Alert[]): string {
  const lines = chosen.map((alert) => {
    const { id, severity } = alert;
    return escapeControls(`${what} ${id ?? ''}: ${whoseText(alert)}, ${alertLabel(alert).join(' ')} (${severity})`);
  });
  return lines.join('\n');
}

function nothingOpen({ names, all }: AckTarget): string {
  if (all) return 'Nothing is open.';
  const [named = '', rule] = names;
  if (areNumbers(names) && (names.length > 1 || named.includes('-'))) {
    return `Nothing to acknowledge: alerts ${names.join(' ')} have ended.`;
  }
  const what = areNumbers([named]) ? `alert ${named} has ended` : `nothing is open for ${named}`;
  return `Nothing to acknowledge: ${what}${rule === undefined ? '' : ` under rule ${rule}`}.`;
}

/** Returns the firing alerts that the command line names. A number may name a pending alert too. */
async function choose(
  storage: Pick<Storage, 'alertHistory' | 'evaluation'>,
  config: Config,
  { all, names: named }: AckTarget,
): Promise<readonly Alert[]> {
  const open = await storage.evaluation.openAlerts(null);
  const firing = open.filter(({ state }) => state === 'firing');
  const [target, rule = null] = named;
  if (all || target === undefined) return firing;
  if (areNumbers(named) && (named.length > 1 || target.includes('-')))
    return numberedAmong(storage.alertHistory, open, firing, named);
  const isRule = ruleFilter(config, rule, firing);
  const names = clientNames(config, firing);
  if (/^\d{1,15}$/.test(target) && !names.includes(target)) {
    const numbered = open.find(({ id }) => id === Number(target));
    if (numbered !== undefined) return isRule(numbered) ? [numbered] : [];
    await refuseUnknownNumber(storage.alertHistory, Number(target), firing);
    return [];
  }
  const ofGroup = firing.filter((alert) => kindOf(alert).carriesOthers && alert.subject === target && isRule(alert));
  if (ofGroup.length > 0 && (rule !== null || !names.includes(target))) return ofGroup;
  if (!names.includes(target) && config.needs.some(({ name }) => name === target)) return [];
  const isMeant = clientFilter(names, target, 'fleet-health alerts lists what is open.');
  const ofClients = firing.filter(({ client }) => isMeant(client));
  const chosen = ofClients.filter(isRule);
  if (rule !== null && chosen.length === 0 && ofClients.length > 0) {
    const rules = [...new Set(ofClients.map((alert) => alert.rule))];
    throw usageError(
      `nothing is open for ${target} under rule "${rule}"${didYouMean(rule, rules)}`,
      `Open are: ${rules.join(', ')}.`,
    );
  }
  return chosen;
}

/**
 * Returns the open alerts of a list of numbers and ranges. Throws FleetError `usage` for a number that no alert ever
 * had.
 */
async function numberedAmong(
  history: AlertHistory,
  open: readonly Alert[],
  firing: readonly Alert[],
  named: readonly string[],
): Promise<readonly Alert[]> {
  const ranges = named.map((name) => {
    const [, from = '', to = from] = numbers.exec(name) ?? [];
    return { from: Number(from), to: Number(to) };
  });
  for (const { from, to } of ranges) {
    if (from === to && !open.some(({ id }) => id === from)) await refuseUnknownNumber(history, from, firing);
  }
  return open.filter(({ id }) => id !== null && ranges.some(({ from, to }) => from <= id && id <= to));
}

/**
 * Returns a test for the rules of alerts. A type stands for every rule of the type; else whole names are compared
 * first, because their selectors may contain commas and wildcards.
 */
function ruleFilter(config: Config, rule: string | null, open: readonly Alert[]): (alert: Alert) => boolean {
  if (rule === null) return () => true;
  if (!isRuleType(rule) && open.some((alert) => alert.rule === rule)) return (alert) => alert.rule === rule;
  const [isMeant, ruleOf] = [ruleMatcher(rule), ruleFinder(config)];
  return (alert) => isMeant(ruleOf(alert));
}

/** Throws FleetError `usage` for a number that no alert ever had. Accepts the number of an ended alert. */
async function refuseUnknownNumber(history: AlertHistory, id: number, firing: readonly Alert[]): Promise<void> {
  const [newest] = await history.alertsOf({ openOnly: false, limit: 1 });
  if (id >= 1 && id <= (newest?.id ?? 0)) return;
  const open = firing.map((alert) => alert.id);
  throw usageError(
    `there is no alert ${id}`,
    open.length === 0
      ? 'Nothing is open.'
      : `Open are: ${open.slice(0, 20).join(', ')}${open.length > 20 ? ' ...' : ''}.`,
  );
}
