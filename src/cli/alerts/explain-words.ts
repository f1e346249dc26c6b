import { append, greatest } from '../../platform/group-by.ts';
import { besideSentence, noSentenceWords } from '../../alerter/cause/beside-words.ts';
import { maxUrgentOfClient } from '../../alerter/dispatch/group-interval.ts';
import { describeLimit } from '../../alerter/evaluate/describe-value.ts';
import type { AlertExplained, RuleExplained } from '../../alerter/explain/explain-alerts.ts';
import type { ClientExplained } from '../../alerter/explain/explain-client.ts';
import type { HoldReason } from '../../alerter/inhibit/hold-reason.ts';
import type { Config, Rule } from '../../config/config.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { MailSummary } from '../../storage/store/outbox-store.ts';
import { withLimit } from '../../text/limit-words.ts';
import { durationInWords, formatDuration } from '../../text/durations.ts';
import { acknowledgedText, closedWords, sentenceCase, unsentText } from '../command/alert-words.ts';
import { inactiveText, lastHeardWords, standsOnText } from '../command/member-words.ts';
import type { Output } from '../terminal/output.ts';
import { readerTime, type ReaderTime } from '../terminal/reader-time.ts';
import { changesBefore } from './changes-before.ts';
import { nextTry } from './mail.ts';

interface ExplanationOptions {
  readonly nowMs: number;
  /** True if the command line names rules: their recipients and last alerts are shown then. */
  readonly detailed: boolean;
}

interface Saying extends ExplanationOptions {
  readonly config: Config;
  readonly time: ReaderTime;
}

/** The explanation of a client's rules, or of the fleet's. */
export interface Explanation {
  /** The sentences at the beginning. */
  readonly head: readonly string[];
  readonly rules: readonly RuleExplained[];
  readonly undelivered: readonly MailSummary[];
}

/** Returns the whole explanation in sentences, rules with open alerts first. */
export function explanationText(
  output: Pick<Output, 'colour'>,
  config: Config,
  explained: Explanation,
  options: ExplanationOptions,
): string {
  const time = readerTime(config, options.nowMs);
  const saying: Saying = { ...options, config, time };
  const isBusy = ({ alerts }: RuleExplained): boolean => alerts.some(({ alert }) => alert.state !== 'resolved');
  const rules = [...explained.rules].sort((one, other) => Number(isBusy(other)) - Number(isBusy(one)));
  const blocks = rules.map((rule) => ruleLines(output, rule, saying, options.detailed || isBusy(rule)));
  return [
    ...explained.head,
    '',
    ...blocks.flat(),
    ...undeliveredLines(explained, saying),
    '',
    `Times are ${time.zone}.`,
  ].join('\n');
}

/** Describes the client's newest report and visit, and its state if the client is not active. */
export function clientLines(
  config: Config,
  { client, reportAtMs, visitAtMs, unprocessed }: ClientExplained,
  time: ReaderTime,
): readonly string[] {
  const name = escapeControls(client.name);
  const lines = [
    reportAtMs === null
      ? `No report of ${name} is stored.`
      : `The newest report of ${name} is of ${time.momentAndAge(reportAtMs)}.`,
  ];
  if (visitAtMs !== null) lines.push(lastHeardWords(client.arrival.kind === 'comes', visitAtMs, time));
  if (unprocessed) lines.push('No pass of the alerter has processed that yet; fleet-health alert makes one.');
  for (const text of [inactiveText(client, time), standsOnText(config, client.name)]) {
    if (text !== null) lines.push(escapeControls(text));
  }
  return lines;
}

function ruleLines(
  output: Pick<Output, 'colour'>,
  explained: RuleExplained,
  saying: Saying,
  whole: boolean,
): readonly string[] {
  const { rule, samples, unknown, alerts, listeners } = explained;
  const values = samples.map(({ subject, level, valueText }) => {
    const value = level === 'unknown' ? 'unknown' : valueText || 'well';
    return subject === '' ? value : `${subject} ${value}`;
  });
  const words = unknown === null ? cut([...new Set(values)]) : [unknownText(unknown, saying)];
  // Values of event rules are sentences.
  const isList = rule.type === 'event' && words.length > 1;
  const now = words.length === 0 || isList ? '' : escapeControls(`: ${words.join(', ')}`);
  const open = alerts.filter(({ alert }) => alert.state !== 'resolved');
  const name = explained.group === null ? rule.name : `${rule.name} ${explained.group}`;
  const title = `${output.colour('bold', escapeControls(name))} (${limitsOf(rule)})${now}`;
  const titles = [title, ...(isList ? words.map((word) => `  ${escapeControls(word)}`) : [])];
  if (!whole) return titles;
  const last = alerts.find(({ alert }) => alert.state === 'resolved');
  return [
    ...titles,
    ...open.flatMap((one) => alertLines(one, rule, saying)),
    ...(open.length === 0 ? ['  Nothing is open.', ...coverLines(explained, saying)] : []),
    ...(last !== undefined && (saying.detailed || last.held.length + last.due.length > 0)
      ? alertLines(last, rule, saying)
      : []),
    `  ${recipientsText(listeners, alertmanagersOf(saying.config))}`,
  ];
}

function unknownText({ reason, sinceMs }: NonNullable<RuleExplained['unknown']>, { time }: Saying): string {
  return `unknown since ${time.momentAndAge(sinceMs)}: ${reason}`;
}

function coverLines({ mutes }: RuleExplained, { time }: Saying): readonly string[] {
  return mutes.map(({ reason, subjects }) => {
    const what = subjects.length === 0 ? 'What begins now' : `What begins now on ${cut(subjects).join(', ')}`;
    return `  ${escapeControls(`${what} is held back: ${heldWords(reason, null, time)}.`)}`;
  });
}

const maxReadings = 12;

function cut(texts: readonly string[]): readonly string[] {
  if (texts.length <= maxReadings) return texts;
  return [...texts.slice(0, maxReadings), `and ${texts.length - maxReadings} more`];
}

function limitsOf(rule: Rule): string {
  const { warning, critical, severity, forCount, forMs } = rule;
  const levels = [
    ...(critical === null ? [] : [`critical ${describeLimit(rule, 'critical')}`]),
    ...(warning === null ? [] : [`warning ${describeLimit(rule, 'warning')}`]),
  ].map((text) => text.trim());
  const span =
    forCount === null
      ? forMs === null
        ? ''
        : `for ${formatDuration(forMs)}`
      : forCount === 1
        ? ''
        : `${forCount} rows`;
  return [...(levels.length === 0 ? [severity] : levels), span].filter((text) => text !== '').join(', ');
}

function alertLines(
  { alert, notified, held, due, standing, changed, look, membersSeen }: AlertExplained,
  rule: Rule,
  saying: Saying,
): readonly string[] {
  const { time } = saying;
  const what = `${alert.id ?? ''}${alert.subject === '' ? '' : ` (${alert.subject})`}`;
  const lines = [stateLine(what, alert, rule, saying), ...besideLines(alert, look, saying)];
  for (const one of membersSeen.slice(0, maxReadings)) {
    const what = one.alert.client;
    const sentence = besideSentence(one.look, { alert: one.alert, moment: time.moment, what });
    if (sentence !== null) lines.push(sentence);
  }
  if (alert.state !== 'pending') {
    const sent = notified.filter(({ unsent }) => unsent === null);
    if (notified.every(({ unsent }) => unsent?.delivery === 'written')) lines.push('Nobody was notified.');
    const mails = sent.map((one) => `${one.recipient} ${time.moment(one.notifiedAtMs)} (${notifiedWord(one)})`);
    if (sent.length > 0) lines.push(`Notified: ${mails.join(', ')}.`);
    append(
      lines,
      notified.flatMap(({ unsent }) => (unsent === null ? [] : [`${sentenceCase(unsentText(unsent, time))}.`])),
    );
  }
  if (standing !== null) lines.push(standing);
  for (const { recipient, reason } of held) {
    lines.push(`Held back${recipient === null ? '' : ` for ${recipient}`}: ${heldWords(reason, alert, time)}.`);
  }
  const lastMs = greatest([...notified.map(({ notifiedAtMs }) => notifiedAtMs), -Infinity]);
  if (alert.state === 'firing' && rule.repeatMs !== null && lastMs > 0 && held.length + due.length === 0) {
    lines.push(`The next reminder is due at ${time.moment(lastMs + rule.repeatMs)}.`);
  }
  if (due.length > 0) lines.push(`The next pass notifies ${due.join(', ')}.`);
  append(lines, changesBefore(alert, changed, saying));
  return lines.map((line, index) => `${index === 0 ? '  ' : '    '}${escapeControls(line)}`);
}

/** Returns what clients beside an unreachable one saw of it; why nothing is known only if the rule is asked for. */
function besideLines(
  alert: Alert,
  look: AlertExplained['look'],
  { config, detailed, time }: Saying,
): readonly string[] {
  const { rule, client, state } = alert;
  if (rule !== 'unreachable' || state !== 'firing') return [];
  const sentence = besideSentence(look, { alert, moment: time.moment });
  if (sentence !== null || !detailed) return sentence === null ? [] : [sentence];
  return [
    noSentenceWords(
      look,
      // The config.xml of a site decides about its clients.
      config.clients.some(
        ({ name, neighbours, arrival }) => name === client && (neighbours || arrival.kind === 'site'),
      ),
    ),
  ];
}

function notifiedWord({ state, severity }: AlertExplained['notified'][number]): string {
  return state === 'firing' ? severity : state;
}

function stateLine(what: string, alert: Alert, rule: Rule, saying: Saying): string {
  const { time } = saying;
  const { severity, valueText, limitText, flapping, pendingSinceMs, resolvedAtMs, closedReason } = alert;
  const value = withLimit(valueText, limitText);
  if (alert.state === 'pending') {
    const pending = `Alert ${what} is pending since ${time.momentAndAge(pendingSinceMs)}: ${value}.`;
    return `${pending} ${untilFiring(alert, rule, saying)}`;
  }
  const since = time.momentAndAge(pendingSinceMs);
  if (alert.state === 'firing') {
    const more = flapping ? ' It flaps: the true state is reported after 3 rows that stay bad, or 12 quiet ones.' : '';
    return `Alert ${what} fires as ${severity} since ${since}: ${value}.${more}`;
  }
  const end = resolvedAtMs === null ? '' : ` ${time.momentAndAge(resolvedAtMs)}`;
  const why = closedReason === null ? 'ended' : closedWords[closedReason];
  return `Alert ${what} began ${since} and ${why === 'recovered' ? why : `ended, ${why},`}${end}: ${value}.`;
}

/** Describes how much longer a value has to hold until the alert fires. */
function untilFiring({ progress }: Alert, rule: Rule, { config, time }: Saying): string {
  if (rule.forCount !== null) {
    const left = Math.max(1, rule.forCount - progress.holding);
    return `It fires when ${left} more ${left === 1 ? 'row holds' : 'rows hold'}.`;
  }
  const dueMs = progress.holdingSinceMs + Math.max(0, (rule.forMs ?? 0) - config.collector.everyMs / 2);
  return `It fires with the first row from ${time.moment(dueMs)} on that still holds.`;
}

/** Returns the hosts of the Alertmanagers, which get all firing alerts. */
export function alertmanagersOf({ alertmanager }: Pick<Config, 'alertmanager'>): readonly string[] {
  return (alertmanager?.urls ?? []).map((url) => new URL(url).host);
}

function recipientsText(listeners: RuleExplained['listeners'], alertmanagers: readonly string[]): string {
  const state = alertmanagers.length === 0 ? [] : [`Alertmanager (${alertmanagers.join(', ')})`];
  if (listeners.length + state.length === 0) return 'Nobody is notified of this rule.';
  const names = listeners.map(
    ({ recipient, least, hours, afterMs }) =>
      `${recipient}${least === 'critical' ? ' (critical alone)' : ''}${hours === undefined ? '' : ' (within hours)'}` +
      (afterMs === undefined ? '' : ` (if nobody acknowledges it for ${durationInWords(afterMs)})`),
  );
  return `Goes to ${[...names, ...state].map(escapeControls).join(', ')}.`;
}

function undeliveredLines({ undelivered }: Explanation, { time }: Saying): readonly string[] {
  if (undelivered.length === 0) return [];
  return [
    '',
    'Mails to these people that no mail server has taken:',
    ...undelivered.map((mail) => {
      const next = nextTry(mail, (atMs) => `next try ${time.moment(atMs)}`);
      const error = mail.error === null ? '' : `: ${mail.error}`;
      const made = `${mail.id}: ${mail.recipient}, made ${time.momentAndAge(mail.createdAtMs)}`;
      const tries = `${mail.attempts} ${mail.attempts === 1 ? 'try' : 'tries'}`;
      return `  ${escapeControls(`${made}, ${tries}, ${next}${error}`)}`;
    }),
  ];
}

/** Describes why nobody is notified. `alert` is null if no alert is open yet. */
function heldWords(reason: HoldReason, alert: Alert | null, time: ReaderTime): string {
  const { moment } = time;
  switch (reason.kind) {
    case 'silence':
      return `silence ${reason.id} until ${moment(reason.untilMs)}`;
    case 'window':
      return `a window of config.xml until ${moment(reason.untilMs)}`;
    case 'unconfirmed':
      return "a silence or window has ended, and the client's next row must confirm it first";
    case 'returning':
      return 'its newest row is on the way back, so the next one decides';
    case 'paused':
      return `the client is paused${reason.untilMs === null ? '' : ` until ${moment(reason.untilMs)}`}`;
    case 'unreachable':
      return 'the client cannot be reached, which is reported instead; the rest waits for its first new row';
    case 'isolated':
      return "nearly all clients were out of reach at once: the collector's own network is reported instead";
    case 'collector-silent':
      return 'the collector is silent, which is reported instead';
    case 'collector-fault':
      return "the collector's own machine fails the visits, which is reported instead";
    case 'group-short':
      return `${reason.group} lacks members, which is reported instead`;
    case 'bastion':
      return `bastion ${reason.name} is gone, which is reported instead`;
    case 'parent':
      return `it stands on ${reason.name}, which is away and reported instead`;
    case 'worse-rule':
      return `${reason.rule}, which is worse, is reported instead`;
    case 'nearly-full':
      return `${reason.rule} of the same file system fires, or did when this was evaluated last`;
    case 'acknowledged':
      return `${alert === null ? 'acknowledged' : acknowledgedText(alert, time)}; no reminders`;
    case 'flapping':
      return 'it flaps, which was reported; the true state follows after 3 rows that stay bad, or 12 quiet ones';
    case 'run':
      return `run ${reason.runId} of the collector has not ended yet`;
    case 'after':
      return `this recipient is notified at ${moment(reason.untilMs)} if nobody acknowledges it before`;
    case 'hours':
      return `outside of the hours of this recipient, which begin ${moment(reason.untilMs)}`;
    case 'group-interval':
      return `warnings and recoveries are gathered until ${moment(reason.untilMs)} (groupInterval)`;
    case 'urgent-mails':
      return `${maxUrgentOfClient} mails of its client an hour; more is gathered until ${moment(reason.untilMs)}`;
    case 'cap':
      return `no more mails than maxMailsPerHour until ${moment(reason.untilMs)}`;
    case 'older-mail':
      return `mail ${reason.mailId}, which speaks of it, waits to be sent and must come first`;
    case 'nobody':
      return 'config.xml names nobody who is notified of this severity';
  }
}
