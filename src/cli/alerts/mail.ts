import { usageError } from '../../platform/errors/errors.ts';
import { newReplyToken } from '../../notify/replies/reply-token.ts';
import type { MailStore, MailSummary } from '../../storage/store/outbox-store.ts';
import { printAnswer, printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { changeStored, readStored } from '../command/read-stored.ts';
import { loadSettings } from '../command/settings.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import type { Output } from '../terminal/output.ts';
import { readerTime, type ReaderTime } from '../terminal/reader-time.ts';
import { renderTable } from '../terminal/table.ts';

/** Runs `mail list`: lists mails that no server has accepted, oldest first. */
export async function mailListCommand(context: Context): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const { mails, nowMs } = await readStored(config.storage, signal, async (storage) => ({
    mails: (await storage?.mails.undelivered()) ?? [],
    nowMs: (await storage?.nowMs()) ?? Date.now(),
  }));
  return printAnswer(
    output,
    () => ({ command: 'mail list', mails: mails.map(mailJson) }),
    () => (mails.length === 0 ? 'No mail waits.' : mailTable(output, mails, readerTime(config, nowMs))),
  );
}

function mailTable(output: Output, mails: readonly MailSummary[], { zone, moment }: ReaderTime): string {
  const table = renderTable(
    output,
    [
      { title: 'no', align: 'right', cell: ({ id }) => String(id) },
      { title: 'recipient', shrinks: true, keepsEnd: true, cell: ({ recipient }) => recipient },
      { title: 'severity', cell: ({ severity }) => severity },
      { title: 'made', cell: ({ createdAtMs }) => moment(createdAtMs) },
      { title: 'tries', align: 'right', cell: ({ attempts }) => String(attempts) },
      { title: 'next try', cell: (mail) => nextTry(mail, moment) },
    ],
    mails,
    ({ error }) => (error === null ? [] : [{ text: error, colour: 'red' }]),
  );
  return `${table}\n\nTimes are ${zone}. To give one up: fleet-health mail discard NUMBER\nTo try one with the next pass: fleet-health mail resend NUMBER`;
}

/** Describes when an undelivered mail is tried again. */
export function nextTry(
  { failedAtMs, nextAttemptAtMs }: Pick<MailSummary, 'failedAtMs' | 'nextAttemptAtMs'>,
  moment: (atMs: number) => string,
): string {
  if (failedAtMs !== null) return 'refused for good';
  return nextAttemptAtMs === null ? 'due' : moment(nextAttemptAtMs);
}

/** Runs `mail discard`: gives up mails that no server has accepted. */
export function mailDiscardCommand(context: Context, ids: readonly number[]): Promise<ExitStatus> {
  return changeMails(context, ids, {
    command: 'mail discard',
    change: (mails, id) => mails.discardMail(id),
    outcome: 'will not be sent, and counts as notified: what goes on is in the next reminder.',
  });
}

/** Runs `mail resend`: makes undelivered mails due now. */
export function mailResendCommand(context: Context, ids: readonly number[]): Promise<ExitStatus> {
  return changeMails(context, ids, {
    command: 'mail resend',
    change: (mails, id) => mails.resendMail(id, newReplyToken()),
    outcome: 'will be tried with the next pass of alert.',
  });
}

interface MailChange {
  readonly command: string;
  /** Changes a mail. Returns false if the mail does not wait. */
  readonly change: (mails: MailStore, id: number) => Promise<boolean>;
  /** The end of the sentence about the changed mails. */
  readonly outcome: string;
}

/** Changes mails that wait. Throws a usage error that names those that do not wait. */
async function changeMails(
  context: Context,
  ids: readonly number[],
  { command, change, outcome }: MailChange,
): Promise<ExitStatus> {
  const { output, signal } = context;
  const kept = await changeStored(loadSettings(context), signal, async ({ mails }) => {
    const left: number[] = [];
    for (const id of ids) if (!(await change(mails, id))) left.push(id);
    return left;
  });
  if (kept.length === 0) {
    return printDone(
      output,
      () => ({ command, ids }),
      () => `${numbered(ids)} ${outcome}`,
    );
  }
  const changed = ids.filter((id) => !kept.includes(id));
  if (changed.length > 0 && !output.json && output.verbosity !== 'quiet')
    output.print(`Changed: ${numbered(changed)}.`);
  throw usageError(
    `no mail ${kept.join(', ')} waits: it was sent, replaced or discarded, or is being sent just now`,
    'fleet-health mail list shows those that wait.',
  );
}

function numbered(ids: readonly number[]): string {
  return `${ids.length === 1 ? 'Mail' : 'Mails'} ${ids.join(', ')}`;
}

/** Returns an undelivered mail as JSON. */
export function mailJson({ id, recipient, messageId, createdAtMs, attempts, ...rest }: MailSummary): object {
  const { nextAttemptAtMs, failedAtMs, error } = rest;
  return jsonFields({ id, recipient, messageId, createdAtMs, attempts, nextAttemptAtMs, failedAtMs, error });
}
