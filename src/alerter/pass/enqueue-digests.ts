import { freezeMail, type FreezeOptions } from '../../notify/mime.ts';
import { senderOf } from '../../notify/mail-identity.ts';
import type { NewMail } from '../../storage/store/outbox-store.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { keepLease } from '../deliver/deliver.ts';
import { composeDigest, type DigestText } from '../digest/compose-digest.ts';
import { dueDigests, type DueDigest } from '../digest/due-digests.ts';
import { clientsOf, readDigest } from '../digest/read-digest.ts';
import type { DueMail } from '../dispatch/notification-plan.ts';
import type { PassContext } from './pass-context.ts';

export type EnqueueDigestsOptions = PassContext & { readonly storage: Storage };

/** The largest report that is attached: mail servers refuse mails of more than some megabytes. */
const maxReportBytes = 4 * 1024 * 1024;

/**
 * Composes the digests that are due and stores them in the outbox, each in one fenced transaction. Returns the number
 * of mails. The fault of one costs this one: the next pass tries it again.
 */
export async function enqueueDigests(options: EnqueueDigestsOptions): Promise<number> {
  const { config, storage, nowMs, lease, observe, signal, stages } = options;
  const store = {
    ...storage.digest,
    storedMessageIds: (ids: readonly string[]) => storage.notifications.storedMessageIds(ids),
  };
  if ((await dueDigests(config, store, nowMs)).length === 0) return 0;
  const held = await lease.take();
  const keeper = keepLease(storage.leases, held);
  let count = 0;
  try {
    // Another alerter may have made the digests until the lease was taken.
    for (const due of await dueDigests(config, store, nowMs)) {
      if (signal.aborted) return count;
      const what = `the digest ${due.digest.name}`;
      const written = await stages.run({ what, otherwise: null, isVital: false }, () => writeDigest(options, due));
      if (written === null) continue;
      keeper.check();
      await storage.notifications.saveNotifications(held, { mails: written.mails, notified: [], closedOut: [] });
      const { subject, text } = written.words;
      for (const { recipient } of written.mails)
        observe({ kind: 'composed', mail: dueMailOf(recipient), subject, text });
      count += written.mails.length;
    }
  } finally {
    await keeper.stop();
  }
  return count;
}

interface WrittenDigest {
  readonly words: DigestText;
  readonly mails: readonly NewMail[];
}

/** Returns the words and mails of a digest; null if there is nothing yet to sum up. */
async function writeDigest(options: EnqueueDigestsOptions, due: DueDigest): Promise<WrittenDigest | null> {
  const { config, storage, nowMs } = options;
  const facts = await readDigest(config, storage, due.digest, due);
  if (facts === null) return null;
  const report = due.digest.attachesReport ? await renderReport(options, due) : null;
  const words = composeDigest({ facts, config, attached: report?.sentence ?? null });
  const { sinceMs: fromMs, untilMs: toMs, seenToMs, seenAgainMs } = due;
  const mailed = { name: due.digest.name, fromMs, seenToMs, seenAgainMs, toMs };
  const mails: NewMail[] = [];
  for (const { to, messageId } of due.recipients) {
    const mail = { ...words, messageId, inReplyTo: null, references: [] };
    const frozen = { mail, from: senderOf(config), to, dateMs: nowMs, ...(report?.attached ?? {}) };
    mails.push({
      recipient: to,
      messageId,
      content: await freezeMail(frozen),
      severity: 'warning',
      // An ordinary mail would delay the next mail about warnings.
      ordinary: false,
      notifications: [],
      digest: mailed,
      replaces: [],
    });
  }
  return { words, mails };
}

interface AttachedReport {
  readonly sentence: string;
  readonly attached: Pick<FreezeOptions, 'attached'>;
}

async function renderReport(
  { config, storage, signal, renderReport: render }: EnqueueDigestsOptions,
  { digest, sinceMs, untilMs }: DueDigest,
): Promise<AttachedReport> {
  const clients = clientsOf(config, digest);
  const isWhole = digest.groups.length === 0;
  const title = isWhole ? 'Fleet' : digest.groups.join(', ');
  const query = { clients, isWhole, title, sinceMs, untilMs, maxBytes: maxReportBytes, signal };
  const html = (await render?.(storage, query)) ?? null;
  if (html === null) {
    const sentence = 'The report is left out: it would be larger than 4 MiB. `fleet-health report` makes it.';
    return { sentence, attached: {} };
  }
  const name = `report-${new Date(untilMs).toISOString().slice(0, 10).replaceAll('-', '')}.html`;
  return {
    sentence: `The report of this span is attached: ${name}.`,
    attached: { attached: { type: 'text/html; charset=utf-8', body: html, name } },
  };
}

/** Returns a mail without alerts, for views. */
function dueMailOf(recipient: string): DueMail {
  const nothing = { items: [], sections: [], open: [], openFolds: [], replaces: [] };
  return { recipient, severity: 'warning', ordinary: false, alreadyTrue: false, ...nothing };
}
