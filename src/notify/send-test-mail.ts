import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import type { Config } from '../config/config.ts';
import { isMailAddress } from '../config/values/addresses.ts';
import { FleetError } from '../platform/errors/errors.ts';
import { openChannels } from './channels.ts';
import { digestOf, domainOf, senderOf } from './mail-identity.ts';
import { freezeNotice } from './mime.ts';
import type { OutgoingMail } from './notify.ts';
import { freezeWebhook } from './webhook/freeze-webhook.ts';
import { noticeOfOne } from './webhook/notice.ts';
import { recipientOf } from '../config/values/recipient-kinds.ts';

export interface TestMailOptions {
  readonly config: Config;
  /** The recipient; null: the first recipient of <alerts>, or else the fallback address. */
  readonly to: string | null;
  readonly signal: AbortSignal;
  readonly nowMs: number;
}

export interface TestMail {
  readonly to: string;
  /** The mail server (`host:port`), or the folder without <smtp>. */
  readonly where: string;
}

/**
 * Sends a test mail over the channel of alerts. Stores nothing. Throws FleetError `usage` if no recipient is known,
 * `mail-refused`, `mail-unavailable`, `secret-missing`, or the signal's reason.
 */
export async function sendTestMail({ config, to, signal, nowMs }: TestMailOptions): Promise<TestMail> {
  const first = config.alerts.recipients.find((one) => isMailAddress(one.to))?.to;
  const recipient = to ?? first ?? config.smtp?.fallback ?? null;
  if (recipient === null || !isMailAddress(recipient)) {
    const message = recipient === null ? 'nobody is named in <alerts mail>' : `${recipient} is no mail address`;
    throw new FleetError({ code: 'usage', stage: 'usage', message, advice: 'Name an address: --mail ADDRESS.' });
  }
  const from = senderOf(config);
  const messageId = `<test-${randomUUID()}@${domainOf(from)}>`;
  const content = await freezeNotice({
    subject: `Test mail from fleet-health on ${hostname()}`,
    lines: [
      `This is a test: mails of fleet-health on ${hostname()} arrive here.`,
      '',
      `It was sent by "fleet-health check" with ${config.file}.`,
      '',
    ],
    messageId,
    from,
    to: recipient,
    dateMs: nowMs,
  });
  return { to: recipient, where: await sendNow(config, { recipient, messageId, content }, signal) };
}

/**
 * Posts a test message to a webhook. Its alert is resolved, so that nothing stays open. Stores nothing. Throws
 * FleetError `usage` if config.xml has no such webhook, and the errors of `sendTestMail`.
 */
export async function sendTestMessage(
  { config, signal, nowMs }: Omit<TestMailOptions, 'to'>,
  name: string,
): Promise<void> {
  const form = config.webhooks.find((one) => one.name === name);
  if (form === undefined) {
    const names = config.webhooks.map((one) => one.name);
    const advice = names.length === 0 ? 'Write <webhook name="..." url="..."/>.' : `There is ${names.join(', ')}.`;
    throw new FleetError({ code: 'usage', stage: 'usage', message: `config.xml has no webhook ${name}`, advice });
  }
  const messageId = `<test-${randomUUID()}@${domainOf(senderOf(config))}>`;
  const subject = `Test message from fleet-health on ${hostname()}`;
  const text = `This is a test: messages of fleet-health on ${hostname()} arrive here.\n`;
  const notice = noticeOfOne(
    { messageId, subject, text, state: 'resolved', atMs: nowMs },
    {
      labels: config.labels,
      id: digestOf(['test', hostname()]).slice(0, 32),
      about: 'client',
      client: hostname(),
      rule: 'test',
      subject: '',
      severity: 'warning',
      value: 'a test',
      startsAtMs: nowMs,
      endsAtMs: nowMs,
    },
  );
  const content = freezeWebhook(notice, form);
  await sendNow(config, { recipient: recipientOf('webhook', name), messageId, content }, signal);
}

/** Sends a mail over the channel of its recipient. Returns the name of the channel. */
async function sendNow(config: Config, mail: Omit<OutgoingMail, 'severity'>, signal: AbortSignal): Promise<string> {
  const channels = openChannels(config);
  try {
    const channel = channels.channelFor(mail.recipient);
    await channel.send({ ...mail, severity: 'warning' }, { signal, onDataBegun: () => Promise.resolve() });
    return channel.name;
  } finally {
    channels.close();
  }
}
