import type { Config } from '../config/config.ts';
import { asFleetError, type FleetError } from '../platform/errors/errors.ts';
import { escapeControls } from '../platform/errors/log.ts';
import { durationInWords } from '../text/durations.ts';
import { unknownRecipient, type AwayState, type AwayTopic } from './away-state.ts';
import { digestOf, domainOf, senderOf } from './mail-identity.ts';
import { freezeNotice } from './mime.ts';
import { TryLater, type Channel, type OutgoingMail } from './notify.ts';
import { freezeWebhook, webhookForm } from './webhook/freeze-webhook.ts';
import { noticeOfOne } from './webhook/notice.ts';
import { nameIfKind } from '../config/values/recipient-kinds.ts';

export interface AwayMail {
  readonly topic: AwayTopic['rule'];
  readonly kind: 'away' | 'back';
  /** The name of this machine. */
  readonly host: string;
  /** A recipient of `awayRecipients`. */
  readonly recipient: string;
  readonly config: Pick<Config, 'smtp' | 'file' | 'webhooks'>;
  readonly sinceMs: number;
  /** The end of the outage; null while it lasts. */
  readonly endedMs: number | null;
  readonly nowMs: number;
  /** The number of the mail within this outage, from 1. */
  readonly number: number;
  readonly programs: readonly string[];
  /** The last fault of the database, of the connection to it, or of config.xml; null for `back`. */
  readonly fault: FleetError | null;
}

/** Mails that are due, as they were claimed from the state. */
export interface ClaimedMails {
  readonly kind: 'away' | 'back';
  readonly state: AwayState;
  readonly recipients: readonly string[];
}

/** The outcome of a claimed mail; `fault` is null if the mail was delivered. */
interface Tried {
  readonly recipient: string;
  readonly fault: FleetError | null;
  /** True if the mail may have arrived in spite of the fault: its content was sent, and no answer came. */
  readonly mayHaveArrived: boolean;
}

export interface SendAwayMailsOptions {
  readonly topic: AwayTopic;
  readonly config: Config;
  readonly host: string;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

const timeouts = { timeoutMs: 30_000, answerTimeoutMs: 30_000 };

/** Sends claimed mails. After a fault of a server its further recipients get the same fault without an attempt. */
export async function* sendAwayMails(
  { config, host, now, signal, topic }: SendAwayMailsOptions,
  { kind, state, recipients }: ClaimedMails,
  fault: FleetError | null,
): AsyncGenerator<Tried> {
  const { openChannels } = await import('./channels.ts');
  const channels = openChannels(config, timeouts);
  const away = new Map<Channel, FleetError>();
  const attempt = async (recipient: string): Promise<Omit<Tried, 'recipient'>> => {
    let dataBegun = false as boolean;
    const known = state.recipients.get(recipient) ?? unknownRecipient;
    let channel: Channel | null = null;
    try {
      channel = channels.channelFor(recipient);
      const failed = away.get(channel);
      if (failed !== undefined) return { fault: failed, mayHaveArrived: false };
      const { endedMs, programs } = state;
      const sinceMs = known.sinceMs ?? state.sinceMs ?? now();
      const counted = { sinceMs, endedMs, nowMs: now(), number: known.mails + 1, programs };
      const mail = await composeAwayMail({ kind, host, recipient, config, ...counted, fault, topic: topic.rule });
      const onDataBegun = (): Promise<void> => {
        dataBegun = true;
        return Promise.resolve();
      };
      await channel.send({ recipient, ...mail, severity: 'critical' }, { signal, onDataBegun });
      return { fault: null, mayHaveArrived: false };
    } catch (thrown) {
      const failed = asFleetError(thrown, { code: 'mail-unavailable', stage: 'mail' });
      if (failed.stage !== 'mail' && channel !== null) away.set(channel, failed);
      return { fault: failed, mayHaveArrived: dataBegun && !(failed instanceof TryLater) };
    }
  };
  for (const recipient of recipients) yield { recipient, ...(await attempt(recipient)) };
  channels.close();
}

const consequences: Readonly<Record<string, string>> = {
  collect:
    'Reports are collected all the same and wait sealed in encrypted_stats/,\nor on the clients if its disk is full.',
  alert: 'No rules are evaluated and nobody is notified meanwhile.',
};

/** Composes a mail without the database. The same notice to the same recipient has the same Message-ID. */
export async function composeAwayMail(mail: AwayMail): Promise<Pick<OutgoingMail, 'messageId' | 'content'>> {
  const { host, recipient, config, sinceMs, endedMs, nowMs, number, kind, topic } = mail;
  const from = senderOf(config);
  // The mail does not name a command or a file.
  const to = config.smtp === null ? null : nameIfKind('mail', recipient);
  const webhook = nameIfKind('webhook', recipient);
  const digest = digestOf([topic, host, webhook === null ? to : recipient, sinceMs, kind, number]);
  const messageId = `<${topic}-${digest.slice(0, 24)}@${domainOf(from)}>`;
  const state = kind === 'back' ? 'resolved' : number === 1 ? 'firing' : 'reminder';
  const id = digestOf([topic, host]).slice(0, 32);
  const text = words[topic][kind](mail, durationInWords((endedMs ?? nowMs) - sinceMs));
  if (webhook !== null) {
    const { subject, lines } = text;
    const notice = noticeOfOne(
      { messageId, subject, text: lines.join('\n'), state, atMs: nowMs },
      {
        labels: {},
        id,
        about: 'fleet',
        client: '',
        rule: topic,
        subject: host,
        severity: 'critical',
        value: mail.fault === null ? '' : escapeControls(mail.fault.message),
        startsAtMs: sinceMs,
        endsAtMs: kind === 'back' ? (endedMs ?? nowMs) : null,
      },
    );
    return { messageId, content: freezeWebhook(notice, webhookForm(config.webhooks, webhook)) };
  }
  const content = await freezeNotice({
    ...text,
    messageId,
    headers: {
      'X-Fleet-Health-State': state,
      'X-Fleet-Health-Severity': kind === 'away' ? 'critical' : 'none',
      'X-Fleet-Health-Alert': `${id} ${state} critical`,
    },
    from,
    to,
    dateMs: nowMs,
  });
  return { messageId, content };
}

interface Words {
  readonly subject: string;
  readonly lines: readonly string[];
}

type Wording = (mail: AwayMail, lasted: string) => Words;

const words: Readonly<Record<AwayMail['topic'], Readonly<Record<AwayMail['kind'], Wording>>>> = {
  'database-away': {
    away: ({ fault, programs, sinceMs, host, config }, lasted) => ({
      subject: `Database away for ${lasted}, seen from ${host}`,
      lines: [
        `The database of fleet-health cannot be used on ${host} since`,
        `${at(sinceMs)}:`,
        '',
        ...faultLines(fault),
        ...programs.flatMap((program) => (program in consequences ? [consequences[program] ?? ''] : [])),
        '',
        'One mail follows when it is back. This one was sent without the database,',
        `with ${config.file}.`,
        '',
      ],
    }),
    back: ({ sinceMs, endedMs, nowMs, host }, lasted) => ({
      subject: `Database back after ${lasted}, seen from ${host}`,
      lines: [
        `The database of fleet-health can be used again on ${host}. It was away`,
        `from ${at(sinceMs)} to ${at(endedMs ?? nowMs)}.`,
        '',
        'What was collected meanwhile is stored oldest first, and stands in the history',
        'where it belongs; what it has to say of the past is reported as such.',
        '',
      ],
    }),
  },
  'config-broken': {
    away: ({ fault, sinceMs, host, config }, lasted) => ({
      subject: `config.xml broken for ${lasted} on ${host}`,
      lines: [
        `${config.file} cannot be used on ${host} since ${at(sinceMs)}:`,
        '',
        ...faultLines(fault),
        'The last configuration that was valid goes on meanwhile: what was changed since',
        'does not count. One mail follows when the file is valid again.',
        '',
      ],
    }),
    back: ({ sinceMs, endedMs, nowMs, host, config }, lasted) => ({
      subject: `config.xml valid again after ${lasted} on ${host}`,
      lines: [
        `${config.file} is valid again and in use. It was broken`,
        `from ${at(sinceMs)} to ${at(endedMs ?? nowMs)}.`,
        '',
      ],
    }),
  },
};

function faultLines(fault: FleetError | null): readonly string[] {
  if (fault === null) return [];
  return [`  ${escapeControls(fault.message)} (${fault.code})`, '', `  ${escapeControls(fault.advice)}`, ''];
}

function at(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
