import path from 'node:path';

import { writeSynced } from '../state/durable-file.ts';
import { makeFolder } from '../state/make-folder.ts';
import { FleetError, messageOf } from '../errors.ts';
import { mailTimeouts, type Channel, type OutgoingMail, type SendOptions } from './notify.ts';

/**
 * Stores mails as `.eml` files in a folder, which is what happens without <smtp>. A file appears whole or not at all,
 * and the same mail again is the same file.
 */
export function createFileChannel(outboxDir: string, timeouts = mailTimeouts): Channel {
  return {
    ...timeouts,
    name: outboxDir,
    send: (mail, options) => store(outboxDir, mail, options),
    close: () => undefined,
  };
}

/** Returns the name of a mail's file: the part of its Message-ID before the @. */
export function outboxName(messageId: string): string {
  return `${messageId.replace(/^<|@.*$/g, '').replace(/[^A-Za-z0-9._-]/g, '_')}.eml`;
}

async function store(outboxDir: string, mail: OutgoingMail, { onDataBegun, signal }: SendOptions): Promise<void> {
  signal.throwIfAborted();
  const file = path.join(outboxDir, outboxName(mail.messageId));
  await asMailFault(outboxDir, () => makeFolder(outboxDir));
  await onDataBegun();
  await asMailFault(file, async () => {
    await writeSynced(outboxDir, path.basename(file), mail.content);
  });
}

/**
 * Reports a fault of the folder under another stage than `mail`: a folder that does not take one mail takes no other.
 */
async function asMailFault<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw new FleetError({
      code: 'mail-unavailable',
      stage: 'spool',
      message: `${what}: ${messageOf(thrown)}`,
      advice: 'Check the owner, mode and free space of the folder.',
      cause: thrown,
    });
  }
}
