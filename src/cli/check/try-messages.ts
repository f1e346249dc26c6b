import type { Config } from '../../config/config.ts';
import { asFleetError, usageError } from '../../errors.ts';
import type { Context } from '../command/context.ts';
import type { Trial } from './try-connections.ts';

/** Sends a test mail. */
export async function tryMail({ output, signal }: Context, config: Config, to: string | null): Promise<Trial> {
  const { sendTestMail } = await import('../../notify/send-test-mail.ts');
  try {
    const sent = await sendTestMail({ config, to, signal, nowMs: Date.now() });
    const how = config.smtp === null ? 'was written to a file, not sent, in' : 'was taken by';
    if (!output.json) output.print(`A test mail to ${sent.to} ${how} ${sent.where}.`);
    return { what: `test mail to ${sent.to}`, kind: 'mail', fault: null };
  } catch (thrown) {
    signal.throwIfAborted();
    const fault = asFleetError(thrown, { code: 'mail-unavailable', stage: 'mail' });
    if (fault.code === 'usage') throw fault;
    return { what: to === null ? 'test mail' : `test mail to ${to}`, kind: 'mail', fault };
  }
}

/** Posts a test message to a webhook. */
export async function tryWebhook({ output, signal }: Context, config: Config, name: string): Promise<Trial> {
  const { sendTestMessage } = await import('../../notify/send-test-mail.ts');
  const what = `test message to webhook ${name}`;
  try {
    await sendTestMessage({ config, signal, nowMs: Date.now() }, name);
    if (!output.json) output.print(`A test message was taken by webhook ${name}.`);
    return { what, kind: 'mail', fault: null };
  } catch (thrown) {
    signal.throwIfAborted();
    const fault = asFleetError(thrown, { code: 'mail-unavailable', stage: 'mail' });
    if (fault.code === 'usage') throw fault;
    return { what, kind: 'mail', fault };
  }
}

/** The deadline of a login to the mailbox of replies. */
const mailboxTimeoutMs = 20_000;

/** Logs in to the mailbox of `<replies>`. Throws FleetError `usage` if config.xml has none. */
export async function tryReplies({ output, signal }: Context, { replies }: Config): Promise<Trial> {
  if (replies === null) throw usageError('config.xml has no <replies>', 'Write <replies imap="imaps://..."/>.');
  const { verifyReplies } = await import('../../notify/replies/imap-client.ts');
  const what = `replies at ${replies.host}:${replies.port}`;
  try {
    await verifyReplies(replies, { timeoutMs: mailboxTimeoutMs, signal });
    if (!output.json)
      output.print(`${replies.username} may read ${replies.mailbox} at ${replies.host}:${replies.port}.`);
    return { what, kind: 'mail', fault: null };
  } catch (thrown) {
    signal.throwIfAborted();
    return { what, kind: 'mail', fault: asFleetError(thrown, { code: 'replies-unread', stage: 'mail' }) };
  }
}
