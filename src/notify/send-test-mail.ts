import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import type { Config } from '../config/config.ts';
import { isMailAddress } from '../config/values/addresses.ts';
import { FleetError } from '../errors.ts';
import { openChannels } from './channels.ts';
import { domainOf, senderOf } from './mail-identity.ts';
import { freezeNotice } from './mime.ts';

export interface TestMailOptions {
  readonly config: Config;
  /** null: the first recipient of <alerts>, else the fallback address. */
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
 * Sends a test mail over the channel of alerts. Stores nothing. Throws FleetError `usage` if the recipient is not
 * clear, `mail-refused`, `mail-unavailable`, `secret-missing`, or the signal's reason.
 */
export async function sendTestMail({ config, to, signal, nowMs }: TestMailOptions): Promise<TestMail> {
  const recipient = to ?? config.alerts.recipients[0]?.to ?? config.smtp?.fallback ?? null;
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
  const channels = openChannels(config);
  try {
    const channel = channels.channelFor(recipient);
    const onDataBegun = (): Promise<void> => Promise.resolve();
    await channel.send({ recipient, messageId, content, severity: 'warning' }, { signal, onDataBegun });
    return { to: recipient, where: channel.name };
  } finally {
    channels.close();
  }
}
