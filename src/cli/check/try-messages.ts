import type { Config } from '../../config/config.ts';
import { asFleetError, type ErrorCode, usageError } from '../../platform/errors/errors.ts';
import type { Context } from '../command/context.ts';
import type { Trial } from './try-connections.ts';

/** Sends a test mail. */
export async function tryMail(context: Context, config: Config, to: string | null): Promise<Trial> {
  const what = to === null ? 'test mail' : `test mail to ${to}`;
  const { smtpGreeting } = await import('../../notify/smtp-greeting.ts');
  const greeting = config.smtp === null ? {} : { greeting: smtpGreeting(config.smtp) };
  const trial = await tryMessage(context, { what, code: 'mail-unavailable' }, async () => {
    const { sendTestMail } = await import('../../notify/send-test-mail.ts');
    const sent = await sendTestMail({ config, to, signal: context.signal, nowMs: Date.now() });
    const how = config.smtp === null ? 'was written to a file, not sent, in' : 'was taken by';
    return { what: `test mail to ${sent.to}`, words: `A test mail to ${sent.to} ${how} ${sent.where}.` };
  });
  return { ...trial, ...greeting };
}

/** Posts a test message to a webhook. */
export function tryWebhook(context: Context, config: Config, name: string): Promise<Trial> {
  const what = `test message to webhook ${name}`;
  return tryMessage(context, { what, code: 'mail-unavailable' }, async () => {
    const { sendTestMessage } = await import('../../notify/send-test-mail.ts');
    await sendTestMessage({ config, signal: context.signal, nowMs: Date.now() }, name);
    return { what, words: `A test message was taken by webhook ${name}.` };
  });
}

/** The deadline of a login to the mailbox of replies. */
const mailboxTimeoutMs = 20_000;

/** Logs in to the mailbox of `<replies>`. Throws FleetError `usage` if config.xml has none. */
export function tryReplies(context: Context, { replies }: Config): Promise<Trial> {
  if (replies === null) throw usageError('config.xml has no <replies>', 'Write <replies imap="imaps://..."/>.');
  const { host, port, username, mailbox } = replies;
  const what = `replies at ${host}:${port}`;
  return tryMessage(context, { what, code: 'replies-unread' }, async () => {
    const { verifyReplies } = await import('../../notify/replies/imap-client.ts');
    await verifyReplies(replies, { timeoutMs: mailboxTimeoutMs, signal: context.signal });
    return { what, words: `${username} may read ${mailbox} at ${host}:${port}.` };
  });
}

/** Makes one attempt, and prints its result in words. Throws FleetError `usage`, or the signal's reason. */
async function tryMessage(
  { output, signal }: Context,
  { what, code }: { readonly what: string; readonly code: ErrorCode },
  work: () => Promise<{ readonly what: string; readonly words: string }>,
): Promise<Trial> {
  try {
    const done = await work();
    if (!output.json) output.print(done.words);
    return { what: done.what, kind: 'mail', fault: null };
  } catch (thrown) {
    signal.throwIfAborted();
    const fault = asFleetError(thrown, { code, stage: 'mail' });
    if (fault.code === 'usage') throw fault;
    return { what, kind: 'mail', fault };
  }
}
