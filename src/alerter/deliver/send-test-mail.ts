import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import type { Config } from '../../config/config.ts';
import { isMailAddress } from '../../config/values/addresses.ts';
import { sender } from '../../config/settings/mail-settings.ts';
import { FleetError } from '../../errors.ts';
import { freezeMail } from '../../notify/mime.ts';
import { domainOf } from '../compose/message-ids.ts';
import { createWays } from './notifiers.ts';

export interface TestMailOptions {
  readonly config: Config;
  /** null: the first of <alerts>, else the fallback address. */
  readonly to: string | null;
  readonly signal: AbortSignal;
  readonly nowMs: number;
}

export interface TestMail {
  readonly to: string;
  /** The mail server (`host:port`), or without <smtp> the folder. */
  readonly where: string;
}

/**
 * Sends a mail that says nothing but that mails arrive, the way alerts go; nothing is stored. Throws FleetError `usage`
 * when it is not clear to whom, `mail-refused`, `mail-unavailable`, `secret-missing`, or the signal's reason.
 */
export async function sendTestMail({ config, to, signal, nowMs }: TestMailOptions): Promise<TestMail> {
  const recipient = to ?? config.alerts.recipients[0]?.to ?? config.smtp?.fallback ?? null;
  if (recipient === null || !isMailAddress(recipient)) {
    const message = recipient === null ? 'nobody is named in <alerts mail>' : `${recipient} is no mail address`;
    throw new FleetError({ code: 'usage', stage: 'usage', message, advice: 'Name an address: --mail ADDRESS.' });
  }
  const from = config.smtp?.from ?? sender();
  const messageId = `<test-${randomUUID()}@${domainOf(from)}>`;
  const text = [
    `This is a test: mails of fleet-health on ${hostname()} arrive here.`,
    '',
    `It was sent by "fleet-health check" with ${config.file}.`,
    '',
  ].join('\n');
  const content = await freezeMail({
    mail: {
      subject: `Test mail from fleet-health on ${hostname()}`,
      text,
      html: `<p>${text.replace(/&/g, '&amp;').replace(/</g, '&lt;').trim().replace('\n\n', '</p><p>')}</p>`,
      messageId,
      inReplyTo: null,
      references: [],
      headers: { 'Auto-Submitted': 'auto-generated' },
    },
    from,
    to: recipient,
    dateMs: nowMs,
  });
  const ways = createWays(config);
  try {
    const { name, notifier, timeoutMs, answerTimeoutMs } = ways.wayTo(recipient);
    const onDataBegun = (): Promise<void> => Promise.resolve();
    const mail = { recipient, messageId, content, severity: 'warning' } as const;
    await notifier.send(mail, { timeoutMs, answerTimeoutMs, signal, onDataBegun });
    return { to: recipient, where: name };
  } finally {
    ways.close();
  }
}
