import { append } from '../../platform/group-by.ts';
import { describeLimit } from '../../alerter/evaluate/describe-value.ts';
import type { AlertExplained, ExplainOptions, RuleExplained } from '../../alerter/explain/explain-alerts.ts';
import { type ClientExplained, explainClient } from '../../alerter/explain/explain-client.ts';
import { explainFleet, type FleetExplained } from '../../alerter/explain/explain-fleet.ts';
import { servingSentence } from '../../alerter/explain/group-words.ts';
import { groupJson } from '../status/status-json.ts';
import type { HoldReason } from '../../alerter/inhibit/hold-reason.ts';
import type { Client, Config, Rule } from '../../config/config.ts';
import { isRuleType, namedRule, ruleMatcher } from '../../config/rules/rule-matcher.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { counted } from '../../text/numbers.ts';
import { groupShort } from '../../config/rules/builtin-rules.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { alertJson, clientText } from '../command/alert-words.ts';
import { printAnswer } from '../command/answer.ts';
import { standsOn } from '../command/member-words.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { readAfterFirstRun, readStored } from '../command/read-stored.ts';
import { chooseClient, loadSettingsToShow } from '../command/settings.ts';
import {
  canaryJson,
  canaryLines,
  lossJson,
  lossLines,
  repliesJson,
  repliesLines,
  sealedJson,
  sealedLines,
} from '../status/sealed-words.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import type { Colour } from '../terminal/output.ts';
import { jsonTime, type ReaderTime, readerTime } from '../terminal/reader-time.ts';
import { explainDigests } from './digest.ts';
import { alertmanagersOf, clientLines, type Explanation, explanationText } from './explain-words.ts';
import { changesBeforeJson } from './changes-before.ts';
import { mailJson } from './mail.ts';
import type { explainParameters } from './parameters.ts';

/** `CLIENT [RULE]`, or `--fleet [RULE]`. */
type ExplainCommandOptions = OptionsOf<typeof explainParameters>;

/** A client (null: the fleet as a whole) and a rule's name or pattern (null: all rules in force). */
interface Subject {
  readonly client: string | null;
  readonly rule: string | null;
}

/** Reads the client and the rule to explain. Throws FleetError `usage`. */
function subjectOf({ first, second, fleet }: ExplainCommandOptions): Subject {
  if (!fleet && first !== null) return { client: first, rule: second };
  if (fleet && second === null) return { client: null, rule: first };
  throw usageError(
    fleet ? '--fleet and a client contradict each other' : 'nothing says what to explain',
    'Give a client, or --fleet for what concerns no single one; fleet-health alerts lists what is open.',
  );
}

/** The explanation in sentences and as a JSON document. */
interface Answer extends Explanation {
  readonly json: object;
}

/** Runs `explain`: shows from stored facts why people were or were not notified. */
export async function explainCommand(context: Context, options: ExplainCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettingsToShow(context);
  const { client: name, rule } = subjectOf(options);
  const client = name === null ? null : await oneClientOrLeft(context, config, name);
  const whose = client === null ? 'the fleet as a whole' : client.name;
  const groupRules = config.needs.flatMap((need) => need.rule ?? []);
  const ofFleet = [...config.alerts.rules, ...groupRules];
  const isWanted = ruleFilter(whose, client === null ? ofFleet : client.rules, rule);
  const answer = await readAfterFirstRun(config.storage, signal, async (storage) => {
    const nowMs = await storage.nowMs();
    const firstPass = (await storage.history.lastRun('alert')) === null;
    const asked: ExplainOptions = { config, storage, isWanted, nowMs, firstPass };
    return { ...(client === null ? await explanationOfFleet(asked) : await ofClient(asked, client)), nowMs };
  });
  const { nowMs } = answer;
  return printAnswer(
    output,
    () => ({ command: 'explain', at: jsonTime(nowMs), ...answer.json }),
    () => explanationText(output, config, answer, { nowMs, detailed: rule !== null }),
  );
}

/** Returns the lines of `explain` for an alert's rule, or one sentence if the client left config.xml. */
export async function alertExplanation(
  config: Config,
  storage: Storage,
  { client: name, rule }: Alert,
): Promise<readonly string[]> {
  const nowMs = await storage.nowMs();
  const firstPass = (await storage.history.lastRun('alert')) === null;
  const asked: ExplainOptions = { config, storage, isWanted: (one) => one === rule, nowMs, firstPass };
  const client = config.clients.find((one) => one.name === name);
  if (name !== '' && client === undefined) return ['The client is not in config.xml any more.'];
  const answer = client === undefined ? await explanationOfFleet(asked) : await ofClient(asked, client);
  const plain = { colour: (_colour: Colour, text: string): string => text };
  return explanationText(plain, config, answer, { nowMs, detailed: true }).split('\n');
}

async function ofClient(asked: ExplainOptions, client: Client): Promise<Answer> {
  const explained = await explainClient({ ...asked, client });
  const time = readerTime(asked.config, asked.nowMs);
  return { ...explained, head: clientLines(asked.config, explained, time), json: clientJson(asked.config, explained) };
}

async function explanationOfFleet(asked: ExplainOptions): Promise<Answer> {
  const explained = await explainFleet(asked);
  const { rules, undelivered } = explained;
  const { config, storage, nowMs } = asked;
  const time = readerTime(config, nowMs);
  const digests = await explainDigests(config, storage.digest, nowMs, time);
  const alertmanagers = alertmanagersOf(config);
  const json = {
    ...fleetJson(explained),
    digests: digests.json,
    alertmanagers,
    rules: rules.map(ruleJson),
    undelivered: undelivered.map(mailJson),
  };
  const head = [...fleetLines(explained, config, time, nowMs), ...digests.lines, ...channelLines(config, explained)];
  return { ...explained, head, json };
}

/** Lists the channels that get all alerts, and the mailbox from which replies are read, unless it cannot be. */
function channelLines(config: Config, { repliesUnread }: FleetExplained): readonly string[] {
  const hosts = alertmanagersOf(config);
  const replies = repliesUnread === null ? config.replies : null;
  return [
    ...(hosts.length === 0
      ? []
      : [`Each pass posts all that fires and is not muted to Alertmanager (${hosts.join(', ')}).`]),
    ...(replies === null ? [] : [`Replies to mails are read from ${replies.mailbox} of ${replies.address}.`]),
  ].map(escapeControls);
}

/** Returns the named client. Throws FleetError `usage`, with advice if the client left config.xml. */
async function oneClientOrLeft({ signal }: Context, config: Config, name: string): Promise<Client> {
  try {
    return oneClient(config, name);
  } catch (thrown) {
    const seen = await readStored(config.storage, signal, async (stored) => (await stored?.fleet.seenClients()) ?? []);
    if (!seen.some((client) => client.name === name)) throw thrown;
    throw usageError(
      `"${name}" is not in config.xml any more; only its history is stored`,
      `If it has another name there: was="${name}". fleet-health forget client ${name} removes the history.`,
    );
  }
}

function oneClient(config: Config, name: string): Client {
  const isOfFleet =
    name === clientText('') ||
    config.needs.some((need) => need.name === name || need.rule?.name === name) ||
    config.alerts.rules.some((rule) => rule.name === name);
  if (isOfFleet && !config.clients.some((client) => client.name === name)) {
    throw usageError(
      `"${name}" is no client`,
      config.needs.some((need) => need.name === name)
        ? `For the group and who serves in it: fleet-health explain --fleet ${groupShort}.`
        : 'For what concerns the fleet as a whole: fleet-health explain --fleet [RULE].',
    );
  }
  return chooseClient(config, name);
}

function ruleFilter(whose: string, rules: readonly Rule[], wanted: string | null): (rule: string) => boolean {
  if (wanted === null) return () => true;
  const names = rules.map((rule) => rule.name);
  if (names.includes(wanted) && !isRuleType(wanted)) return (rule) => rule === wanted;
  // The beginning of a name selects it if nothing matches the whole.
  const matches = ruleMatcher(wanted);
  const isOfName = (rule: string): boolean => matches(namedRule(rules, rule));
  const isMeant = [isOfName, (rule: string) => rule.startsWith(`${wanted} `)].find((one) => names.some(one));
  if (isMeant !== undefined) return isMeant;
  throw usageError(
    `no rule in force for ${whose} is called "${wanted}"${didYouMean(wanted, names)}`,
    `In force are: ${names.join(', ')}.`,
  );
}

function clientJson(config: Config, explained: ClientExplained): object {
  const { client, reportAtMs, visitAtMs, unprocessed, rules, undelivered } = explained;
  return {
    client: client.name,
    stands_on: standsOn(config, client.name),
    ...jsonFields({ reportAtMs, visitAtMs, unprocessed }),
    rules: rules.map(ruleJson),
    undelivered: undelivered.map(mailJson),
  };
}

function ruleJson({ rule, group, samples, unknown, listeners, mutes, alerts }: RuleExplained): unknown {
  const { name, type, origin, warning, critical } = rule;
  return {
    ...jsonFields({ rule: name, type, origin, warning, critical }),
    ...(group === null ? {} : { group }),
    limit_text: describeLimit(rule, 'critical'),
    samples: samples.map(({ subject, level, value, valueText }) => jsonFields({ subject, level, value, valueText })),
    unknown: unknown === null ? null : { reason: unknown.reason, since: jsonTime(unknown.sinceMs) },
    recipients: listeners.map(({ recipient, least }) => ({ recipient, severity: least })),
    held_by: mutes.map(({ reason, subjects }) => ({ ...reasonJson(reason), subjects })),
    alerts: alerts.map(explainedJson),
  };
}

function explainedJson({ alert, notified, held, due, standing, changed, look }: AlertExplained): unknown {
  return {
    ...alertJson({ alert, notified, acknowledged: alert.acknowledgedBy !== null, covers: [], eased: null, look }),
    eased: standing,
    held_by: held.map(({ recipient, reason }) => ({ ...reasonJson(reason), recipient })),
    due_to: due,
    changed_before: changesBeforeJson(changed),
  };
}

function reasonJson(reason: HoldReason): object {
  return {
    kind: reason.kind,
    silence: reason.kind === 'silence' ? reason.id : null,
    until: 'untilMs' in reason ? jsonTime(reason.untilMs) : null,
  };
}

/** Lists the collectors, the parents that are away with their numbers of clients, and waiting sealed reports. */
function fleetLines(
  { collectors, silenceEvaluatedFromMs, parents, groups, sealed, loss, canary, repliesUnread }: FleetExplained,
  config: Pick<Config, 'canary'>,
  time: ReaderTime,
  nowMs: number,
): readonly string[] {
  const lines = collectors.map(({ id, host, lastFinishedMs }) =>
    lastFinishedMs === null
      ? `No full run of collector ${id} on ${host} has finished in the last seven days.`
      : `The last full run of collector ${id} on ${host} finished at ${time.momentAndAge(lastFinishedMs)}.`,
  );
  if (lines.length === 0) lines.push('No collector has made a full run in the last seven days.');
  if (silenceEvaluatedFromMs !== null) {
    lines.push(
      `Silence is evaluated from ${time.moment(silenceEvaluatedFromMs)} on: until then it might have been the database's.`,
    );
  }
  for (const { name, names, isBastion, behind } of parents) {
    const clients = counted(behind, 'client');
    const gone = isBastion
      ? `Bastion ${name} is gone: of ${clients} behind it none can be reached.`
      : `${name} ${names.length > 1 ? 'are' : 'is'} away, and reported instead of ${clients} on ${names.length > 1 ? 'them' : 'it'}.`;
    lines.push(`${gone} fleet-health explain CLIENT unreachable says more of each.`);
  }
  append(lines, [...groups.map(servingSentence), ...sealedLines(sealed, nowMs), ...lossLines(loss, time.moment)]);
  append(lines, [...canaryLines(config, canary, time.moment), ...repliesLines(repliesUnread, time.moment)]);
  return lines.map(escapeControls);
}

function fleetJson(explained: FleetExplained): object {
  const { collectors, silenceEvaluatedFromMs, parents, groups, sealed, loss, canary, repliesUnread } = explained;
  return {
    fleet: true,
    collectors: collectors.map(({ id, host, lastFinishedMs: lastFinishedAtMs }) =>
      jsonFields({ id, host, lastFinishedAtMs }),
    ),
    silence_evaluated_from: jsonTime(silenceEvaluatedFromMs),
    groups: groups.map(groupJson),
    sealed: sealedJson(sealed),
    loss: lossJson(loss),
    mail_path: canaryJson(canary),
    replies_unread: repliesJson(repliesUnread),
    bastions_gone: parents.flatMap(({ name, isBastion, behind }) => (isBastion ? [{ name, behind }] : [])),
    parents_gone: parents.flatMap(({ name, isBastion, behind }) => (isBastion ? [] : [{ name, behind }])),
  };
}
