import type { ClientExplained, EpisodeExplained } from '../alerter/explain-client.ts';
import { explainClient } from '../alerter/explain-client.ts';
import { describeLimit } from '../alerter/describe-value.ts';
import type { Client, Config } from '../config/config.ts';
import { globMatcher } from '../config/globs.ts';
import { didYouMean } from '../config/nearest.ts';
import { selectClients } from '../config/select-clients.ts';
import { FleetError } from '../errors.ts';
import { alertJson } from './alerts.ts';
import type { Context, ExitStatus } from './context.ts';
import { explanationText } from './explain-words.ts';
import { readStored } from './read-stored.ts';
import { jsonTime } from './reader-time.ts';
import { loadSettings } from './settings.ts';

export interface ExplainCommandOptions {
  readonly client: string;
  /** A rule's name or pattern; null: all that are in force. */
  readonly rule: string | null;
}

/** `explain`: from stored facts, why something was or was not told. */
export async function explainCommand(context: Context, options: ExplainCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const client = oneClient(config, options.client);
  const isWanted = ruleFilter(client, options.rule);
  const { explained, nowMs } = await readStored(config.storage, signal, async ({ alerts, history }) => {
    if (alerts === null) return { explained: null, nowMs: Date.now() };
    const now = await alerts.nowMs();
    const firstPass = (await history.lastRun('alert')) === null;
    return {
      explained: await explainClient({ config, store: alerts, client, isWanted, nowMs: now, firstPass }),
      nowMs: now,
    };
  });
  if (explained === null) {
    throw new FleetError({
      code: 'usage',
      stage: 'usage',
      message: 'nothing is stored yet',
      advice: 'fleet-health collect makes the first run.',
    });
  }
  if (output.json) output.printJson(explainJson(explained, nowMs));
  else output.print(explanationText(output, config, explained, { nowMs, detailed: options.rule !== null }));
  return 0;
}

function oneClient(config: Config, name: string): Client {
  const [client, ...others] = selectClients(config, { names: [name], groups: [] });
  if (client !== undefined && others.length === 0) return client;
  throw new FleetError({
    code: 'usage',
    stage: 'usage',
    message: `"${name}" is ${others.length + 1} clients`,
    advice: 'Name one; fleet-health alerts takes patterns.',
  });
}

function ruleFilter({ rules, name }: Client, wanted: string | null): (rule: string) => boolean {
  if (wanted === null) return () => true;
  const names = rules.map((rule) => rule.name);
  if (names.includes(wanted)) return (rule) => rule === wanted;
  // `disk` means `disk mount=/var` too, where nothing is called just so.
  const isMeant = [globMatcher(wanted), (rule: string) => rule.startsWith(`${wanted} `)].find((matches) =>
    names.some(matches),
  );
  if (isMeant !== undefined) return isMeant;
  throw new FleetError({
    code: 'usage',
    stage: 'usage',
    message: `no rule in force for ${name} is called "${wanted}"${didYouMean(wanted, names)}`,
    advice: `In force are: ${names.join(', ')}.`,
  });
}

function explainJson(
  { client, reportAtMs, visitAtMs, untreated, rules, undelivered }: ClientExplained,
  nowMs: number,
): unknown {
  return {
    command: 'explain',
    client: client.name,
    at: jsonTime(nowMs),
    report_at: jsonTime(reportAtMs),
    visit_at: jsonTime(visitAtMs),
    untreated,
    rules: rules.map(({ rule, readings, listeners, episodes }) => ({
      rule: rule.name,
      type: rule.type,
      origin: rule.origin,
      warning: rule.warning,
      critical: rule.critical,
      limit_text: describeLimit(rule, 'critical'),
      readings: readings.map(({ subject, level, value, valueText }) => ({
        subject,
        level,
        value,
        value_text: valueText,
      })),
      recipients: listeners.map(({ recipient, least }) => ({ recipient, severity: least })),
      alerts: episodes.map(episodeJson),
    })),
    undelivered: undelivered.map((mail) => ({
      recipient: mail.recipient,
      message_id: mail.messageId,
      created_at: jsonTime(mail.createdAtMs),
      attempts: mail.attempts,
      next_attempt_at: jsonTime(mail.nextAttemptAtMs),
      failed_at: jsonTime(mail.failedAtMs),
      error: mail.error,
    })),
  };
}

function episodeJson({ episode, told, held, due }: EpisodeExplained): unknown {
  return {
    ...alertJson({ episode, told, acknowledged: episode.acknowledgedBy !== null, covers: [] }),
    held_by: held.map(({ recipient, reason }) => ({
      kind: reason.kind,
      recipient,
      silence: reason.kind === 'silence' ? reason.id : null,
      until: 'untilMs' in reason ? jsonTime(reason.untilMs) : null,
    })),
    due_to: due,
  };
}
